// A store whose publication comes from a version that signed texts alone.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publicationStatement } from '#decision/administration';
import { compilePolicies } from '#decision/parser';
import type { Publication } from '#foundation/model';
import { openStore } from '#shell/store';
import { buildCompactJws, type SigningKey } from '#trust/signing';
import { startTestControl, type TestControl } from '../../../tests/fakes/test-control.ts';
import { KeyStore } from '../signer/key-store.ts';
import { openRootKeys } from '../signer/root-key-file.ts';

async function statementKey(control: TestControl): Promise<SigningKey> {
  const rootKeys = await openRootKeys({ path: join(control.folder, 'root-key'), isFirstStart: false });
  const store = await KeyStore.open({ path: join(control.handoff.dataDirectory, 'signer', 'keys.json'), rootKeys });
  const held = store.keys('statement', Date.now()).at(-1);
  assert.ok(held);
  return held.key;
}

/** Puts the publication in force as an earlier version would have left it, then `change`d by somebody who can write the store. */
async function makeOlder(control: TestControl, change: (older: Publication) => Publication): Promise<void> {
  const key = await statementKey(control);
  await control.control.stop();
  const store = await openStore({
    path: join(control.handoff.dataDirectory, 'store', 'nullius.sqlite'),
    clock: Date.now,
    writer: 'control',
  });
  const [current] = await store.history('publication', 'current', { limit: 1 });
  assert.ok(current?.body);
  const { manifest: _, ...body } = current.body as Publication;
  const older = { ...body, sequence: body.sequence + 1, parsed: null };
  const described = compilePolicies({ policies: older.policies, schema: older.schema });
  const payload = { ...publicationStatement(older, described) };
  const manifest = buildCompactJws(key, { typ: 'nullius-publication+jws', payload });
  await store.commit([{ kind: 'publication', id: 'current', body: change({ ...older, manifest }) }]);
  await store.close();
  // As at the beginning of a run.
  rmSync(join(control.handoff.dataDirectory, 'run', 'config-in-force.json'));
}

test('a publication of an earlier version is parsed and signed again at the start, with its author and texts', async (t) => {
  const control = await startTestControl();
  t.after(() => control.stop());
  const before = await control.call('GET', '/api/v1/policies/current');
  await makeOlder(control, (older) => older);
  await control.restart();
  const { status, body } = await control.call('GET', '/api/v1/policies/current');
  assert.equal(status, 200);
  assert.equal(body.sequence, before.body.sequence + 2);
  assert.deepEqual([body.policies, body.author], [before.body.policies, before.body.author]);
});

test('a publication that was changed in the store is not signed again: nothing is allowed, and the way back stays', async (t) => {
  const control = await startTestControl();
  t.after(() => control.stop());
  await makeOlder(control, (older) => ({
    ...older,
    policies: [{ file: 'evil.cedar', text: '@id("evil") permit(principal, action, resource);' }],
  }));
  await control.restart();
  assert.equal((await control.call('GET', '/api/v1/users')).status, 403);
  const rolledBack = await control.call('POST', '/api/v1/policies/rollback', { body: {} });
  assert.equal(rolledBack.status, 200, rolledBack.text);
  assert.equal((await control.call('GET', '/api/v1/users')).status, 200);
});
