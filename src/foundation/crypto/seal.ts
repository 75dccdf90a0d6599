import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { CryptoError } from './crypto-error.ts';

/** Bytes of an AES-256 key. */
export const sealKeyBytes = 32;
/** NIST SP 800-38D section 8.2.2: 96 random bits; at most 2^32 seals under one key. */
const nonceBytes = 12;
const tagBytes = 16;
const version = 1;
const headerBytes = 1 + nonceBytes;

/** What a sealed text grows by: version, nonce and tag. */
export const sealOverheadBytes = headerBytes + tagBytes;

/** The key's bytes; for many calls as Node's own object, because Node makes one of bytes anew each time. */
export type SealKey = Uint8Array | KeyObject;

export interface SealOptions {
  /** Says what the sealed bytes are for; opening under other words fails. Never empty. */
  readonly associatedData: string;
}

/**
 * Seals `plaintext` with AES-256-GCM: `version(1) || nonce(12) || ciphertext || tag(16)`. The version and the associated
 * data are authenticated. The nonce is drawn here and cannot be given, because one repeated nonce gives the key away.
 * Throws CryptoError `bad-key` when `key` is not 32 bytes.
 */
export function seal(key: SealKey, plaintext: Uint8Array, options: SealOptions): Uint8Array {
  checkKey(key);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(authenticatedData(options));
  return Buffer.concat([Uint8Array.of(version), nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Opens what `seal` made under the same key and associated data. `sealed` may be attacker-controlled: nothing of the
 * plaintext is given before its tag is verified. Throws CryptoError.
 */
export function open(key: SealKey, sealed: Uint8Array, options: SealOptions): Uint8Array {
  checkKey(key);
  if (sealed.length < sealOverheadBytes) throw new CryptoError('malformed', 'sealed bytes are too short');
  if (sealed[0] !== version) throw new CryptoError('unsupported-version', `sealed format ${sealed[0]} is not known`);
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, headerBytes), { authTagLength: tagBytes });
  decipher.setAAD(authenticatedData(options));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const plaintext = decipher.update(sealed.subarray(headerBytes, sealed.length - tagBytes));
  try {
    return Buffer.concat([plaintext, decipher.final()]);
  } catch {
    throw new CryptoError('not-authentic', 'sealed bytes were made for something else, or were changed');
  }
}

function authenticatedData(options: SealOptions): Uint8Array {
  if (options.associatedData === '') throw new TypeError('associated data must say what the bytes are for');
  return Buffer.concat([Uint8Array.of(version), Buffer.from(options.associatedData, 'utf8')]);
}

function checkKey(key: SealKey): void {
  const byteCount = key instanceof Uint8Array ? key.length : key.symmetricKeySize;
  if (byteCount !== sealKeyBytes) throw new CryptoError('bad-key', `a sealing key has ${sealKeyBytes} bytes`);
}
