import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { SubjectKey } from './journal-keys.ts';

export const saltBytes = 16;
export const nonceBytes = 12;
const tagBytes = 16;
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
 * Seals and opens payloads: AES-256-GCM under a key derived (HKDF, RFC 5869) from the subject's key and a random salt that
 * lies before each payload and is hashed with it. A salt is used for one segment, so a derived key stays far below the 2^32
 * messages that random nonces allow (NIST SP 800-38D section 8.3), however long a subject lives and however often a tail is
 * cut and written anew.
 */
export class PayloadSealer {
  readonly #salt: Buffer;
  readonly #derived = new Map<string, KeyObject>();

  /** `salt` is what to seal with; a reader passes none. */
  constructor(salt: Uint8Array = new Uint8Array(saltBytes)) {
    this.#salt = Buffer.from(salt);
  }

  #keyOf(subject: SubjectKey, salt: Buffer): KeyObject {
    const name = `${subject.pseudonym} ${salt.toString('latin1')}`;
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const bytes = Buffer.from(hkdfSync('sha256', subject.key, salt, 'nullius journal payload', 32));
    // As a KeyObject: with bare bytes every cipher would make one of its own.
    const key = createSecretKey(bytes);
    if (this.#derived.size >= cachedKeysMax) this.#derived.clear();
    this.#derived.set(name, key);
    return key;
  }

  /** Gives salt || nonce || ciphertext || tag. */
  seal(
    text: string,
    { subject, nonce, place }: { subject: SubjectKey; nonce: Uint8Array; place: PayloadPlace },
  ): Buffer {
    const key = this.#keyOf(subject, this.#salt);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(associatedData(place));
    const body = cipher.update(text, 'utf8');
    cipher.final();
    return Buffer.concat([this.#salt, nonce, body, cipher.getAuthTag()]);
  }

  /** Undefined when the bytes were not sealed with this key for this place. */
  open(sealed: Buffer, { subject, place }: { subject: SubjectKey; place: PayloadPlace }): string | undefined {
    if (sealed.byteLength < saltBytes + nonceBytes + tagBytes) return undefined;
    const key = this.#keyOf(subject, sealed.subarray(0, saltBytes));
    const nonce = sealed.subarray(saltBytes, saltBytes + nonceBytes);
    const body = sealed.subarray(saltBytes + nonceBytes, sealed.byteLength - tagBytes);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
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
