import type { FactView } from '#foundation/model';
import { administrators } from '#information/identity';
import { mayAdminister } from './authorise.ts';
import type { Caller } from './caller.ts';
import { problem } from './problem.ts';
import type { ApiServices } from './services.ts';

/**
 * Throws ApiProblem 403 when a membership in `groups` would make an administrator and the caller could not do everything
 * anyway. Without this the right to invite people, or a token for `user:write`, would be the right to everything.
 */
export function refuseToRaise(services: ApiServices, caller: Caller, groups: readonly string[]): void {
  if (caller.isOperator || !leadsToAdministrators(services.facts, groups)) return;
  if (mayAdminister(services, caller, { noun: 'policy', action: 'write' })) return;
  throw problem(403, 'raise', 'only somebody who may publish policies may make administrators; ask one of them');
}

function leadsToAdministrators(facts: FactView, groups: readonly string[]): boolean {
  const queue = [...groups];
  const seen = new Set<string>();
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name === administrators) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    queue.push(...(facts.get('group', name)?.memberOf ?? []));
  }
  return false;
}
