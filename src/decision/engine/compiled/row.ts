/** So many stand in the row itself. */
const inlineCount = 6;

/**
 * Values by place. The first ones stand in the object itself and not in an array: with many entities and many policies, time is spent on
 * fetching memory.
 */
export class Row<T> {
  #v0: T | undefined;
  #v1: T | undefined;
  #v2: T | undefined;
  #v3: T | undefined;
  #v4: T | undefined;
  #v5: T | undefined;
  /** When they are more: from the seventh on, those stand here. */
  #all: (T | undefined)[] | null = null;

  constructor(values: readonly (T | undefined)[]) {
    this.fill(values);
  }

  /** For those who may change what stands here. */
  protected fill(values: readonly (T | undefined)[]): void {
    const count = values.length;
    this.#v0 = count > 0 ? values[0] : undefined;
    this.#v1 = count > 1 ? values[1] : undefined;
    this.#v2 = count > 2 ? values[2] : undefined;
    this.#v3 = count > 3 ? values[3] : undefined;
    this.#v4 = count > 4 ? values[4] : undefined;
    this.#v5 = count > 5 ? values[5] : undefined;
    this.#all = count > inlineCount ? values.slice() : null;
  }

  /** For those who have just made it, with as many values. */
  put(place: number, value: T): void {
    switch (place) {
      case 0:
        this.#v0 = value;
        break;
      case 1:
        this.#v1 = value;
        break;
      case 2:
        this.#v2 = value;
        break;
      case 3:
        this.#v3 = value;
        break;
      case 4:
        this.#v4 = value;
        break;
      case 5:
        this.#v5 = value;
        break;
      default:
        if (this.#all !== null) this.#all[place] = value;
    }
  }

  /** As many, as the constructor takes them. */
  values(count: number): (T | undefined)[] {
    return Array.from({ length: count }, (_, place) => this.at(place));
  }

  /** By its place; undefined for places that there are not. */
  at(place: number): T | undefined {
    switch (place) {
      case 0:
        return this.#v0;
      case 1:
        return this.#v1;
      case 2:
        return this.#v2;
      case 3:
        return this.#v3;
      case 4:
        return this.#v4;
      case 5:
        return this.#v5;
      default:
        return this.#all?.[place];
    }
  }
}
