import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { SubjectKey } from './journal-keys.ts';

export const saltBytes = 16;
export const nonceBytes = 12;
const tagBytes = 16;
/** Bytes of a sealed payload beyond those of the text. */
export const sealBytes = saltBytes + nonceBytes + tagBytes;
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

/** As a KeyObject: with bare bytes every cipher would make one of its own. */
function derivedKey(subject: SubjectKey, salt: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', subject.key, salt, 'nullius journal payload', 32)));
}

/**
 * Seals payloads: AES-256-GCM under a key derived (HKDF, RFC 5869) from the subject's key and a random salt that lies before
 * each payload and is hashed with it. A salt is used for one segment, so a derived key stays far below the 2^32 messages that
 * random nonces allow (NIST SP 800-38D section 8.3), however long a subject lives and however often a tail is cut and
 * written anew.
 */
export class PayloadSealer {
  readonly #salt: Buffer;
  readonly #derived = new Map<SubjectKey, KeyObject>();

  constructor(salt: Uint8Array) {
    this.#salt = Buffer.from(salt);
  }

  #keyOf(subject: SubjectKey): KeyObject {
    let key = this.#derived.get(subject);
    if (key === undefined) {
      key = derivedKey(subject, this.#salt);
      if (this.#derived.size >= cachedKeysMax) this.#derived.clear();
      this.#derived.set(subject, key);
    }
    return key;
  }

  /**
   * Writes salt || nonce || ciphertext || tag to the beginning of `target`, which must have room for the text in UTF-8 and
   * `sealBytes`, and gives their length.
   */
  seal(text: string, sealing: { subject: SubjectKey; nonce: Uint8Array; place: PayloadPlace; target: Buffer }): number {
    const { subject, nonce, place, target } = sealing;
    const bodyStart = saltBytes + nonceBytes;
    const bodyEnd = bodyStart + target.write(text, bodyStart, 'utf8');
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(subject), nonce);
    cipher.setAAD(associatedData(place));
    const body = cipher.update(target.subarray(bodyStart, bodyEnd));
    cipher.final();
    target.set(this.#salt, 0);
    target.set(nonce, saltBytes);
    target.set(body, bodyStart);
    target.set(cipher.getAuthTag(), bodyEnd);
    return bodyEnd + tagBytes;
  }
}

/** Opens what a PayloadSealer sealed. */
export class PayloadOpener {
  readonly #derived = new Map<string, KeyObject>();
  readonly #keysMax: number;

  /** `keysMax`: derived keys at hand; more than usual for who reads everybody's records. */
  constructor({ keysMax = cachedKeysMax }: { keysMax?: number } = {}) {
    this.#keysMax = keysMax;
  }

  #keyOf(subject: SubjectKey, salt: Buffer): KeyObject {
    const name = `${subject.pseudonym} ${salt.toString('latin1')}`;
    let key = this.#derived.get(name);
    if (key === undefined) {
      key = derivedKey(subject, salt);
      if (this.#derived.size >= this.#keysMax) this.#derived.clear();
      this.#derived.set(name, key);
    }
    return key;
  }

  /** Undefined when the bytes were not sealed with this key for this place. */
  open(sealed: Buffer, { subject, place }: { subject: SubjectKey; place: PayloadPlace }): string | undefined {
    if (sealed.byteLength < sealBytes) return undefined;
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
