import type { PolicySet, SchemaJson, ScopeJson } from '#decision/engine';
import type { Question } from '#foundation/model';

/** What may be asked of apps; whatever else is asked has no number. */
export const appActions: readonly Question['action'][] = ['read', 'write', 'delete', 'connect'];

interface DeclaredAction {
  readonly memberOf?: readonly { readonly id: string; readonly type?: string }[];
  readonly appliesTo?: unknown;
}

const isNode = (json: unknown): json is object => typeof json === 'object' && json !== null;

/** Does an expression speak of the action of the request? */
function readsAction(json: unknown): boolean {
  if (!isNode(json)) return false;
  return ('Var' in json && json.Var === 'action') || Object.values(json).some(readsAction);
}

/** Ids that a scope names; null when it is not understood. */
function namedIn({ op, entity, entities }: ScopeJson): readonly string[] | null {
  if (op === 'All') return [];
  const uids = [...(entity === undefined ? [] : [entity]), ...(entities ?? [])];
  if ((op !== '==' && op !== 'in') || uids.length === 0) return null;
  return uids.map((uid) => ('__entity' in uid ? uid.__entity.id : uid.id));
}

/** Groups of actions above one, by name alone: actions of other namespaces that are named alike make it err towards telling apart. */
function groupsAbove(declared: Readonly<Record<string, DeclaredAction>>, id: string): ReadonlySet<string> {
  const above = new Set([id]);
  // A set gives what is added while it is walked.
  for (const each of above) for (const parent of declared[each]?.memberOf ?? []) above.add(parent.id);
  above.delete(id);
  return above;
}

/**
 * Numbers actions on apps so that two with the same number get the same answers. Told apart are those that a scope names, that lie in
 * other groups which scopes name, or that the schema declares otherwise; all of them, when a condition reads the action.
 */
export function alikeActions(
  sets: readonly { readonly policies: PolicySet['policies']; readonly schemaJson: SchemaJson | null }[],
): ReadonlyMap<string, number> {
  const apart = new Map(appActions.map((action, index) => [action as string, index]));
  const all = sets.flatMap(({ policies }) => [...policies.values()].map(({ json }) => json));
  const scopes = all.map(({ action }) => namedIn(action as ScopeJson));
  const isRead = all.some(({ conditions }) => conditions.some(({ body }) => readsAction(body)));
  if (isRead || scopes.includes(null) || sets.some(({ schemaJson }) => schemaJson === null)) return apart;
  const named = new Set(scopes.flatMap((ids) => ids ?? []));
  const signatures = appActions.map((action) => {
    const declared = sets.map(({ schemaJson }) => {
      const { actions: known = {} } = (schemaJson?.[''] ?? {}) as { actions?: Record<string, DeclaredAction> };
      const above = [...groupsAbove(known, action)].filter((id) => named.has(id)).sort();
      return [Object.hasOwn(known, action), above, known[action]?.appliesTo];
    });
    return JSON.stringify([named.has(action) ? action : null, declared]);
  });
  return new Map(appActions.map((action, index) => [action, signatures.indexOf(signatures[index] ?? '')]));
}
