import { type Cipheriv, createCipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { type SubjectKey, secretOf } from './journal-keys.ts';
import { QuickHmac } from './quick-hmac.ts';

export const saltBytes = 16;
/** Where in its stream a payload begins: an unsigned integer, big-endian, after two bytes of zero. */
export const positionBytes = 6;
export const positionStart = saltBytes + 2;
/** Bytes of a sealed payload beyond those of the text. */
export const sealBytes = positionStart + positionBytes;
export const cipherName = 'aes-256-ctr';
export const blockBytes = 16;
export const keyBytes = 32;
/** Subjects whose streams a writer keeps at hand: some 75 MB when so many people are active. */
export const sealedStreamsMax = 8192;

/** HKDF (RFC 5869) of the subject's key: the first half ciphers, the second authenticates. */
export function derive(subject: SubjectKey, salt: Uint8Array): { cipherKey: KeyObject; tagKey: Buffer } {
  const bytes = Buffer.from(hkdfSync('sha256', secretOf(subject), salt, 'nullius journal record 2', 2 * keyBytes));
  return { cipherKey: createSecretKey(bytes.subarray(0, keyBytes)), tagKey: bytes.subarray(keyBytes) };
}

/** Room for one payload while it is sealed. One after the other may use it. */
export class SealMemory {
  /** The sealed payload. */
  readonly bytes: Buffer;
  /** What ciphers it. */
  readonly pad: Buffer;
  readonly words: Uint32Array;
  readonly padWords: Uint32Array;

  constructor(textBytesMax: number) {
    const bytes = Math.ceil((sealBytes + textBytesMax) / 4) * 4;
    this.bytes = Buffer.alloc(bytes);
    this.pad = Buffer.alloc(bytes);
    this.words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, bytes / 4);
    this.padWords = new Uint32Array(this.pad.buffer, this.pad.byteOffset, bytes / 4);
  }
}

/** A subject's first payload makes this much of its stream, as the calls cost more than the ciphering; later ones up to the maximum. */
const streamBytesMin = 1024;
const streamBytesMax = 2048;
const zeros = Buffer.alloc(streamBytesMax);

/**
 * One subject's payloads in one segment, ciphered one behind the other as a single AES-256-CTR stream (SP 800-38A). Every stream
 * has a salt and so a key of its own, and only goes forward: no part of it ciphers two texts, whichever batches are not written
 * in the end.
 */
export class PayloadStream {
  readonly #cipher: Cipheriv;
  readonly #salt: Uint8Array;
  readonly #hmac: QuickHmac;
  /** What comes next of the stream, and how much of that is used. */
  #ready: Buffer = Buffer.alloc(0);
  #used = 0;
  #readyBytes = streamBytesMin;
  #position = 0;

  constructor(subject: SubjectKey, salt: Uint8Array) {
    const { cipherKey, tagKey } = derive(subject, salt);
    this.#salt = salt;
    this.#cipher = createCipheriv(cipherName, cipherKey, Buffer.alloc(blockBytes));
    this.#hmac = new QuickHmac(tagKey);
  }

  /** Writes salt || position || ciphertext to the beginning of the memory, and gives their length. */
  seal(payload: string | Uint8Array, memory: SealMemory): number {
    const { bytes, words, padWords } = memory;
    const length = typeof payload === 'string' ? bytes.write(payload, sealBytes, 'utf8') : payload.byteLength;
    if (typeof payload !== 'string') bytes.set(payload, sealBytes);
    this.#take(memory.pad, length);
    for (let at = sealBytes / 4, end = (sealBytes + length) / 4; at < end; at += 1) {
      words[at] = (words[at] ?? 0) ^ (padWords[at] ?? 0);
    }
    bytes.set(this.#salt, 0);
    bytes.writeUIntBE(this.#position, positionStart, positionBytes);
    this.#position += length;
    return sealBytes + length;
  }

  /** Moves the next bytes of the stream to where the payload lies in its own memory. */
  #take(pad: Buffer, length: number): void {
    for (let done = 0; done < length; ) {
      if (this.#used === this.#ready.byteLength) {
        this.#ready = this.#cipher.update(zeros.subarray(0, this.#readyBytes));
        this.#readyBytes = Math.min(2 * this.#readyBytes, streamBytesMax);
        this.#used = 0;
      }
      const end = Math.min(this.#used + length - done, this.#ready.byteLength);
      this.#ready.copy(pad, sealBytes + done, this.#used, end);
      done += end - this.#used;
      this.#used = end;
    }
  }

  /** See QuickHmac.tag(). */
  tag(memory: Buffer, length: number): string {
    return this.#hmac.tag(memory, length);
  }
}

/** Gives every subject its stream, for one segment at most. */
export class PayloadSealer {
  readonly #random: (byteCount: number) => Uint8Array;
  readonly #streams = new Map<SubjectKey, PayloadStream>();

  constructor(random: (byteCount: number) => Uint8Array) {
    this.#random = random;
  }

  stream(subject: SubjectKey): PayloadStream {
    const known = this.#streams.get(subject);
    if (known !== undefined) return known;
    // The oldest makes room: a stream costs several times what it costs to use one.
    if (this.#streams.size >= sealedStreamsMax) {
      for (const oldest of this.#streams.keys()) {
        this.#streams.delete(oldest);
        break;
      }
    }
    const stream = new PayloadStream(subject, Uint8Array.from(this.#random(saltBytes)));
    this.#streams.set(subject, stream);
    return stream;
  }
}
