import { CryptoError, deriveKey, open, seal } from '#foundation/crypto';
import { fromBase64url, toBase64url } from '#foundation/encoding';
import { KeysError } from './keys-error.ts';
import type { RootKey } from './root-key-text.ts';

/** Largest key that may be wrapped (a PKCS#8 private key is below 200 bytes). */
export const wrappedKeyBytesMax = 4_096;
export const purposeLengthMax = 200;
const wrappedTextLengthMax = 8_192;
const version = 'w1';

/**
 * Whose keys these are. A wrap of one owner never opens as another's: so nobody who may unwrap data keys can have the
 * signer's private keys unwrapped for them.
 */
export type KeyOwner = 'data' | 'signer';

/** Envelope encryption: keys wrapped under root keys, bound to an owner and a purpose. */
export interface Keyring {
  /** Wraps under the newest root key: `w1.<root key id>.<sealed>`. */
  wrap(key: Uint8Array, purpose: string): string;
  /** Unwraps under whichever root key wrapped it. `wrapped` may be attacker-controlled. Throws KeysError. */
  unwrap(wrapped: string, purpose: string): Uint8Array;
  /** Wraps again under the newest root key. */
  rewrap(wrapped: string, purpose: string): string;
  /** Is it wrapped under the newest root key already? */
  isCurrent(wrapped: string): boolean;
}

/** A keyring for one owner over root keys given oldest first; the newest wraps, all unwrap. */
export function createKeyring(rootKeys: readonly RootKey[], owner: KeyOwner): Keyring {
  const newest = rootKeys.at(-1);
  if (newest === undefined) throw new KeysError('root-key-file', 'there is no root key');
  // Root keys are never used directly: each use derives its own key, so no two formats ever share one.
  const wrapping = new Map(
    rootKeys.map((root) => [root.id, deriveKey(root.key, { info: `nullius wrap v1 ${owner}` })]),
  );

  const keyOf = (id: string): Uint8Array => {
    const key = wrapping.get(id);
    if (key === undefined)
      throw new KeysError(
        'unknown-root-key',
        `the root key \`${id}\` is not in the root key file; restore it from a backup`,
      );
    return key;
  };
  const wrap = (key: Uint8Array, purpose: string): string => {
    if (key.length === 0 || key.length > wrappedKeyBytesMax)
      throw new KeysError('limit', 'a key to wrap is empty or too long');
    const sealed = seal(keyOf(newest.id), key, { associatedData: associatedData(newest.id, purpose) });
    return `${version}.${newest.id}.${toBase64url(sealed)}`;
  };
  const unwrap = (wrapped: string, purpose: string): Uint8Array => {
    const { id, sealed } = parseWrapped(wrapped);
    try {
      return open(keyOf(id), sealed, { associatedData: associatedData(id, purpose) });
    } catch (error) {
      if (error instanceof CryptoError)
        throw new KeysError('not-authentic', 'the wrapped key was made for another purpose, or was changed');
      throw error;
    }
  };
  return {
    wrap,
    unwrap,
    rewrap: (wrapped, purpose) => wrap(unwrap(wrapped, purpose), purpose),
    isCurrent: (wrapped) => parseWrapped(wrapped).id === newest.id,
  };
}

function associatedData(id: string, purpose: string): string {
  if (purpose === '' || purpose.length > purposeLengthMax)
    throw new KeysError('limit', 'a purpose is empty or too long');
  return `nullius wrapped key\0${id}\0${purpose}`;
}

function parseWrapped(wrapped: string): { id: string; sealed: Uint8Array } {
  const [kind, id, encoded, ...rest] = wrapped.length > wrappedTextLengthMax ? [] : wrapped.split('.');
  const sealed = encoded === undefined ? undefined : fromBase64url(encoded);
  if (kind !== version || id === undefined || sealed === undefined || rest.length > 0)
    throw new KeysError('malformed-wrap', 'a wrapped key is not in a known form');
  return { id, sealed };
}
