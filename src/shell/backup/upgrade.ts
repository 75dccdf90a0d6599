import type { Clock } from '#foundation/model';
import { openStore, pendingMigrations } from '#shell/store';
import { backup, embeddedStorePath } from './backup.ts';

export interface UpgradeOptions {
  readonly dataDirectory: string;
  readonly storeUrl?: string;
  /** The folder for the backup that is made first; must not exist. */
  readonly backupTo: string;
  readonly clock: Clock;
}

/**
 * Brings a stopped installation's data up to this version: a backup first, then the schema's steps in one transaction.
 * Gives the steps taken; none, and no backup, when there was nothing to do. Throws BackupError or StoreError.
 */
export async function upgrade(
  options: UpgradeOptions,
): Promise<{ steps: readonly string[]; manifestHash: string | null }> {
  const source =
    options.storeUrl === undefined ? { path: embeddedStorePath(options.dataDirectory) } : { url: options.storeUrl };
  const steps = await pendingMigrations(source);
  if (steps.length === 0) return { steps, manifestHash: null };
  const { dataDirectory, storeUrl, clock } = options;
  const { manifestHash } = await backup({
    dataDirectory,
    target: options.backupTo,
    clock,
    ...(storeUrl === undefined ? {} : { storeUrl }),
  });
  await (await openStore({ ...source, clock })).close();
  return { steps, manifestHash };
}
