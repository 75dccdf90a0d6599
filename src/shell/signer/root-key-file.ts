import { randomBytes } from 'node:crypto';
import { createPrivateFile, PrivateFileError, readPrivateFile } from '#shell/private-file';
import {
  formatRootKeys,
  parseRootKeys,
  type RootKey,
  rootKeyBytes,
  rootKeyFrom,
  rootKeyTextLengthMax,
} from '#trust/keys';

export const rootKeyFileWords =
  '# Nullius root keys. Whoever has this file and the data folder has everything; without it the data folder is lost.\n';

export interface RootKeyNeeds {
  readonly path: string;
  /** Is there nothing yet that an earlier root key wrapped? Only then may a new one be made. */
  readonly isFirstStart: boolean;
}

/**
 * Reads the root keys, or makes the first one. A missing file beside existing wrapped keys is refused: a new root key
 * would look like a start and open nothing. Throws PrivateFileError or KeysError.
 */
export async function openRootKeys({ path, isFirstStart }: RootKeyNeeds): Promise<readonly RootKey[]> {
  const text = readPrivateFile(path, { byteCountMax: rootKeyTextLengthMax });
  if (text !== undefined) return parseRootKeys(text);
  if (!isFirstStart)
    throw new PrivateFileError(
      `the root key file \`${path}\` is missing; restore it from a backup, the data cannot be read without it`,
    );
  const keys = [rootKeyFrom(randomBytes(rootKeyBytes))];
  await createPrivateFile(path, rootKeyFileWords + formatRootKeys(keys));
  return keys;
}
