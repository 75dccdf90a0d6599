import { type Cipheriv, createCipheriv, type KeyObject } from 'node:crypto';

const cipherName = 'aes-256-ctr';
const blockBytes = 16;
/** Bytes of the place in a stream: an unsigned integer, big-endian. */
export const positionBytes = 6;

/** Room for one payload while it is ciphered, from `start` on. One after the other may use it. */
export class PadMemory {
  /** Where a payload begins: a multiple of four. */
  readonly start: number;
  /** The payload, and whatever its user lays before it. */
  readonly bytes: Buffer;
  /** What ciphers it. */
  readonly pad: Buffer;
  readonly words: Uint32Array;
  readonly padWords: Uint32Array;

  constructor(payloadBytesMax: number, { start }: { start: number }) {
    const bytes = Math.ceil((start + payloadBytesMax) / 4) * 4;
    this.start = start;
    this.bytes = Buffer.alloc(bytes);
    this.pad = Buffer.alloc(bytes);
    this.words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, bytes / 4);
    this.padWords = new Uint32Array(this.pad.buffer, this.pad.byteOffset, bytes / 4);
  }
}

const madeBytesMin = 1024;
/** A place's first payload makes 1024 bytes of the stream, as the calls cost more than the ciphering; later ones this many. */
export const madeBytesMax = 3072;
const cacheLineBytes = 64;
/** As many as most payloads need. */
const warmedLines = 10;
const zeros = Buffer.alloc(madeBytesMax);

/** The stream from the block on in which this place lies. */
function cipherAt(key: KeyObject, position: number): Cipheriv {
  const counter = Buffer.alloc(blockBytes);
  counter.writeUIntBE(Math.floor(position / blockBytes), blockBytes - positionBytes, positionBytes);
  return createCipheriv(cipherName, key, counter);
}

/** How far into its block of the stream a place lies. */
export const inBlock = (position: number): number => position % blockBytes;

/** Of a stream that is not wanted so much goes through the cipher with what is: to begin anew costs as much. */
export const gapBytesMax = 8192;

/** A stream for who reads much of it at a time. */
export class RunStream {
  readonly #key: KeyObject;
  #cipher: Cipheriv | undefined;
  #position = 0;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Where a run must begin that holds this place: where the last one ended, or at the beginning of a block. */
  startFor(position: number): number {
    const gap = position - this.#position;
    return this.#cipher !== undefined && gap >= 0 && gap <= gapBytesMax ? this.#position : position - inBlock(position);
  }

  /** Turns what lies in the stream from such a place on into what it is without it. */
  through(start: number, bytes: Buffer): Buffer {
    if (this.#cipher === undefined || start !== this.#position) this.#cipher = cipherAt(this.#key, start);
    this.#position = start + bytes.byteLength;
    return this.#cipher.update(bytes);
  }
}

/** An AES-256-CTR stream (SP 800-38A): the same bytes turn text into what is sealed, and what is sealed into text. */
export class PadStream {
  readonly #key: KeyObject;
  /** Undefined until the first byte is wanted: a reader begins somewhere else. */
  #cipher: Cipheriv | undefined;
  readonly #kept: Buffer | undefined;
  /** What comes next of the stream, and how much of that is used. */
  #made: Buffer = Buffer.alloc(0);
  #used = 0;
  #nextBytes = madeBytesMin;
  #position = 0;

  /**
   * `kept`: `madeBytesMax` of memory for what is made ahead. What Node's cipher gives is then let go of at once; many streams that each hold on
   * to memory of their own make V8 collect the whole heap twice a second.
   */
  constructor(key: KeyObject, kept?: Buffer) {
    this.#key = key;
    this.#kept = kept;
  }

  /** Bytes of the stream that were used. */
  get position(): number {
    return this.#position;
  }

  /** Reads some of what comes next of the stream. See PayloadSealer.warm(). */
  warm(): number {
    let sum = 0;
    for (let line = 0; line < warmedLines; line += 1) sum += this.#made[this.#used + line * cacheLineBytes] ?? 0;
    return sum;
  }

  /** Goes to another place. For who reads: a writer never ciphers two texts by one part of the stream. */
  seek(position: number): void {
    if (position === this.#position) return;
    this.#cipher = cipherAt(this.#key, position);
    this.#position = position;
    this.#nextBytes = madeBytesMin;
    this.#make();
    // What ciphers the end of the payload before, in the same block.
    this.#used += inBlock(position);
  }

  /** Ciphers, or deciphers, in place the `length` bytes that lie in the memory. */
  apply({ start, pad, words, padWords }: PadMemory, length: number): void {
    this.#take(pad, { start, length });
    for (let at = start / 4, end = (start + length) / 4; at < end; at += 1) {
      words[at] = (words[at] ?? 0) ^ (padWords[at] ?? 0);
    }
    this.#position += length;
  }

  #make(): void {
    this.#cipher ??= cipherAt(this.#key, 0);
    const made = this.#cipher.update(zeros.subarray(0, this.#nextBytes));
    this.#made = this.#kept ?? made;
    // In memory that is kept it lies at the end.
    this.#used = this.#made.byteLength - made.byteLength;
    if (this.#kept !== undefined) made.copy(this.#kept, this.#used);
    this.#nextBytes = Math.min(2 * this.#nextBytes, madeBytesMax);
  }

  /** Moves the next bytes of the stream to where the payload lies in its own memory. */
  #take(pad: Buffer, { start, length }: { start: number; length: number }): void {
    for (let done = 0; done < length; ) {
      if (this.#used === this.#made.byteLength) this.#make();
      const end = Math.min(this.#used + length - done, this.#made.byteLength);
      this.#made.copy(pad, start + done, this.#used, end);
      done += end - this.#used;
      this.#used = end;
    }
  }
}
