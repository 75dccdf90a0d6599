import { createSecretKey, type KeyObject } from 'node:crypto';
import type { SubjectKey } from './journal-keys.ts';
import { madeBytesMax, PadMemory, PadStream, positionBytes } from './pad-stream.ts';
import { hmacBytes, QuickHmac, quickHkdf } from './quick-hmac.ts';
import type { SealableEvent } from './sealable-event.ts';

export const saltBytes = 16;
/** Where in its stream a payload begins is written after two bytes of zero. */
export const positionStart = saltBytes + 2;
/** Bytes of a sealed payload beyond those of the text. */
export const sealBytes = positionStart + positionBytes;
export const keyBytes = 32;
/**
 * Subjects whose streams a writer keeps at hand: more than the people we are made for, because with one too few in turn nearly every
 * record begins a stream anew. Some 190 MB when so many are active.
 */
export const sealedStreamsMax = 16_384;

/** Memory that one stream takes, and how many share a piece. */
const streamBytes = madeBytesMax + hmacBytes;
const streamsTogether = 64;

/** A stream that reached this place is followed by another: far below what its position can say (and what one AES key should cipher). */
const streamBytesMax = 2 ** 40;

const info = Buffer.from('nullius journal record 2', 'latin1');

/** HKDF (RFC 5869) of the subject's key: the first half ciphers, the second authenticates. */
export function derive({ key }: SubjectKey, salt: Uint8Array): { cipherKey: KeyObject; tagKey: Buffer } {
  const bytes = quickHkdf(key, { salt, info, length: 64 });
  return { cipherKey: createSecretKey(bytes.subarray(0, keyBytes)), tagKey: bytes.subarray(keyBytes) };
}

/** Of that the half that ciphers: who knows what was written already compares no tag. */
export function deriveCipherKey({ key }: SubjectKey, salt: Uint8Array): KeyObject {
  return createSecretKey(quickHkdf(key, { salt, info, length: 32 }));
}

/** Room for one sealed payload. */
export const sealMemory = (textBytesMax: number): PadMemory => new PadMemory(textBytesMax, { start: sealBytes });

/**
 * One subject's payloads, ciphered one behind the other as a single AES-256-CTR stream. Every stream has a salt and so a key of its own, and
 * only goes forward: no part of it ciphers two texts, whichever batches are not written in the end. Each record says which stream it is of
 * and where in it, so segments need not begin new ones: with 10,000 people active that was half a second for each segment.
 */
export class PayloadStream {
  readonly #pad: PadStream;
  readonly #salt: Uint8Array;
  readonly #hmac: QuickHmac;

  /** `memory`: `streamBytes`. */
  constructor(subject: SubjectKey, salt: Uint8Array, memory: Buffer) {
    const { cipherKey, tagKey } = derive(subject, salt);
    this.#salt = salt;
    this.#pad = new PadStream(cipherKey, memory.subarray(0, madeBytesMax));
    this.#hmac = new QuickHmac(tagKey, memory.subarray(madeBytesMax));
  }

  /** Writes salt || position || ciphertext to the beginning of the memory, and gives their length. */
  seal(payload: string | Uint8Array, memory: PadMemory): number {
    const { bytes } = memory;
    const length = typeof payload === 'string' ? bytes.write(payload, sealBytes, 'utf8') : payload.byteLength;
    if (typeof payload !== 'string') bytes.set(payload, sealBytes);
    bytes.set(this.#salt, 0);
    bytes.writeUIntBE(this.#pad.position, positionStart, positionBytes);
    this.#pad.apply(memory, length);
    return sealBytes + length;
  }

  /** Reads what sealing needs. See PayloadSealer.warm(). */
  warm(): number {
    return (this.#salt[0] ?? 0) + this.#pad.warm() + this.#hmac.warm();
  }

  get isSpent(): boolean {
    return this.#pad.position >= streamBytesMax;
  }

  /** See QuickHmac.tag(). */
  tag(memory: Buffer, length: number): string {
    return this.#hmac.tag(memory, length);
  }
}

/** Lets the oldest go where there are so many: a stream costs several times what it costs to use one. Writer and reader do alike. */
export function makeRoom<K>(streams: Map<K, unknown>, streamsMax: number): void {
  if (streams.size < streamsMax) return;
  for (const oldest of streams.keys()) {
    streams.delete(oldest);
    return;
  }
}

/** Gives every subject its stream, for as long as the writer lives at most. */
export class PayloadSealer {
  readonly #random: (byteCount: number) => Uint8Array;
  readonly #streams = new Map<SubjectKey, PayloadStream>();
  /** What is read is kept, lest the compiler leave the reading out. */
  protected warmed = 0;
  /** Memory for streams to come. Those that were made together go together: the oldest first. */
  #free = Buffer.alloc(0);

  constructor(random: (byteCount: number) => Uint8Array) {
    this.#random = random;
  }

  /**
   * Reads what sealing these events needs of their subjects. With thousands of people active in turn none of it lies in the processor's
   * caches: read for all of them at once, the pieces come side by side, and nothing that is done with one of them waits for the next.
   */
  warm(events: readonly SealableEvent[]): void {
    let sum = 0;
    for (const { subject } of events) {
      sum += (this.#streams.get(subject)?.warm() ?? 0) + subject.pseudonym.charCodeAt(0);
    }
    this.warmed = sum;
  }

  stream(subject: SubjectKey): PayloadStream {
    const known = this.#streams.get(subject);
    if (known?.isSpent === false) return known;
    makeRoom(this.#streams, sealedStreamsMax);
    const stream = new PayloadStream(subject, Uint8Array.from(this.#random(saltBytes)), this.#memory());
    this.#streams.set(subject, stream);
    return stream;
  }

  #memory(): Buffer {
    if (this.#free.byteLength === 0) this.#free = Buffer.alloc(streamsTogether * streamBytes);
    const memory = this.#free.subarray(0, streamBytes);
    this.#free = this.#free.subarray(streamBytes);
    return memory;
  }
}
