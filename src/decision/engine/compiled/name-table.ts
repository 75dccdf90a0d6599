import type { EntityRef } from './entity-ref.ts';

/** The smallest table has so many slots; a power of two, as all are. */
const slotsMin = 16;
/** So many slots are looked at; whatever finds no room in them, because ids were chosen to collide, is kept elsewhere. */
const stepsMax = 32;

/** So much of an id counts for its hash, from its end: what a caller sends once and asks about often may be long. */
const hashedMax = 64;

/** From 1 to 2^30: small enough to stand in an array as it is. */
export function hashOf(id: string): number {
  let hash = id.length;
  for (let at = Math.max(0, hash - hashedMax); at < id.length; at += 1)
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x9e37_79b1);
  return ((hash ^ (hash >>> 15)) >>> 2) + 1;
}

/**
 * Entities of one type by id. A `Map` fetches a bucket, an entry and the text of every other id in that bucket, one after the other; here
 * hash and entity stand side by side, so that a look-up is one fetch, and two of them do not wait for each other.
 */
export class NameTable {
  /** By turns a hash (0: there is nothing) and an entity. */
  #slots: (number | EntityRef)[] = new Array<number>(slotsMin * 2).fill(0);
  #mask = slotsMin - 1;
  #inSlots = 0;
  readonly #crowded = new Map<string, EntityRef>();

  get size(): number {
    return this.#inSlots + this.#crowded.size;
  }

  get(id: string): EntityRef | undefined {
    const hash = hashOf(id);
    const slots = this.#slots;
    const mask = this.#mask;
    for (let at = hash & mask, end = at + stepsMax; at < end; at += 1) {
      const found = slots[(at & mask) * 2];
      if (found === hash) {
        const ref = slots[(at & mask) * 2 + 1] as EntityRef;
        if (ref.id === id) return ref;
      } else if (found === 0) break;
    }
    return this.#crowded.size === 0 ? undefined : this.#crowded.get(id);
  }

  /** Its id must not be there yet. */
  add(ref: EntityRef): void {
    if (this.#inSlots * 2 > this.#mask) this.#grow();
    this.#put(ref);
  }

  #put(ref: EntityRef): void {
    const hash = hashOf(ref.id);
    const at = this.#free(hash);
    if (at < 0) {
      this.#crowded.set(ref.id, ref);
      return;
    }
    this.#slots[at * 2] = hash;
    this.#slots[at * 2 + 1] = ref;
    this.#inSlots += 1;
  }

  /** -1: there is no room near its place. */
  #free(hash: number): number {
    for (let step = 0; step < stepsMax; step += 1) {
      const at = (hash + step) & this.#mask;
      if (this.#slots[at * 2] === 0) return at;
    }
    return -1;
  }

  #grow(): void {
    const [slots, crowded] = [this.#slots, [...this.#crowded.values()]];
    this.#mask = this.#mask * 2 + 1;
    this.#slots = new Array<number>((this.#mask + 1) * 2).fill(0);
    this.#inSlots = 0;
    this.#crowded.clear();
    for (const found of slots) if (typeof found === 'object') this.#put(found);
    for (const ref of crowded) this.#put(ref);
  }

  delete(ref: EntityRef): void {
    if (this.#crowded.get(ref.id) === ref) {
      this.#crowded.delete(ref.id);
      return;
    }
    const slots = this.#slots;
    const mask = this.#mask;
    let gap = hashOf(ref.id) & mask;
    for (let step = 0; slots[gap * 2 + 1] !== ref; gap = (gap + 1) & mask, step += 1) if (step === stepsMax) return;
    // What stands behind moves up, where it is looked for from the gap or before it: a search ends at the first free slot.
    for (let at = (gap + 1) & mask; slots[at * 2] !== 0; at = (at + 1) & mask) {
      const home = (slots[at * 2] as number) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      slots[gap * 2] = slots[at * 2] as number;
      slots[gap * 2 + 1] = slots[at * 2 + 1] as EntityRef;
      gap = at;
    }
    slots[gap * 2] = 0;
    slots[gap * 2 + 1] = 0;
    this.#inSlots -= 1;
  }

  /** In no order that means anything. */
  *values(): Generator<EntityRef> {
    for (const found of this.#slots) if (typeof found === 'object') yield found;
    yield* this.#crowded.values();
  }
}
