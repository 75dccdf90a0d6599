import type { CedarRecord, Value } from './value.ts';

/** What is known about an entity. */
export interface EntityData {
  readonly attrs: CedarRecord;
  readonly tags: ReadonlyMap<string, Value>;
  readonly parents: readonly EntityRef[];
  /** Entities that attributes and tags name. */
  readonly mentions: readonly EntityRef[];
}

export const noTags: ReadonlyMap<string, Value> = new Map();
export const noRefs: readonly EntityRef[] = Object.freeze([]);

/** Lists up to this long are searched from end to end, which costs less than hashing. */
const scannedMax = 48;
const noKeys: readonly number[] = Object.freeze([]);

/** All entities above one, itself not included. Entities of the same one parent share the object. */
export class Ancestors {
  readonly list: readonly EntityRef[];
  /** Whoever keeps it says until when it counts. */
  readonly stamp: number;
  #keysFrom: Int32Array | null = null;
  #keys: readonly number[] = noKeys;
  #set: ReadonlySet<EntityRef> | null = null;

  constructor(list: readonly EntityRef[], stamp: number) {
    this.list = list;
    this.stamp = stamp;
  }

  /** What scopes ask of whatever stands in these, by a table of `ScopeKeys`. Whoever asked last with the same table asks for nothing. */
  keysIn(table: Int32Array): readonly number[] {
    if (this.#keysFrom !== table) {
      const found: number[] = [];
      for (const { index } of this.list) {
        const key = index * 2 < table.length ? (table[index * 2] ?? -1) : -1;
        if (key >= 0) found.push(key);
      }
      this.#keys = found.length === 0 ? noKeys : found;
      this.#keysFrom = table;
    }
    return this.#keys;
  }

  has(ref: EntityRef): boolean {
    if (this.list.length <= scannedMax) return this.list.includes(ref);
    this.#set ??= new Set(this.list);
    return this.#set.has(ref);
  }
}

/** The index of entities that no store knows. */
export const strangerIndex = 0x7fff_ffff;

/**
 * An entity by its identity. The same type and id give the same object in a store, and in a request beside it: two refs of one
 * question are the same entity exactly when they are the same object. The fields that change belong to the store.
 */
export class EntityRef {
  // What a decision looks at stands together, at the front.
  /** null: nothing is known about it, it is only spoken of. */
  attrs: CedarRecord | null = null;
  /** Its place in tables over all entities of the store. */
  readonly index: number;
  readonly type: string;
  above: Ancestors | null = null;
  readonly id: string;
  parents: readonly EntityRef[] = noRefs;
  /** What stands above its children that have no other parent: itself and all above it. */
  asParent: Ancestors | null = null;
  tags: ReadonlyMap<string, Value> = noTags;
  mentions: readonly EntityRef[] = noRefs;
  /** How often other entities and policies name it. */
  uses = 0;
  /** How many entities have it as a direct parent. */
  children = 0;

  constructor(type: string, id: string, index: number) {
    this.type = type;
    this.id = id;
    this.index = index;
  }
}
