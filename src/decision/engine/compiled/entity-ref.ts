import { Row } from './row.ts';
import type { CedarRecord, RecordShape, Value } from './value.ts';

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

/** All entities above one, itself not included. Entities of the same one parent share the object. */
export class Ancestors {
  readonly list: readonly EntityRef[];
  /** Whoever keeps it says until when it counts. */
  readonly stamp: number;
  /** Where the keys of these stand in `KeyLists`, in that epoch. */
  keysPlace = 0;
  keysEpoch = 0;
  #set: ReadonlySet<EntityRef> | null = null;

  constructor(list: readonly EntityRef[], stamp: number) {
    this.list = list;
    this.stamp = stamp;
  }

  has(ref: EntityRef): boolean {
    if (this.list.length <= scannedMax) return this.list.includes(ref);
    this.#set ??= new Set(this.list);
    return this.#set.has(ref);
  }
}

/**
 * An entity by its identity. The same type and id give the same object in a store, and in a request beside it: two refs of one
 * question are the same entity exactly when they are the same object. The fields that change belong to the store.
 */
export class EntityRef extends Row<Value> {
  // What a decision looks at stands together, at the front, behind the attributes.
  /** Of the attributes; null: nothing is known about it, it is only spoken of. */
  shape: RecordShape | null = null;
  /** Where the keys of what stands above it stand in `KeyLists`, in that epoch. */
  keysPlace = 0;
  keysEpoch = 0;
  readonly type: string;
  /** Of scopes that ask to stand in it, and to be it; 0: there are none. */
  keyOfStandingIn = 0;
  keyOfBeing = 0;
  readonly id: string;
  parents: readonly EntityRef[] = noRefs;
  above: Ancestors | null = null;
  /** What stands above its children that have no other parent: itself and all above it. */
  asParent: Ancestors | null = null;
  tags: ReadonlyMap<string, Value> = noTags;
  mentions: readonly EntityRef[] = noRefs;
  /** How often other entities and policies name it. */
  uses = 0;
  /** How many entities have it as a direct parent. */
  children = 0;

  constructor(type: string, id: string) {
    super([]);
    this.type = type;
    this.id = id;
  }

  /** null: nothing is known any more. */
  know(attrs: CedarRecord | null): void {
    this.shape = attrs?.shape ?? null;
    this.fill(attrs?.values(attrs.shape.names.length) ?? []);
  }
}
