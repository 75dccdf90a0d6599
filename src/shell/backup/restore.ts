import { existsSync } from 'node:fs';
import { link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '#foundation/model';
import { importStore } from '#shell/store';
import { embeddedStorePath } from './backup.ts';
import { BackupError } from './backup-error.ts';
import { copyFile, syncFolder, syncFolders } from './copy-folder.ts';
import { rootKeyFile, storeFile, verifyBackup } from './manifest.ts';

export interface RestoreOptions {
  readonly source: string;
  /** Must be empty or absent. */
  readonly dataDirectory: string;
  /** An empty PostgreSQL database, when the store shall not lie in the data folder. */
  readonly storeUrl?: string;
  /** Where the root key goes when the backup holds it; must not exist. */
  readonly rootKeyPath: string;
  /** SHA-256 of the manifest, hex, as `backup` gave it. */
  readonly manifestHash?: string;
  readonly clock: Clock;
}

export interface Restored {
  readonly instanceId: string;
  readonly revision: number;
  readonly epoch: number;
  readonly hasRootKey: boolean;
}

/**
 * Puts a backup into an empty data folder and starts a new epoch. Every file is verified first; the data folder appears
 * under its name when it is whole. Throws BackupError or StoreError, and then leaves nothing behind.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const target = resolve(options.dataDirectory);
  const partial = `${target}.partial`;
  await assertEmpty(target);
  const manifest = await verifyBackup(options.source, options);
  const rootKey = manifest.files.find((file) => file.path === rootKeyFile);
  const rootKeyPartial = `${options.rootKeyPath}.partial`;
  if (rootKey !== undefined && existsSync(options.rootKeyPath)) {
    throw new BackupError(
      'exists',
      `\`${options.rootKeyPath}\` exists already; move it away, the backup brings its own root key`,
    );
  }
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  let placedRootKey = false;
  try {
    for (const { path, sha256 } of manifest.files) {
      if (path === storeFile || path === rootKeyFile) continue;
      await copyVerified(join(options.source, path), { to: join(partial, path), sha256 });
    }
    const exported = join(partial, storeFile);
    const listed = manifest.files.find((file) => file.path === storeFile);
    if (listed === undefined) throw new BackupError('damaged', 'the backup holds no store');
    // The copy is what is verified and read, so that nobody can change it in between.
    await copyVerified(join(options.source, storeFile), { to: exported, sha256: listed.sha256 });
    if (rootKey !== undefined) {
      await copyVerified(join(options.source, rootKeyFile), { to: rootKeyPartial, sha256: rootKey.sha256 });
    }
    const database = options.storeUrl === undefined ? { path: embeddedStorePath(partial) } : { url: options.storeUrl };
    const imported = await importStore(database, { file: exported, clock: options.clock });
    await rm(exported);
    await syncFolders(partial);
    if (rootKey !== undefined) {
      // Unlike a rename, a link never takes the place of a key that came meanwhile.
      await link(rootKeyPartial, options.rootKeyPath);
      placedRootKey = true;
    }
    await rename(partial, target);
    await syncFolder(dirname(target));
    return {
      instanceId: imported.instanceId,
      revision: imported.revision,
      epoch: imported.newEpoch,
      hasRootKey: rootKey !== undefined,
    };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (placedRootKey) await rm(options.rootKeyPath, { force: true });
    throw error;
  } finally {
    await rm(rootKeyPartial, { force: true });
  }
}

async function assertEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new BackupError('unreadable', `\`${folder}\` cannot be read`, { cause: error });
  });
  if (names.length > 0) {
    throw new BackupError('exists', `\`${folder}\` is not empty; restore into an empty folder and move it into place`);
  }
}

async function copyVerified(from: string, options: { to: string; sha256: string }): Promise<void> {
  const { sha256 } = await copyFile(from, options.to);
  if (sha256 !== options.sha256) throw new BackupError('damaged', `\`${from}\` changed while it was restored`);
}
