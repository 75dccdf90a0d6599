import type { Entities } from './entities.ts';
import type { EntityRef } from './entity-ref.ts';
import type { EntityStore } from './entity-store.ts';
import type { Scope } from './scope.ts';

/** No scope asks. */
const noKey = 0;
/** The key of scopes that name nothing. */
const anyoneKey = 2;

/**
 * Small numbers, the keys, for what scopes ask of a principal or a resource: to be a given entity, to stand in one, to be of a type. What
 * fits a request is then found by comparing whole numbers that lie close together, without a look at the entities themselves.
 */
export class ScopeKeys {
  /** Two keys for each index of an entity: of standing in it, and of being it. Entities that came later have none. */
  readonly #table: Int32Array;
  /** Tells these keys from those of other policies over the same entities. */
  readonly number: number;
  readonly #types = new Map<string, number>();
  // Keys of standing in something are odd.
  #nextOdd = 1;
  #nextEven = anyoneKey + 2;

  constructor(store: EntityStore) {
    this.#table = new Int32Array(store.names.count * 2);
    this.number = store.numberKeys();
  }

  /** Every key is below it. */
  get end(): number {
    return Math.max(this.#nextOdd, this.#nextEven);
  }

  /** The key that whatever fits the scope has. For `is T in E` it is that of `in E`: the type is still to be looked at. */
  give({ equals, within, type }: Scope): number {
    const place = equals !== null ? equals.index * 2 + 1 : within !== null ? within.index * 2 : -1;
    if (place < 0 && type === null) return anyoneKey;
    const known = place < 0 ? this.ofType(type ?? '') : (this.#table[place] ?? noKey);
    if (known !== noKey) return known;
    const key = within === null ? this.#nextEven : this.#nextOdd;
    if (within === null) this.#nextEven += 2;
    else this.#nextOdd += 2;
    if (place < 0) this.#types.set(type ?? '', key);
    else this.#table[place] = key;
    return key;
  }

  /** 0: there is none. */
  ofStandingIn({ index }: EntityRef): number {
    return index * 2 < this.#table.length ? (this.#table[index * 2] ?? noKey) : noKey;
  }

  /** 0: there is none. */
  ofBeing({ index }: EntityRef): number {
    return index * 2 < this.#table.length ? (this.#table[index * 2 + 1] ?? noKey) : noKey;
  }

  /** 0: there is none. */
  ofType(type: string): number {
    return this.#types.size === 0 ? noKey : (this.#types.get(type) ?? noKey);
  }
}

/** Does whoever has this key stand in something? */
export function isWithinKey(key: number): boolean {
  return (key & 1) === 1;
}

/** The keys that one entity has in one request. Used again from request to request: one decision is made at a time. */
export class HeldKeys {
  readonly #keys: ScopeKeys;
  readonly #stamps: Uint32Array;
  #stamp = 0;
  /** Those from `count` on are of earlier requests. */
  readonly list: Int32Array;
  count = 0;
  /** Whose ancestors are still to be looked at; null: they have been. */
  #below: EntityRef | null = null;

  /** All keys must have been given. */
  constructor(keys: ScopeKeys) {
    this.#keys = keys;
    this.#stamps = new Uint32Array(keys.end);
    this.list = new Int32Array(keys.end);
  }

  /** Holds the keys of this entity and no others; what stands above it is left until it is asked for. */
  hold(ref: EntityRef): void {
    this.#stamp += 1;
    if (this.#stamp > 0xffff_ffff) {
      this.#stamps.fill(0);
      this.#stamp = 1;
    }
    this.count = 0;
    this.add(anyoneKey);
    this.add(this.#keys.ofType(ref.type));
    if (ref.isPinned) {
      this.add(this.#keys.ofStandingIn(ref));
      this.add(this.#keys.ofBeing(ref));
    }
    this.#below = ref;
  }

  /** Holds the keys of what stands above it as well. */
  holdAbove(entities: Entities): void {
    if (this.#below === null) return;
    const keys = entities.keysAbove(this.#below, this.#keys);
    for (let index = 2; index < keys.length; index += 1) this.add(keys[index] ?? noKey);
    this.#below = null;
  }

  /** Nothing happens for 0. */
  add(key: number): void {
    if (key === noKey || this.#stamps[key] === this.#stamp) return;
    this.#stamps[key] = this.#stamp;
    this.list[this.count] = key;
    this.count += 1;
  }

  has(key: number, entities: Entities): boolean {
    if (this.#below !== null && isWithinKey(key)) this.holdAbove(entities);
    return this.#stamps[key] === this.#stamp;
  }
}
