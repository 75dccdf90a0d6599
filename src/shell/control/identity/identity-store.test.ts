import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FactTable } from '#information/inventory';
import { openStore } from '#shell/store';
import { fakeDataKeys } from '../../../../tests/fakes/data-keys.ts';
import { identityStore } from './identity-store.ts';

test('put() writes more rows than one statement takes, new and known, and some() finds those that were named', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'nullius-identity-store-'));
  const path = join(directory, 'store.sqlite');
  const store = await openStore({ path, clock: Date.now, dataKeys: fakeDataKeys() });
  t.after(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  const table = new FactTable({ clock: Date.now });
  const identity = identityStore(store, { table, reach: async () => undefined });
  const rowOf = (index: number, body: string) => ({ kind: 'k', id: `id-${index}`, owner: null, body, expiresAt: null });
  const rows = Array.from({ length: 1_201 }, (_, index) => rowOf(index, 'old'));
  await identity.transact(({ records }) => records.put(...rows.slice(600)));
  await identity.transact(({ records }) => records.put(...rows.map((row) => ({ ...row, body: 'new' }))));
  await identity.transact(({ records }) => records.put({ ...rowOf(7, 'other'), kind: 'another' }));
  await identity.transact(async ({ records }) => {
    assert.equal(await records.count('k'), 1_201);
    const found = await records.some('k', ['absent', ...rows.slice(1).map(({ id }) => id)]);
    assert.equal(found.length, 1_200);
    assert.ok(found.every(({ kind, body }) => kind === 'k' && body === 'new'));
    assert.deepEqual(await records.some('k', []), []);
  });
});
