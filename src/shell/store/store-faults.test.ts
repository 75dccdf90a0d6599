import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, statSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeDataKeys } from '../../../tests/fakes/data-keys.ts';
import { openStore, type Store, StoreError } from './index.ts';
import { group } from './store-suite.ts';

const inFolder = (title: string, body: (folder: string, path: string) => Promise<void>) =>
  test(title, { timeout: 240_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nullius-faults-'));
    try {
      await body(folder, join(folder, 'store', 'nullius.sqlite'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

const code = (wanted: StoreError['code']) => (error: unknown) => error instanceof StoreError && error.code === wanted;
const ops = (name: string) => [{ kind: 'group' as const, id: 'ops', body: group(name) }];

async function withStore(path: string, body: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore({ path, clock: Date.now, busyTimeoutMs: 100 });
  try {
    await body(store);
  } finally {
    await store.close();
  }
}

inFolder('commit() says so while another process holds the file, and works again after', (_folder, path) =>
  withStore(path, async (store) => {
    await store.commit(ops('One'));
    const other = new DatabaseSync(path);
    other.exec('begin immediate');
    await assert.rejects(store.commit(ops('Two')), code('locked'));
    assert.equal((await store.read('group', 'ops'))?.body.displayName, 'One', 'reading goes on');
    other.exec('rollback');
    other.close();
    assert.equal((await store.commit(ops('Two'))).revision, 2);
  }),
);

inFolder('commit() waits for another process without holding up this one', (_folder, path) =>
  withStore(path, async () => {
    const store = await openStore({ path, clock: Date.now, busyTimeoutMs: 30_000 });
    const other = new DatabaseSync(path);
    other.exec('begin immediate');
    let isDone = false;
    const waiting = store.commit(ops('One')).then(() => {
      isDone = true;
    });
    for (let turn = 0; turn < 5; turn += 1) await sleep(5);
    assert.equal(isDone, false);
    other.exec('rollback');
    other.close();
    await waiting;
    await store.close();
  }),
);

inFolder('commit() acknowledges nothing into a file that was deleted or replaced', async (folder, path) => {
  const deleted = await openStore({ path, clock: Date.now });
  await deleted.commit(ops('One'));
  await copyFile(path, join(folder, 'copy'));
  await rm(join(folder, 'store'), { recursive: true });
  await assert.rejects(deleted.commit(ops('Two')), code('unavailable'));
  await deleted.close();
  await withStore(path, async (replaced) => {
    await replaced.commit(ops('One'));
    await rename(join(folder, 'copy'), path);
    await assert.rejects(
      replaced.commit(ops('Two')),
      (error) => code('unavailable')(error) && /was replaced/.test(String(error)),
    );
  });
});

inFolder('openStore() says what is wrong with a file that is no database or cannot be made', async (folder, path) => {
  const noDatabase = join(folder, 'text');
  await writeFile(noDatabase, 'this is not a database, however long it may be '.repeat(100));
  await assert.rejects(openStore({ path: noDatabase, clock: Date.now }), code('corrupt'));
  await assert.rejects(openStore({ path: join(noDatabase, 'below', 'x'), clock: Date.now }), code('unavailable'));
  await withStore(path, async () => {});
  for (const file of [path, `${path}`]) assert.equal(statSync(file).mode & 0o777, 0o600);
});

inFolder('openStore() closes a database file that was open to others', async (_folder, path) => {
  await withStore(path, async (store) => {
    await store.commit(ops('One'));
    assert.equal(statSync(`${path}-wal`).mode & 0o077, 0);
  });
  chmodSync(path, 0o644);
  await withStore(path, async () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });
});

inFolder('a journal key is nowhere in the files, and once removed not even its sealed form', async (folder, path) => {
  const key = `${'k'.repeat(30)}erase-me-please`;
  const sealedAs: string[] = [];
  const isIn = async (text: string) => {
    const files = await readdir(join(folder, 'store'));
    const texts = await Promise.all(files.map((file) => readFile(join(folder, 'store', file))));
    return texts.some((bytes) => bytes.includes(text));
  };
  const store = await openStore({ path, clock: Date.now, dataKeys: fakeDataKeys() });
  try {
    await store.commit([{ kind: 'journal-key', id: 'u1', body: { key } }]);
    sealedAs.push((await store.rows.selectFrom('fact').select('body').executeTakeFirstOrThrow()).body);
    assert.equal(await isIn(key), false);
    assert.equal(await isIn(sealedAs[0] ?? ''), true);
    await store.commit([{ kind: 'journal-key', id: 'u1', body: null }]);
  } finally {
    await store.close();
  }
  assert.equal(await isIn(sealedAs[0] ?? ''), false);
});

async function runUntilKilled(path: string, name: string, afterCommits: number): Promise<string[]> {
  const script = join(import.meta.dirname, 'commit-until-killed.ts');
  const child: ChildProcess = spawn(process.execPath, ['--conditions=nullius-source', script, path, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
  });
  const closed = once(child, 'close');
  while (output.split('\n').length <= afterCommits && child.exitCode === null) await sleep(2);
  child.kill('SIGKILL');
  await closed;
  return output.split('\n').slice(0, -1);
}

inFolder('SIGKILL at any moment loses no acknowledged commit, and the feed has no gap', async (_folder, path) => {
  const acknowledged: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    acknowledged.push(...(await runUntilKilled(path, `r${round}`, 1 + 13 * round)));
  }
  assert.ok(acknowledged.length > 5);
  await withStore(path, async (store) => {
    const { revision, rows } = await store.snapshot();
    const standing = new Set(rows.map((row) => row.id));
    for (const id of acknowledged) assert.ok(standing.has(id), `${id} was acknowledged and is gone`);
    assert.equal(rows.length, revision, 'one fact for each commit');
    let seen = 0;
    for (;;) {
      const page = await store.changesSince(seen);
      assert.ok(page !== undefined);
      if (page.changes.length === 0) break;
      for (const change of page.changes) {
        seen += 1;
        assert.equal(change.revision, seen);
        assert.equal(change.facts.length, 1);
      }
    }
    assert.equal(seen, revision);
    const events = await store.rows.selectFrom('outbox').select('id').execute();
    assert.deepEqual(new Set(events.map((event) => event.id)), standing, 'facts and events commit together');
  });
});
