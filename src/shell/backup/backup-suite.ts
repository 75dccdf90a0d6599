// One suite for both databases: backup.test.ts restores into SQLite, backup.system.test.ts moves to PostgreSQL and back.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Group, JournalEvent } from '#foundation/model';
import { type DataKeys, openStore, type Store } from '#shell/store';
import { type BackupOptions, embeddedStorePath } from './index.ts';

export function group(displayName: string): Group {
  return { displayName, description: '', memberOf: [], origin: 'api' };
}

export const pendingEvent: JournalEvent = {
  id: 'e1',
  time: 1,
  classUid: 3004,
  activityId: 1,
  severityId: 1,
  statusId: 1,
  subject: 'system',
  policySequence: 0,
  factRevision: 0,
  payload: {},
};

/** Lies nowhere in a backup in this form. */
export const journalKey = 'journal-key-that-is-a-secret';

/** One fixed key: enough to seal and open. */
export const dataKeys: DataKeys = {
  createDataKey: async () => ({ key: Buffer.alloc(32, 7).toString('base64url'), wrapped: 'w' }),
  unwrapDataKey: async () => ({ key: Buffer.alloc(32, 7).toString('base64url') }),
};

export interface Installation {
  readonly folder: string;
  readonly dataDirectory: string;
  readonly rootKey: string;
  readonly options: BackupOptions;
  readonly store: Store;
  end(): Promise<void>;
}

/** A data folder with something of everything in it, and its store open, as while control runs. */
export async function makeInstallation(storeUrl?: string): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'nullius-backup-'));
  const dataDirectory = join(folder, 'data');
  const rootKey = join(folder, 'data.root-key');
  await mkdir(join(dataDirectory, 'signer'), { recursive: true, mode: 0o700 });
  await mkdir(join(dataDirectory, 'journal', 'control'), { recursive: true });
  await mkdir(join(dataDirectory, 'run'));
  await writeFile(join(dataDirectory, 'signer', 'keys.json'), '{"wrapped":"keys"}');
  await writeFile(join(dataDirectory, 'journal', 'control', '0000000000000000.segment'), 'segment '.repeat(10_000));
  await writeFile(join(dataDirectory, 'journal', 'control', 'checkpoints'), '');
  await writeFile(join(dataDirectory, 'journal', 'control', 'reserve'), 'x'.repeat(1_000));
  await writeFile(rootKey, 'the root key', { mode: 0o600 });
  const source = storeUrl === undefined ? { path: embeddedStorePath(dataDirectory) } : { url: storeUrl };
  const store = await openStore({ ...source, clock: () => 1_000, dataKeys });
  for (let turn = 0; turn < 5; turn += 1) {
    await store.commit([{ kind: 'group', id: 'ops', body: group(`Turn ${turn} \u0000 é`) }]);
  }
  await store.commit(
    [
      { kind: 'journal-key', id: 'ada', body: { key: journalKey } },
      ...Array.from({ length: 2_500 }, (_, index) => ({
        kind: 'group' as const,
        id: `g${index}`,
        body: group(`${index}`),
      })),
    ],
    [pendingEvent],
  );
  await store.sealSecret('idp/corp', Buffer.from('client secret'));
  return {
    folder,
    dataDirectory,
    rootKey,
    store,
    options: {
      dataDirectory,
      target: join(folder, 'backup'),
      clock: () => 2_000,
      ...(storeUrl === undefined ? {} : { storeUrl }),
    },
    end: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Says what differs between a store and another that was restored from its backup, but for the epoch. */
export async function assertSameStore(original: Store, restored: Store): Promise<void> {
  const [a, b] = await Promise.all([original.snapshot(), restored.snapshot()]);
  const sorted = (rows: typeof a.rows) => [...rows].sort((x, y) => (x.id < y.id ? -1 : 1));
  assert.deepEqual(sorted(b.rows), sorted(a.rows));
  assert.equal(b.revision, a.revision);
  assert.equal(restored.instanceId, original.instanceId);
  assert.deepEqual(await restored.history('group', 'ops'), await original.history('group', 'ops'));
  assert.deepEqual(await restored.outboxPending(), await original.outboxPending());
  assert.deepEqual((await restored.changesSince(0))?.changes.length, a.revision);
  assert.equal(Buffer.from((await restored.openSecret('idp/corp')) ?? []).toString(), 'client secret');
}

/** Every file below must be for its owner alone. */
export async function assertPrivate(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const { mode } = await stat(join(entry.parentPath, entry.name));
    assert.equal(mode & 0o077, 0, `${entry.name} has mode ${(mode & 0o777).toString(8)}`);
  }
}

export function assertNothing(...paths: string[]): void {
  for (const path of paths) assert.ok(!existsSync(path), `${path} was left behind`);
}
