/** Texts that are kept; with more all are forgotten. */
const keptMax = 20_000;
/** Bytes of such texts that are kept. */
const keptBytesMax = 16 * 1024 * 1024;
/** Places for them: a power of two, several times as many. */
const placesCount = 65_536;
/** Places that are looked at: whoever makes many texts that fall together only makes them be read again. */
const looksMax = 8;

/** Some bytes, and how words are read from them. */
export interface ReadableBytes {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** A text among other bytes. */
export interface PlacedText extends ReadableBytes {
  readonly start: number;
  readonly end: number;
}

export const textOf = ({ bytes, start, end }: PlacedText): string => bytes.toString('utf8', start, end);

export function readable(bytes: Buffer): ReadableBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

function hashOf({ bytes, view }: ReadableBytes, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) hash = Math.imul(hash ^ view.getUint32(at, true), 0x9e3779b1) ^ (hash >>> 15);
  for (; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x9e3779b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** What texts say that come again and again, by their bytes: finding one makes no string. */
export class KnownBytes<T> {
  readonly #make: (bytes: Buffer) => T;
  /** One more than the number of the text there; zero: none. */
  readonly #places = new Uint16Array(placesCount);
  /** Where each text begins in the memory; the next one begins behind it. */
  readonly #starts = new Uint32Array(keptMax + 1);
  #values: T[] = [];
  #memory: ReadableBytes = readable(Buffer.alloc(65_536));

  /** `make` says what a text means; the bytes are good during the call. */
  constructor(make: (bytes: Buffer) => T) {
    this.#make = make;
  }

  of(from: ReadableBytes, start: number, end: number): T {
    const home = hashOf(from, start, end);
    for (let look = 0; look < looksMax; look += 1) {
      const place = (home + look) % placesCount;
      const number = this.#places[place] ?? 0;
      if (number === 0) return this.#keep(from.bytes.subarray(start, end), place);
      if (this.#isAt(number - 1, from, start, end)) return this.#values[number - 1] as T;
    }
    return this.#make(from.bytes.subarray(start, end));
  }

  #isAt(number: number, { bytes, view }: ReadableBytes, start: number, end: number): boolean {
    const known = this.#memory;
    let other = this.#starts[number] ?? 0;
    if ((this.#starts[number + 1] ?? 0) - other !== end - start) return false;
    let at = start;
    for (; at + 4 <= end; at += 4, other += 4) {
      if (view.getUint32(at, true) !== known.view.getUint32(other, true)) return false;
    }
    for (; at < end; at += 1, other += 1) if (bytes[at] !== known.bytes[other]) return false;
    return true;
  }

  #keep(text: Buffer, place: number): T {
    const value = this.#make(text);
    const start = this.#starts[this.#values.length] ?? 0;
    const end = start + text.byteLength;
    if (this.#values.length === keptMax || end > keptBytesMax) this.#forget();
    else {
      if (end > this.#memory.bytes.byteLength) {
        this.#memory = readable(Buffer.concat([this.#memory.bytes], Math.max(end, 2 * start)));
      }
      this.#memory.bytes.set(text, start);
      this.#values.push(value);
      this.#starts[this.#values.length] = end;
      this.#places[place] = this.#values.length;
    }
    return value;
  }

  #forget(): void {
    this.#places.fill(0);
    this.#values = [];
  }
}
