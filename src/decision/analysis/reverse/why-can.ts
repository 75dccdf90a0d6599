import type { PolicySet } from '#decision/engine';
import type { EntityUid, FactView, ScopePath, ScopeReason } from '#foundation/model';

type Uid = { readonly type: string; readonly id: string };
interface ScopeJson {
  readonly op: string;
  readonly entity?: Uid | { readonly __entity: Uid };
  readonly entities?: readonly (Uid | { readonly __entity: Uid })[];
  readonly in?: { readonly entity?: Uid | { readonly __entity: Uid } };
}

const same = (a: EntityUid, b: EntityUid) => a.type === b.type && a.id === b.id;

/** The entities a scope asks for; empty: it asks for none. */
function wantedBy(json: unknown): readonly EntityUid[] {
  const { entity, entities, in: within } = json as ScopeJson;
  return [entity, within?.entity, ...(entities ?? [])].flatMap((each) => {
    if (each === undefined) return [];
    const { type, id } = '__entity' in each ? each.__entity : each;
    return [{ type, id }];
  });
}

/** Direct parents by the facts: everyone enrolled is in `everyone`, whether or not their record says so. */
function parentsOf(view: FactView, { type, id }: EntityUid): readonly EntityUid[] {
  const groups = (ids: readonly string[]) => ids.map((each) => ({ type: 'Group', id: each }));
  const segments = (parent: string | null | undefined) => (parent == null ? [] : [{ type: 'Segment', id: parent }]);
  switch (type) {
    case 'User': {
      const user = view.get('user', id);
      return user === undefined ? [] : groups([...user.groups, 'everyone']);
    }
    case 'Group':
      return groups(view.get('group', id)?.memberOf ?? []);
    case 'App':
      return segments(view.get('resource', id)?.segment);
    case 'Segment':
      return segments(view.get('segment', id)?.within);
    default:
      return [];
  }
}

/** A shortest way up to one of `wanted`; undefined when none leads there. */
export function pathUp(
  view: FactView,
  { from, wanted }: { from: EntityUid; wanted: readonly EntityUid[] },
): ScopePath | undefined {
  const seen = new Set<string>();
  let level: EntityUid[][] = [[from]];
  while (level.length > 0) {
    const next: EntityUid[][] = [];
    for (const path of level) {
      const end = path.at(-1) as EntityUid;
      if (wanted.some((each) => same(each, end))) return path;
      for (const parent of parentsOf(view, end)) {
        const name = JSON.stringify([parent.type, parent.id]);
        if (seen.has(name)) continue;
        seen.add(name);
        next.push([...path, parent]);
      }
    }
    level = next;
  }
  return undefined;
}

/** For policies that decided: how principal and resource come under what their scopes name. */
export function scopeReasons(
  view: FactView,
  asked: {
    readonly set: Pick<PolicySet, 'policies'>;
    readonly policies: readonly string[];
    readonly principal: EntityUid;
    readonly resource: EntityUid;
  },
): ScopeReason[] {
  return asked.policies.flatMap((id) => {
    const policy = asked.set.policies.get(id);
    if (policy === undefined) return [];
    const path = (json: unknown, from: EntityUid) => {
      const wanted = wantedBy(json);
      return wanted.length === 0 ? null : (pathUp(view, { from, wanted }) ?? null);
    };
    const { principal, resource } = policy.json;
    return [{ policy: id, principal: path(principal, asked.principal), resource: path(resource, asked.resource) }];
  });
}
