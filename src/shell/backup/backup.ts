import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '#foundation/model';
import { exportStore } from '#shell/store';
import { BackupError } from './backup-error.ts';
import { copyFile, copyFolder, syncFolder, syncFolders } from './copy-folder.ts';
import {
  backedUpFolders,
  formatManifest,
  hashFile,
  hashText,
  type Manifest,
  manifestFile,
  rootKeyFile,
  storeFile,
} from './manifest.ts';

export interface BackupOptions {
  readonly dataDirectory: string;
  /** `postgres://…` when the store is not in the data folder. */
  readonly storeUrl?: string;
  /** The folder to make; must not exist. */
  readonly target: string;
  /** Put the root key in as well: the backup alone then opens everything. */
  readonly includeRootKey?: string;
  readonly clock: Clock;
}

/** Where the embedded store lies in a data folder. */
export function embeddedStorePath(dataDirectory: string): string {
  return join(dataDirectory, 'store', 'nullius.sqlite');
}

/**
 * Backs up a running or stopped installation into one folder: facts and their history, sealed secrets, journals, the
 * signer's wrapped keys. The folder appears under its name when it is whole. Gives the manifest and its SHA-256, which,
 * kept elsewhere, tells later whether the backup was altered. Throws BackupError or StoreError.
 */
export async function backup(options: BackupOptions): Promise<{ manifest: Manifest; manifestHash: string }> {
  const target = resolve(options.target);
  const partial = `${target}.partial`;
  if (existsSync(target)) throw new BackupError('exists', `\`${target}\` exists already; name a folder that does not`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 }).catch((cause: unknown) => {
    throw new BackupError('unreadable', `\`${dirname(target)}\` cannot be written to`, { cause });
  });
  try {
    const manifest = await fill(partial, options);
    const text = formatManifest(manifest);
    await writeFile(join(partial, manifestFile), text, { mode: 0o600, flag: 'wx', flush: true });
    await syncFolders(partial);
    await rename(partial, target);
    await syncFolder(dirname(target));
    return { manifest, manifestHash: hashText(text) };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function fill(folder: string, options: BackupOptions): Promise<Manifest> {
  const { dataDirectory } = options;
  // The store first, then the journals: an event that left the outbox is then in the copied journal.
  const source =
    options.storeUrl === undefined ? { path: embeddedStorePath(dataDirectory) } : { url: options.storeUrl };
  const exported = await exportStore(source, join(folder, storeFile));
  const files = [{ path: storeFile, ...(await hashFile(join(folder, storeFile))) }];
  for (const name of backedUpFolders) {
    files.push(...(await copyFolder(join(dataDirectory, name), { to: folder, as: name })));
  }
  if (options.includeRootKey !== undefined) {
    files.push({ path: rootKeyFile, ...(await copyFile(options.includeRootKey, join(folder, rootKeyFile))) });
  }
  const { instanceId, epoch, revision } = exported;
  return { format: 'nullius-backup', version: 1, createdAt: options.clock(), instanceId, epoch, revision, files };
}
