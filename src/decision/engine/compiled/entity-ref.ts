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

/** All entities above one, itself not included. */
export class Ancestors {
  readonly list: readonly EntityRef[];
  #set: ReadonlySet<EntityRef> | null = null;

  constructor(list: readonly EntityRef[]) {
    this.list = list;
  }

  #namedBy: Uint8Array | null = null;
  #named: readonly EntityRef[] = [];

  /** Those whose place in `flags` is not 0. Whoever asked last with the same table asks for nothing. */
  named(flags: Uint8Array): readonly EntityRef[] {
    if (this.#namedBy !== flags) {
      this.#named = this.list.filter(({ index }) => index < flags.length && flags[index] !== 0);
      this.#namedBy = flags;
    }
    return this.#named;
  }

  has(ref: EntityRef): boolean {
    if (this.list.length <= 12) return this.list.includes(ref);
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
  readonly type: string;
  readonly id: string;
  /** Its place in tables over all entities of the store. */
  readonly index: number;
  /** null: nothing is known about it, it is only spoken of. */
  attrs: CedarRecord | null = null;
  /** Ancestors as of `aboveStamp`. */
  above: Ancestors | null = null;
  aboveStamp = 0;
  tags: ReadonlyMap<string, Value> = noTags;
  parents: readonly EntityRef[] = noRefs;
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
