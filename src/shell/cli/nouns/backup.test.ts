import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '#shell/store';

const main = join(import.meta.dirname, '..', 'main.ts');

test('nullius backup, restore and upgrade work on a data folder, and say what is wrong with a damaged backup', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nullius-cli-backup-'));
  const nullius = (...argv: string[]) => {
    const args = ['--conditions=nullius-source', main, '--json', ...argv];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: 240_000,
    });
    return {
      code: status,
      answer: stdout === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>),
      err: stderr,
    };
  };
  try {
    const store = await openStore({ path: join(folder, 'data/store/nullius.sqlite'), clock: Date.now });
    const body = { displayName: 'Ops', description: '', memberOf: [] as string[], origin: 'api' as const };
    await store.commit([{ kind: 'group', id: 'ops', body }]);
    const made = nullius('backup', 'b1', '--data', 'data');
    await store.close();
    assert.equal(made.code, 0, made.err);
    assert.equal(made.answer?.['revision'], 1);
    assert.equal(nullius('backup', 'b1', '--data', 'data').code, 3, 'it exists');
    const hash = String(made.answer?.['manifestHash']);
    assert.equal(nullius('restore', 'b1', '--data', 'new', '--manifest-hash', '0'.repeat(64)).code, 1);
    const restored = nullius('restore', 'b1', '--data', 'new', '--manifest-hash', hash);
    assert.equal(restored.code, 0, restored.err);
    assert.match(restored.err, /put the root key at `new\.root-key`/);
    const upgraded = nullius('upgrade', '--data', 'new');
    assert.deepEqual(upgraded.answer, { steps: [], backup: null }, upgraded.err);
    assert.match(upgraded.err, /up to date; no backup was needed, none was made/);
    await appendFile(join(folder, 'b1', 'store.ndjson'), '\n');
    const damaged = nullius('restore', 'b1', '--data', 'other');
    assert.equal(damaged.code, 1);
    assert.match(damaged.err, /is not what was backed up/);
    assert.ok(!existsSync(join(folder, 'other')));
  } finally {
    await rm(folder, { recursive: true });
  }
});
