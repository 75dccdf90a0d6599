import { createHash } from 'node:crypto';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Made anew by whoever needs them: the journal's space for administrators and its lock. */
const leftOut: ReadonlySet<string> = new Set(['reserve', 'lock', 'lock-journal', 'lock-wal', 'lock-shm']);

export interface CopiedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Copies a file that may be growing: what it held when it was opened. Never through a symlink, never over something that
 * exists; synced. The copy is 0600.
 */
export async function copyFile(from: string, to: string): Promise<{ bytes: number; sha256: string }> {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await source.stat();
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    const hash = createHash('sha256');
    let bytes = 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    const out = createWriteStream(to, { flags: 'wx', mode: 0o600, flush: true });
    if (size === 0) await pipeline([], count, out);
    else await pipeline(createReadStream('', { fd: source, autoClose: false, end: size - 1 }), count, out);
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await source.close();
  }
}

/**
 * Copies the plain files of a folder that is being written. A journal's `checkpoints` go first: a checkpoint then never
 * speaks of records that were appended after the copy of their segment.
 */
export async function copyFolder(from: string, options: { to: string; as: string }): Promise<CopiedFile[]> {
  const entries = await readdir(from, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const copied: CopiedFile[] = [];
  const rank = (name: string) => (name === 'checkpoints' ? 0 : 1);
  entries.sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = `${options.as}/${entry.name}`;
    if (entry.isDirectory()) copied.push(...(await copyFolder(join(from, entry.name), { to: options.to, as: path })));
    else if (entry.isFile() && !leftOut.has(entry.name) && !entry.name.endsWith('.new')) {
      copied.push({ path, ...(await copyFile(join(from, entry.name), join(options.to, path))) });
    }
  }
  return copied;
}

/** Makes the names in a folder and in all folders below it durable. */
export async function syncFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolders(join(folder, entry.name));
  }
  await syncFolder(folder);
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
