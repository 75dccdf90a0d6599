// Needs root, to mount a small file system.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore, StoreError } from './index.ts';
import { group } from './store-suite.ts';

test('a full disk is a clear error, nothing is half-done, and the store goes on once there is space', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
  try {
    const store = await openStore({ path: join(folder, 'store', 'nullius.sqlite'), clock: Date.now });
    try {
      writeFileSync(join(folder, 'ballast'), Buffer.alloc(1024 * 1024));
      let acknowledged = 0;
      let refusal: unknown;
      const write = (turn: number) =>
        store.commit(
          [0, 1, 2].map((part) => ({ kind: 'group', id: `t${turn}-${part}`, body: group('x'.repeat(500)) })),
        );
      for (let turn = 0; refusal === undefined; turn += 1) {
        try {
          await write(turn);
          acknowledged += 1;
        } catch (error) {
          refusal = error;
        }
      }
      assert.ok(refusal instanceof StoreError && refusal.code === 'full', String(refusal));
      assert.match(refusal.message, /no space is left/);
      const { revision, rows } = await store.snapshot();
      assert.deepEqual([revision, rows.length], [acknowledged, acknowledged * 3]);
      await assert.rejects(write(1_000_000), StoreError);
      rmSync(join(folder, 'ballast'));
      assert.equal((await write(1_000_001)).revision, acknowledged + 1);
      assert.equal((await store.changesSince(acknowledged))?.changes.length, 1);
    } finally {
      await store.close();
    }
    const again = await openStore({ path: join(folder, 'store', 'nullius.sqlite'), clock: Date.now });
    assert.ok((await again.head()).revision > 0);
    await again.close();
  } finally {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
});
