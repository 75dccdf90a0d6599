import { EngineError } from '../engine-error.ts';
import { type CedarRecord, EntityRef } from './value.ts';

/** Gives one `EntityRef` per type and id. */
export class EntityNames {
  readonly #byType = new Map<string, Map<string, EntityRef>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  ref(type: string, id: string): EntityRef {
    let ids = this.#byType.get(type);
    if (ids === undefined) {
      ids = new Map();
      this.#byType.set(type, ids);
    }
    let ref = ids.get(id);
    if (ref === undefined) {
      ref = new EntityRef(type, id);
      ids.set(id, ref);
      this.#size += 1;
    }
    return ref;
  }
}

/** What is known about an entity. */
export interface EntityData {
  readonly attrs: CedarRecord;
  readonly tags: CedarRecord;
  readonly parents: readonly EntityRef[];
}

export const noRecord: CedarRecord = new Map();

/** The entities of one request, on top of the schema's actions. */
export class Entities {
  readonly #data: Map<EntityRef, EntityData>;
  readonly #actions: ReadonlyMap<EntityRef, ReadonlySet<EntityRef>>;
  readonly #ancestors = new Map<EntityRef, ReadonlySet<EntityRef>>();

  constructor(data: Map<EntityRef, EntityData>, actions: ReadonlyMap<EntityRef, ReadonlySet<EntityRef>>) {
    this.#data = data;
    this.#actions = actions;
  }

  get(ref: EntityRef): EntityData | undefined {
    return this.#data.get(ref) ?? (this.#actions.has(ref) ? actionData : undefined);
  }

  /** All entities above this one, itself not included. */
  ancestors(ref: EntityRef): ReadonlySet<EntityRef> {
    const known = this.#ancestors.get(ref) ?? this.#actions.get(ref);
    if (known !== undefined) return known;
    const found = new Set(this.#data.get(ref)?.parents);
    // A set gives what is added while it is walked, so this reaches every level once.
    for (const above of found) for (const parent of this.#data.get(above)?.parents ?? []) found.add(parent);
    if (found.has(ref)) {
      // No policy's error: Cedar does not take such entities at all.
      throw new EngineError({ code: 'invalid-request', message: `entities of type \`${ref.type}\` form a cycle` });
    }
    this.#ancestors.set(ref, found);
    return found;
  }

  /** Cedar's `in` for two entities. */
  isIn(ref: EntityRef, above: EntityRef): boolean {
    return ref === above || this.ancestors(ref).has(above);
  }
}

const actionData: EntityData = { attrs: noRecord, tags: noRecord, parents: [] };
