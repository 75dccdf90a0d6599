import { EngineError, type EntityChange, type EntityJson, EntityStore, type SchemaJson } from '#decision/engine';
import { type EntityUid, type FactId, type FactKind, type FactView, formatUid, parseUid } from '#foundation/model';
import { storedEntity } from './about/gather-entities.ts';
import { namespaceOf } from './about/resolve-types.ts';
import { grantEntity, isGranted } from './cedar-request.ts';
import { HierarchyTooLarge, segmentsAround } from './hierarchy.ts';
import { appEntity, userEntity } from './standing.ts';

/** Kinds of facts that are entities. */
const kinds = ['group', 'segment', 'user', 'resource', 'grant', 'entity'] as const;
type EntityKind = (typeof kinds)[number];
export const entityKinds: ReadonlySet<FactKind> = new Set(kinds);
const ownTypes: Partial<Record<FactKind, string>> = {
  user: 'User',
  group: 'Group',
  segment: 'Segment',
  resource: 'App',
  grant: 'Grant',
};

/** The entity that a fact is, or was; undefined: it is none that a question could reach. */
function uidOf({ kind, id }: FactId): EntityUid | undefined {
  if (kind !== 'entity') {
    const type = ownTypes[kind];
    return type === undefined ? undefined : { type, id };
  }
  const uid = parseUid(id);
  // People, groups, apps and segments are made from their own facts and from nothing else.
  return uid === undefined || namespaceOf(uid.type) === '' || formatUid(uid) !== id ? undefined : uid;
}

const uids = (type: string, ids: readonly string[]) => ids.map((id) => ({ type, id }));

/** How the fact stands as an entity, with its direct parents alone; undefined: there is none. Throws HierarchyTooLarge. */
function entityOf(view: FactView, { uid, kind, id }: { uid: EntityUid } & FactId): EntityJson | undefined {
  switch (kind) {
    case 'user': {
      const user = view.get('user', id);
      // Everyone enrolled is in `everyone`, whether or not their record says so.
      return user && userEntity(uid, { user, parents: uids('Group', [...user.groups, 'everyone']) });
    }
    case 'group': {
      const group = view.get('group', id);
      return group && { uid, attrs: {}, parents: uids('Group', group.memberOf) };
    }
    case 'segment': {
      const segment = view.get('segment', id);
      const parents = segment?.within == null ? [] : uids('Segment', [segment.within]);
      return segment && { uid, attrs: { sensitivity: segment.sensitivity }, parents };
    }
    case 'resource': {
      const app = view.get('resource', id);
      const parents = app?.segment == null ? [] : uids('Segment', [app.segment]);
      return app && appEntity(uid, { app, sensitivity: segmentsAround(view, app.segment).sensitivity, parents });
    }
    case 'grant': {
      const grant = view.get('grant', id);
      return grant !== undefined && isGranted(grant) ? grantEntity({ id, body: grant }) : undefined;
    }
    default: {
      const stored = view.get('entity', id);
      return stored && storedEntity(uid, stored);
    }
  }
}

/**
 * The entities of one view of facts in a store of one schema. Brought up to the view's revision when somebody asks, by what changed
 * since then, in one synchronous step: no decision sees half a change.
 */
export class FactEntities {
  readonly store: EntityStore;
  readonly #view: FactView;
  #epoch = -1;
  #revision = -1;
  /** Facts that cannot stand in the store: they do not fit the schema, or their hierarchy runs in a circle. */
  #unfit = new Map<string, FactId>();
  #isOwnFit = true;

  constructor(view: FactView, schemaJson: SchemaJson) {
    this.#view = view;
    this.store = new EntityStore(schemaJson);
  }

  /**
   * Is the store as the facts of this view are now? Then questions need not bring entities along. It is not for another view, nor
   * while some fact cannot stand in it: what is asked then must be judged by what the question reaches, and refused when it reaches
   * that. Questions about apps reach no stored entities of other applications.
   */
  standsFor(view: FactView, { about }: { about: 'app' | 'everything' }): boolean {
    if (view !== this.#view) return false;
    if (view.revision !== this.#revision || view.epoch !== this.#epoch) this.#catchUp();
    return this.#unfit.size === 0 || (about === 'app' && this.#isOwnFit);
  }

  #catchUp(): void {
    const view = this.#view;
    const known = view.epoch === this.#epoch ? view.changesSince?.(this.#revision) : undefined;
    const changed = new Map<string, FactId>(this.#unfit);
    const isAll = known === undefined;
    if (isAll) changed.clear();
    for (const fact of known ?? allOf(view)) {
      if (!entityKinds.has(fact.kind)) continue;
      changed.set(`${fact.kind} ${fact.id}`, fact);
    }
    // The sensitivity of an app is that of all segments around it.
    if (!isAll && [...changed.values()].some(({ kind }) => kind === 'segment'))
      for (const [id] of view.all('resource')) changed.set(`resource ${id}`, { kind: 'resource', id });
    const gone = isAll ? [...this.store.known()].map(({ type, id }) => ({ type, id })) : [];
    if (changed.size > 0 || gone.length > 0) this.#take(changed, gone);
    [this.#epoch, this.#revision] = [view.epoch, view.revision];
  }

  #take(changed: ReadonlyMap<string, FactId>, gone: readonly EntityUid[]): void {
    const unfit = new Map<string, FactId>();
    const changes = new Map<string, EntityChange>();
    for (const [key, fact] of changed) {
      const uid = uidOf(fact);
      if (uid === undefined) continue;
      try {
        const entity = entityOf(this.#view, { ...fact, uid });
        changes.set(key, entity === undefined ? { remove: uid } : { put: entity });
      } catch (error) {
        if (!(error instanceof HierarchyTooLarge)) throw error;
        unfit.set(key, fact);
        changes.set(key, { remove: uid });
      }
    }
    const removals = gone.map((remove) => ({ remove }));
    try {
      this.store.apply([...removals, ...changes.values()]);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.store.apply(removals);
      for (const key of this.#takeOneByOne(changes)) {
        const fact = changed.get(key);
        if (fact !== undefined) unfit.set(key, fact);
      }
    }
    this.#unfit = unfit;
    this.#isOwnFit = [...unfit.values()].every(({ kind }) => kind === 'entity');
  }

  /** What can stand does; gives the keys of what cannot, which is taken out. */
  #takeOneByOne(changes: ReadonlyMap<string, EntityChange>): string[] {
    // All are out before any comes in, so that no circle is made of how things stood before and how they stand now.
    const gone = [...changes.values()].map((change) => ('put' in change ? { remove: change.put.uid } : change));
    this.store.apply(gone);
    const refused: string[] = [];
    for (const [key, change] of changes) {
      try {
        this.store.apply([change]);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        refused.push(key);
      }
    }
    return refused;
  }
}

function* allOf(view: FactView): Generator<FactId> {
  for (const kind of kinds satisfies readonly EntityKind[]) for (const [id] of view.all(kind)) yield { kind, id };
}

/** Gives the entities of a view for each schema; the same as before while the schema stays, as it does from publication to publication. */
export function entitiesOf(view: FactView): (schemaJson: SchemaJson) => FactEntities {
  let last: FactEntities | undefined;
  let lastSchema = '';
  return (schemaJson) => {
    const schema = JSON.stringify(schemaJson);
    if (last === undefined || schema !== lastSchema) last = new FactEntities(view, schemaJson);
    lastSchema = schema;
    return last;
  };
}
