import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Why a file that holds keys was not read or written; in words for the operator. */
export class PrivateFileError extends Error {
  override readonly name = 'PrivateFileError';
}

/**
 * Reads a file that only we may read. Refused, and said so, when it is a symlink, not a plain file, another user's, open
 * to group or others, or longer than `byteCountMax`. Undefined when it does not exist. All checks are made on the opened
 * file, so that nothing can be swapped between check and use.
 */
export function readPrivateFile(path: string, { byteCountMax }: { byteCountMax: number }): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw new PrivateFileError(`\`${path}\` is a symlink; put the file itself there`);
    throw new PrivateFileError(
      `\`${path}\` cannot be opened (${code}); make it readable for the user who runs nullius`,
    );
  }
  try {
    checkPrivate(path, fstatSync(file));
    const bytes = Buffer.alloc(byteCountMax + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count)
      count = readSync(file, bytes, length, bytes.length - length, null);
    if (length > byteCountMax) throw new PrivateFileError(`\`${path}\` is longer than ${byteCountMax} bytes`);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

function checkPrivate(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new PrivateFileError(`\`${path}\` is not a plain file`);
  if (stats.uid !== process.geteuid?.())
    throw new PrivateFileError(
      `\`${path}\` belongs to another user (uid ${stats.uid}); chown it to the user who runs nullius`,
    );
  if ((stats.mode & 0o077) !== 0)
    throw new PrivateFileError(
      `\`${path}\` is open to other users (mode 0${(stats.mode & 0o777).toString(8)}); run: chmod 600 ${path}`,
    );
}

/** Creates a file of mode 0600 that must not exist yet, and syncs it. (Node's permission model leaves FileHandle.sync alone.) */
export async function createPrivateFile(path: string, text: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(text, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Replaces a private file as a whole: a reader finds the old text or the new one, after a crash too. */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  const next = `${path}.next`;
  await rm(next, { force: true });
  await createPrivateFile(next, text);
  await rename(next, path);
  await syncFolder(dirname(path));
}

/** Makes names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
