import { createHash } from 'node:crypto';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '#foundation/encoding';
import { BackupError } from './backup-error.ts';

export const manifestFile = 'manifest.json';
export const storeFile = 'store.ndjson';
export const rootKeyFile = 'root-key';

const manifestBytesMax = 64 * 1024 * 1024;
const filesMax = 1_000_000;

/** Folders of the data folder that a backup holds. */
export const backedUpFolders: readonly string[] = ['journal', 'signer'];

const isPlainName = (part: string) => /^[A-Za-z0-9._-]{1,200}$/.test(part) && !/^\.+$/.test(part);

/**
 * Plain names only: what a manifest says must never lead out of the folder. And only what a backup holds: anything else would lie in the
 * data folder as if a process of ours had put it there, compiled code that it runs above all.
 */
const pathSchema = z
  .string()
  .max(1_000)
  .refine((path) => {
    const [folder = '', ...rest] = path.split('/');
    if (rest.length === 0) return path === storeFile || path === rootKeyFile;
    return backedUpFolders.includes(folder) && rest.every(isPlainName);
  });

const manifestSchema = z.strictObject({
  format: z.literal('nullius-backup'),
  version: z.literal(1),
  createdAt: z.int().min(0),
  instanceId: z.string().max(100),
  epoch: z.int().min(0),
  revision: z.int().min(0),
  files: z
    .array(z.strictObject({ path: pathSchema, bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
    .max(filesMax),
});

/** What a backup holds. Its own hash is all that is needed to know that a backup is unchanged. */
export type Manifest = z.infer<typeof manifestSchema>;

export function formatManifest(manifest: Manifest): string {
  return `${canonicalJson(manifest)}\n`;
}

export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Reads a backup's manifest and compares every file with it, before anything is believed (the folder is
 * attacker-controlled). Throws BackupError `damaged`, `newer` or `unreadable`.
 */
export async function verifyBackup(folder: string, options: { manifestHash?: string } = {}): Promise<Manifest> {
  const text = await readManifest(folder);
  if (options.manifestHash !== undefined && hashText(text) !== options.manifestHash.toLowerCase()) {
    throw new BackupError('damaged', `the manifest of \`${folder}\` is not the one with the hash you gave`);
  }
  const manifest = parseManifest(text, folder);
  const listed = new Set([manifestFile, ...manifest.files.map((file) => file.path)]);
  if (listed.size !== manifest.files.length + 1) throw new BackupError('damaged', `\`${folder}\` lists a file twice`);
  const extra = (await listFiles(folder)).find((path) => !listed.has(path));
  if (extra !== undefined)
    throw new BackupError('damaged', `\`${folder}\` holds \`${extra}\`, which its manifest does not list`);
  for (const file of manifest.files) {
    const found = await hashFile(join(folder, file.path)).catch((cause: unknown) => {
      throw new BackupError('damaged', `\`${file.path}\` of the backup is missing or cannot be read`, { cause });
    });
    if (found.bytes !== file.bytes || found.sha256 !== file.sha256) {
      throw new BackupError('damaged', `\`${file.path}\` of the backup is not what was backed up; take another backup`);
    }
  }
  return manifest;
}

async function readManifest(folder: string): Promise<string> {
  try {
    const path = join(folder, manifestFile);
    const { size } = await lstat(path);
    if (size > manifestBytesMax) throw new BackupError('damaged', `the manifest of \`${folder}\` is too large`);
    const file = await open(path, 'r');
    try {
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof BackupError) throw error;
    throw new BackupError(
      'unreadable',
      `\`${folder}\` is not a finished backup: it has no readable \`${manifestFile}\``,
      {
        cause: error,
      },
    );
  }
}

function parseManifest(text: string, folder: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BackupError('damaged', `the manifest of \`${folder}\` cannot be read`, { cause });
  }
  const version = z.looseObject({ format: z.literal('nullius-backup'), version: z.int().min(2) }).safeParse(value);
  if (version.success)
    throw new BackupError('newer', `\`${folder}\` was made by a newer version; restore it with that`);
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw new BackupError('damaged', `the manifest of \`${folder}\` is not as it should be`);
  return parsed.data;
}

/** Relative paths of all files below; what is neither a plain file nor a folder is refused. */
export async function listFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(folder.length).replace(/^\/+/, '');
    if (entry.isFile()) paths.push(path);
    else if (!entry.isDirectory()) throw new BackupError('damaged', `\`${path}\` in \`${folder}\` is not a plain file`);
  }
  return paths.sort();
}

export async function hashFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'r');
  try {
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}
