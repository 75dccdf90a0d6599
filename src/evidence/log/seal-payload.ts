import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { SubjectKey } from './journal-keys.ts';

const nonceBytes = 12;
const tagBytes = 16;
/** Bytes that sealing adds. */
export const sealOverheadBytes = nonceBytes + tagBytes;
/** Subjects whose derived key is kept at hand. */
const cachedKeysMax = 4096;

/** Where a payload stands; bound to it as associated data, so that it opens nowhere else. */
export interface PayloadPlace {
  readonly writer: string;
  readonly seq: number;
  readonly id: string;
}

const associatedData = (place: PayloadPlace) =>
  Buffer.from(`nullius-journal-1\0${place.writer}\0${place.seq}\0${place.id}`, 'latin1');

/**
 * Seals and opens the payloads of one segment: AES-256-GCM under a key derived (HKDF, RFC 5869) from the subject's key and
 * the segment's random salt. A key so serves at most one segment, far below the 2^32 messages that random nonces allow
 * (NIST SP 800-38D section 8.3), however long a subject lives and however often a tail is cut and written anew.
 */
export class PayloadSealer {
  readonly #salt: Uint8Array;
  readonly #derived = new Map<string, Buffer>();

  constructor(salt: Uint8Array) {
    this.#salt = salt;
  }

  #keyOf(subject: SubjectKey): Buffer {
    const known = this.#derived.get(subject.pseudonym);
    if (known !== undefined) return known;
    const key = Buffer.from(hkdfSync('sha256', subject.key, this.#salt, 'nullius journal payload', 32));
    if (this.#derived.size >= cachedKeysMax) this.#derived.clear();
    this.#derived.set(subject.pseudonym, key);
    return key;
  }

  /** Gives nonce || ciphertext || tag. */
  seal(
    text: string,
    { subject, nonce, place }: { subject: SubjectKey; nonce: Uint8Array; place: PayloadPlace },
  ): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(subject), nonce, { authTagLength: tagBytes });
    cipher.setAAD(associatedData(place));
    const body = cipher.update(text, 'utf8');
    cipher.final();
    return Buffer.concat([nonce, body, cipher.getAuthTag()]);
  }

  /** Undefined when the bytes were not sealed with this key for this place. */
  open(sealed: Uint8Array, { subject, place }: { subject: SubjectKey; place: PayloadPlace }): string | undefined {
    if (sealed.byteLength < sealOverheadBytes) return undefined;
    const nonce = sealed.subarray(0, nonceBytes);
    const body = sealed.subarray(nonceBytes, sealed.byteLength - tagBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(subject), nonce, { authTagLength: tagBytes });
    decipher.setAAD(associatedData(place));
    decipher.setAuthTag(sealed.subarray(sealed.byteLength - tagBytes));
    try {
      const text = decipher.update(body, undefined, 'utf8');
      return text + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }
}

export { nonceBytes };
