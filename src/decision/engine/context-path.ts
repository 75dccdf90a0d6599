import { isNode, madeMembers } from './expression-json.ts';
import type { PolicyJson } from './policy-set.ts';

/** `['session', 'bound']` for `context.session.bound`; undefined for what is no path from the context. */
export function contextPath(json: unknown): string[] | undefined {
  if (!isNode(json)) return undefined;
  if (json['Var'] === 'context') return [];
  const access = json['.'];
  if (!isNode(access)) return undefined;
  const path = contextPath(access['left']);
  return path === undefined ? undefined : [...path, String(access['attr'])];
}

/** Does the expression read that member of the context? One that takes the context in any other way than by its members counts as reading all. */
function reads(json: unknown, member: string): boolean {
  if (Array.isArray(json)) return json.some((item) => reads(item, member));
  if (!isNode(json)) return false;
  const members = madeMembers(json);
  if (members !== undefined) return reads(members, member);
  if ('Value' in json) return false;
  const path = contextPath(json);
  if (path !== undefined) return path.length === 0 || path[0] === member;
  return Object.values(json).some((part) => reads(part, member));
}

/** May a policy's answer depend on that member of the context? What is not understood counts as reading it. */
export function readsContext(policies: Iterable<PolicyJson>, member: string): boolean {
  for (const { conditions } of policies) if (conditions.some(({ body }) => reads(body, member))) return true;
  return false;
}
