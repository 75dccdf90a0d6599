const slotSize = 4;

/** A span of a list, by two whole numbers that are not negative. */
export interface Range {
  readonly first: number;
  readonly second: number;
  readonly start: number;
  readonly end: number;
}

/** Spans of a list by their two numbers, in one block of memory: found with one look, most of the time. */
export class RangeTable {
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** No two may have the same numbers. */
  constructor(ranges: readonly Range[]) {
    let size = 4;
    while (size < ranges.length * 2) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int32Array(size * slotSize).fill(-1);
    for (const { first, second, start, end } of ranges) {
      let at = this.#home(first, second);
      while (this.#slots[at * slotSize] !== -1) at = (at + 1) & this.#mask;
      this.#slots.set([first, second, start, end], at * slotSize);
    }
  }

  #home(first: number, second: number): number {
    const mixed = Math.imul(first, 0x9e37_79b1) ^ Math.imul(second, 0x85eb_ca6b);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }

  /** What `start` and `end` take; -1: there is no such range. */
  find(first: number, second: number): number {
    const slots = this.#slots;
    for (let at = this.#home(first, second); ; at = (at + 1) & this.#mask) {
      const found = slots[at * slotSize];
      if (found === -1) return -1;
      if (found === first && slots[at * slotSize + 1] === second) return at;
    }
  }

  start(at: number): number {
    return this.#slots[at * slotSize + 2] ?? 0;
  }

  end(at: number): number {
    return this.#slots[at * slotSize + 3] ?? 0;
  }
}
