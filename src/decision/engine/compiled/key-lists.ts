/** Where the list of nothing stands. */
const emptyPlace = 0;

/**
 * Lists of keys, one behind the other in one block of memory: with many entities, time goes into fetching memory, and an array of each
 * one's own would take three fetches. Whoever keeps the place of a list keeps its epoch as well, and asks whether it still counts.
 */
export class KeyLists {
  /** A list is its length and then its keys. */
  #block = new Int32Array(1024);
  #end = 1;
  /** So much of the block is of lists that nobody asks for any more. */
  #wasted = 0;
  #epoch = 1;

  /** Places of other epochs do not count. */
  get epoch(): number {
    return this.#epoch;
  }

  get block(): Int32Array {
    return this.#block;
  }

  /** Its place, in the epoch after this call. */
  add(keys: readonly number[]): number {
    if (keys.length === 0) return emptyPlace;
    const size = keys.length + 1;
    if (this.#end + size > this.#block.length) this.#makeRoom(size);
    const place = this.#end;
    this.#block[place] = keys.length;
    this.#block.set(keys, place + 1);
    this.#end += size;
    return place;
  }

  /** Nobody will ask for this list again. */
  waste(place: number): void {
    if (place !== emptyPlace) this.#wasted += (this.#block[place] ?? 0) + 1;
  }

  /** No list counts any more. */
  clear(): void {
    this.#epoch += 1;
    this.#end = 1;
    this.#wasted = 0;
  }

  /** Either half is waste, and all that is asked for is made anew, or there is need of more. */
  #makeRoom(size: number): void {
    if (this.#wasted * 2 > this.#end) this.clear();
    if (this.#end + size <= this.#block.length) return;
    const larger = new Int32Array(Math.max(this.#block.length * 2, this.#end + size));
    larger.set(this.#block);
    this.#block = larger;
  }
}
