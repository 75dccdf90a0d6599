import { randomBytes } from 'node:crypto';
import { PrivateFileError, readPrivateFile, replacePrivateFile } from '#shell/private-file';
import {
  formatRootKeys,
  parseRootKeys,
  rootKeyBytes,
  rootKeyFrom,
  rootKeysMax,
  rootKeyTextLengthMax,
} from '#trust/keys';
import { rootKeyFileWords } from './root-key-file.ts';

/** Ids of the root keys in the file, oldest first. Throws PrivateFileError or KeysError. */
export function listRootKeys(path: string): readonly string[] {
  return readKeys(path).map((key) => key.id);
}

/** Adds a root key, which wraps from the signer's next start on. Gives its id. Throws PrivateFileError or KeysError. */
export async function rotateRootKey(path: string): Promise<string> {
  const keys = readKeys(path);
  if (keys.length >= rootKeysMax)
    throw new PrivateFileError(
      `\`${path}\` holds ${rootKeysMax} keys already; remove the oldest that nothing is wrapped under`,
    );
  const added = rootKeyFrom(randomBytes(rootKeyBytes));
  const text = rootKeyFileWords + formatRootKeys([...keys, added]);
  // The old text is gone only once the new one is durable under the same name.
  await replacePrivateFile(path, text);
  return added.id;
}

/**
 * Takes a root key out of the file. `inUse` are the root keys that still wrap something. Throws PrivateFileError or KeysError:
 * then the file is as it was.
 */
export async function dropRootKey(path: string, options: { id: string; inUse: ReadonlySet<string> }): Promise<void> {
  const { id, inUse } = options;
  const keys = readKeys(path);
  if (!keys.some((key) => key.id === id))
    throw new PrivateFileError(`\`${path}\` holds no root key \`${id}\`; \`nullius key list\` shows those it holds`);
  if (keys.at(-1)?.id === id)
    throw new PrivateFileError(
      `\`${id}\` is the newest root key, which wraps; \`nullius key rotate-root\` makes a newer one`,
    );
  if (inUse.has(id))
    throw new PrivateFileError(
      `the root key \`${id}\` still wraps keys; restart \`nullius up\`, run \`nullius key rewrap\`, then drop it`,
    );
  const missing = [...inUse].find((used) => !keys.some((key) => key.id === used));
  if (missing !== undefined)
    throw new PrivateFileError(`keys are wrapped under \`${missing}\`, which \`${path}\` lacks: is it the right file?`);
  await replacePrivateFile(path, rootKeyFileWords + formatRootKeys(keys.filter((key) => key.id !== id)));
}

function readKeys(path: string) {
  const text = readPrivateFile(path, { byteCountMax: rootKeyTextLengthMax });
  if (text === undefined)
    throw new PrivateFileError(`there is no root key file \`${path}\`; \`nullius up\` makes it at first start`);
  return parseRootKeys(text);
}
