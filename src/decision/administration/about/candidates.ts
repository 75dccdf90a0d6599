import { vocabularyOf } from '#decision/engine';
import { type PdpScope, pdpScopeCovers } from '#foundation/model';
import type { PublishedPolicies } from '../judge.ts';
import { namespaceOf, ownType, resolveType } from './resolve-types.ts';

/** Where to look for what a search seeks; null: nowhere that this caller may look. */
export type Candidates =
  | { readonly from: 'users' }
  | { readonly from: 'apps' }
  | { readonly from: 'entities'; readonly type: string }
  | { readonly from: 'names'; readonly names: readonly string[] }
  | null;

interface Looking {
  readonly policies: PublishedPolicies | null;
  readonly scope: PdpScope;
}

const isSearch = true;
const appActions = ['connect', 'delete', 'read', 'write'];

/** In whose world a resource lies: ours, or that of a namespace; undefined when the caller may not search there. */
function worldOf(
  { policies, scope }: Looking,
  resource: { type: string; id?: string },
): { namespace: string | null } | undefined {
  if (ownType(resource.type) === 'App') {
    const { id } = resource;
    return id === undefined || pdpScopeCovers(scope, { app: id, isSearch }) ? { namespace: null } : undefined;
  }
  const vocabulary = vocabularyOf(policies?.compiled.schemaJson ?? null);
  const type = resolveType(resource.type, { vocabulary, scope, isSearch });
  return type === undefined ? undefined : { namespace: namespaceOf(type) };
}

/** Who might be what a subject search seeks. */
export function subjectCandidates(
  looking: Looking,
  asked: { subjectType: string; resource: { type: string; id: string } },
): Candidates {
  const world = worldOf(looking, asked.resource);
  if (world === undefined) return null;
  if (world.namespace !== null) {
    const vocabulary = vocabularyOf(looking.policies?.compiled.schemaJson ?? null);
    const { scope } = looking;
    const type = resolveType(asked.subjectType, { vocabulary, scope, isSearch, namespace: world.namespace });
    if (type !== undefined) return { from: 'entities', type };
  }
  const own = ownType(asked.subjectType);
  if (own === 'User') return { from: 'users' };
  return own === 'Anonymous' ? { from: 'names', names: ['anonymous'] } : null;
}

/** What might be what a resource search seeks; apps still have to be covered one by one. */
export function resourceCandidates(looking: Looking, asked: { resourceType: string }): Candidates {
  if (ownType(asked.resourceType) === 'App') return { from: 'apps' };
  const vocabulary = vocabularyOf(looking.policies?.compiled.schemaJson ?? null);
  const type = resolveType(asked.resourceType, { vocabulary, scope: looking.scope, isSearch });
  return type === undefined ? null : { from: 'entities', type };
}

/** Actions that might be allowed on a resource. */
export function actionCandidates(looking: Looking, asked: { resource: { type: string; id: string } }): Candidates {
  const world = worldOf(looking, asked.resource);
  if (world === undefined) return null;
  if (world.namespace === null) return { from: 'names', names: appActions };
  const vocabulary = vocabularyOf(looking.policies?.compiled.schemaJson ?? null);
  const type = resolveType(asked.resource.type, { vocabulary, scope: looking.scope, isSearch }) ?? '';
  const actions = [...(vocabulary.actions.get(`${world.namespace}::Action`)?.values() ?? [])];
  const names = actions.filter(({ resourceTypes }) => resourceTypes.has(type)).map(({ id }) => id);
  return { from: 'names', names: names.sort() };
}
