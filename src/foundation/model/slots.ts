/**
 * A bag of items that come and go often, each in a numbered place: in and out cost no hashing, as a Set would. Safe to change
 * while it is gone through, as a Set is: what was taken out is not given, what came in meanwhile may be.
 */
export class Slots<T extends object> {
  readonly #items: (T | null)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  /** Puts an item in and gives its place, which is the item's until it is taken out. */
  add(item: T): number {
    const slot = this.#free.pop();
    if (slot === undefined) return this.#items.push(item) - 1;
    this.#items[slot] = item;
    return slot;
  }

  /** Takes an item out of its place; false when it is not there any more, whoever is there now. */
  delete(slot: number, item: T): boolean {
    if (this.#items[slot] !== item) return false;
    this.#items[slot] = null;
    this.#free.push(slot);
    return true;
  }

  has(slot: number, item: T): boolean {
    return this.#items[slot] === item;
  }

  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let slot = 0; slot < this.#items.length; slot++) {
      const item = this.#items[slot];
      if (item != null) yield item;
    }
  }
}
