import { sha256 } from '#foundation/crypto';
import { fromBase64url, toBase64url } from '#foundation/encoding';
import { KeysError } from './keys-error.ts';

export const rootKeyBytes = 32;
/** Old root keys kept to unwrap with; a rotation beyond it asks to rewrap and drop the oldest. */
export const rootKeysMax = 16;
/** More than the longest valid file; a reader need not read further. */
export const rootKeyTextLengthMax = 4_096;

const word = 'nullius-root-key-v1';

/** A key that wraps other keys. The id is derived from the key, so that a damaged line is noticed. */
export interface RootKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** Makes a root key of 32 uniformly random bytes. */
export function rootKeyFrom(key: Uint8Array): RootKey {
  if (key.length !== rootKeyBytes) throw new KeysError('root-key-file', `a root key has ${rootKeyBytes} bytes`);
  return { id: toBase64url(sha256(Buffer.concat([Buffer.from(`${word} id\0`), key])).subarray(0, 9)), key };
}

/** Writes root keys, oldest first, one line each: `nullius-root-key-v1 <id> <key>`. */
export function formatRootKeys(keys: readonly RootKey[]): string {
  return keys.map((key) => `${word} ${key.id} ${toBase64url(key.key)}\n`).join('');
}

/**
 * Reads a root key file, oldest key first. Blank lines and lines that begin with `#` are for people. Anything else that
 * is not exactly a key line, a repeated key, or no key at all is refused: KeysError `root-key-file`.
 */
export function parseRootKeys(text: string): readonly RootKey[] {
  if (text.length > rootKeyTextLengthMax) throw new KeysError('root-key-file', 'the root key file is too long');
  const keys = text.split('\n').flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    const [kind, id, encoded, ...rest] = line.split(' ');
    const key = encoded === undefined ? undefined : fromBase64url(encoded);
    if (kind !== word || rest.length > 0 || key === undefined || key.length !== rootKeyBytes)
      throw new KeysError('root-key-file', `line ${index + 1} of the root key file is not a root key`);
    const found = rootKeyFrom(Uint8Array.from(key));
    if (found.id !== id) throw new KeysError('root-key-file', `line ${index + 1} of the root key file is damaged`);
    return [found];
  });
  if (keys.length === 0) throw new KeysError('root-key-file', 'the root key file holds no key');
  if (keys.length > rootKeysMax)
    throw new KeysError('root-key-file', `the root key file holds over ${rootKeysMax} keys`);
  if (new Set(keys.map((key) => key.id)).size !== keys.length)
    throw new KeysError('root-key-file', 'the root key file holds one key twice');
  return keys;
}
