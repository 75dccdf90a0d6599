import type { Entities } from './entities.ts';
import type { EntityRef } from './entity-ref.ts';
import { KeyLists } from './key-lists.ts';
import type { Scope } from './scope.ts';

/** No scope asks. */
const noKey = 0;
/** The key of scopes that name nothing. */
const anyoneKey = 2;

/**
 * Small numbers, the keys, for what scopes ask of a principal or a resource: to be a given entity, to stand in one, to be of a type. What
 * fits a request is then found by comparing whole numbers that lie close together, without a look at the entities themselves. All
 * policies over one store share them: what entities remember of them counts for every set.
 */
export class ScopeKeys {
  readonly #types = new Map<string, number>();
  // Keys of standing in something are odd.
  #nextOdd = 1;
  #nextEven = anyoneKey + 2;
  /** What principal and resource of the request that is being decided have: one decision is made at a time. */
  readonly principals = new HeldKeys(this);
  readonly resources = new HeldKeys(this);
  /** What entities remember of them. */
  readonly lists = new KeyLists();

  /** Every key is below it. */
  get end(): number {
    return Math.max(this.#nextOdd, this.#nextEven);
  }

  /** The key that whatever fits the scope has. For `is T in E` it is that of `in E`: the type is still to be looked at. */
  give({ equals, within, type }: Scope): number {
    if (equals !== null) {
      if (equals.keyOfBeing === noKey) equals.keyOfBeing = this.#giveEven();
      return equals.keyOfBeing;
    }
    if (within !== null) {
      if (within.keyOfStandingIn === noKey) {
        within.keyOfStandingIn = this.#nextOdd;
        this.#nextOdd += 2;
        this.lists.clear();
      }
      return within.keyOfStandingIn;
    }
    if (type === null) return anyoneKey;
    const key = this.#types.get(type) ?? this.#giveEven();
    this.#types.set(type, key);
    return key;
  }

  #giveEven(): number {
    const key = this.#nextEven;
    this.#nextEven += 2;
    return key;
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
  #stamps = new Uint32Array(0);
  #stamp = 0;
  /** Those from `count` on are of earlier requests. */
  list = new Int32Array(0);
  count = 0;
  /** Whose ancestors are still to be looked at; null: they have been. */
  #below: EntityRef | null = null;

  constructor(keys: ScopeKeys) {
    this.#keys = keys;
  }

  /** Holds the keys of this entity and no others; what stands above it is left until it is asked for. */
  hold(ref: EntityRef): void {
    this.#stamp += 1;
    const { end } = this.#keys;
    if (this.#stamps.length < end || this.#stamp > 0xffff_ffff) {
      this.#stamps = new Uint32Array(end);
      this.list = new Int32Array(end);
      this.#stamp = 1;
    }
    this.count = 0;
    this.add(anyoneKey);
    this.add(this.#keys.ofType(ref.type));
    this.add(ref.keyOfStandingIn);
    this.add(ref.keyOfBeing);
    this.#below = ref;
  }

  /** Holds the keys of what stands above it as well. */
  holdAbove(entities: Entities): void {
    if (this.#below === null) return;
    entities.holdKeysAbove(this.#below, this);
    this.#below = null;
  }

  /** Nothing happens for 0. */
  add(key: number): void {
    if (key === noKey || this.#stamps[key] === this.#stamp) return;
    this.#stamps[key] = this.#stamp;
    this.list[this.count] = key;
    this.count += 1;
  }

  /** Those of a list in `KeyLists`. */
  addList(block: Int32Array, place: number): void {
    const end = place + (block[place] ?? 0);
    for (let at = place + 1; at <= end; at += 1) this.add(block[at] ?? noKey);
  }

  has(key: number, entities: Entities): boolean {
    if (this.#below !== null && isWithinKey(key)) this.holdAbove(entities);
    return this.#stamps[key] === this.#stamp;
  }
}
