import { hash } from 'node:crypto';

const hashBlockBytes = 64;
const digestBytes = 32;

/** Memory that one key takes. */
export const hmacBytes = 2 * hashBlockBytes + digestBytes;

/**
 * HMAC-SHA-256 (RFC 2104) of one message after the other, put together from one-shot hashes: an Hmac object costs as much as
 * sealing a record. A test compares it with Node's own.
 */
export class QuickHmac {
  /** The key as the inner hash takes it, then as the outer one does, and room for a digest. */
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  /** `key`: a block of the hash at most. `memory`: `hmacBytes`, where its owner has some. */
  constructor(key: Uint8Array, memory: Buffer = Buffer.alloc(hmacBytes)) {
    this.#inner = memory.subarray(0, hashBlockBytes);
    this.#outer = memory.subarray(hashBlockBytes, hmacBytes);
    this.take(key);
  }

  /** Reads what a tag needs. See PayloadSealer.warm(). */
  warm(): number {
    return (this.#inner[0] ?? 0) + (this.#outer[0] ?? 0);
  }

  /** Goes on with another key. */
  take(key: Uint8Array): void {
    for (let index = 0; index < hashBlockBytes; index += 1) {
      const byte = key[index] ?? 0;
      this.#inner[index] = 0x36 ^ byte;
      this.#outer[index] = 0x5c ^ byte;
    }
  }

  /** The tag, base64url, of the `length` bytes that lie in `memory` from `tagRoomBytes` on; the room before them is overwritten. */
  tag(memory: Buffer, length: number): string {
    return this.#digest(memory, { length, encoding: 'base64url' });
  }

  /** The same as bytes, written to `target`. */
  write(memory: Buffer, { length, target, at = 0 }: { length: number; target: Buffer; at?: number }): void {
    target.write(this.#digest(memory, { length, encoding: 'binary' }), at, 'latin1');
  }

  #digest(memory: Buffer, { length, encoding }: { length: number; encoding: 'base64url' | 'binary' }): string {
    memory.set(this.#inner, 0);
    // As text: asking for bytes costs twice as much.
    this.#outer.write(hash('sha256', memory.subarray(0, hashBlockBytes + length), 'binary'), hashBlockBytes, 'latin1');
    return hash('sha256', this.#outer, encoding);
  }
}

/** Room that must lie before a text in the memory it is tagged in. */
export const tagRoomBytes = hashBlockBytes;

const infoBytesMax = 64;
const scratch = Buffer.alloc(tagRoomBytes + digestBytes + infoBytesMax + 1);
const extracted = Buffer.alloc(digestBytes);
const hkdf = new QuickHmac(extracted);

/**
 * HKDF-SHA-256 (RFC 5869), its first 32 or 64 bytes, at a third of what hkdfSync() costs. A test compares the two. `salt`, `info`: 64 bytes
 * at most.
 */
export function quickHkdf(
  secret: Uint8Array,
  { salt, info, length }: { salt: Uint8Array; info: Uint8Array; length: 32 | 64 },
): Buffer {
  scratch.set(secret, tagRoomBytes);
  hkdf.take(salt);
  hkdf.write(scratch, { length: secret.byteLength, target: extracted });
  hkdf.take(extracted);
  const bytes = Buffer.alloc(length);
  scratch.set(info, tagRoomBytes);
  scratch[tagRoomBytes + info.byteLength] = 1;
  hkdf.write(scratch, { length: info.byteLength + 1, target: bytes });
  if (length === digestBytes) return bytes;
  scratch.set(bytes.subarray(0, digestBytes), tagRoomBytes);
  scratch.set(info, tagRoomBytes + digestBytes);
  scratch[tagRoomBytes + digestBytes + info.byteLength] = 2;
  hkdf.write(scratch, { length: digestBytes + info.byteLength + 1, target: bytes, at: digestBytes });
  return bytes;
}
