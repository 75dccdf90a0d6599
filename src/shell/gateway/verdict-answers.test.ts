import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { AppCookie, Grant, Group, User } from '#foundation/model';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { startTestGate } from './test-gate.ts';

const grace: User = {
  name: 'grace',
  displayName: 'Grace',
  email: null,
  status: 'active',
  groups: ['everyone'],
  source: 'local',
  createdAt: 0,
};
const now = Date.now();
const session = fakeFact('session', {
  user: 'grace',
  authTime: now - 1000,
  createdAt: now - 1000,
  expiresAt: now + 3_600_000,
});
const appCookie: AppCookie = {
  session: 's1',
  resource: 'wiki',
  hash: hash('sha256', 'current', 'base64url'),
  previousHash: hash('sha256', 'replaced', 'base64url'),
  previousUntil: now - 1,
  rotatedAt: now,
};
const group: Group = { displayName: '', description: '', memberOf: [], origin: 'builtin' };
const requested: Grant = {
  user: 'grace',
  resource: 'wiki',
  state: 'requested',
  reason: 'on call',
  requestedAt: now,
  decidedBy: null,
  decidedAt: null,
  durationMs: 3_600_000,
  expiresAt: null,
};
const rows = [
  { kind: 'group', id: 'everyone', body: group },
  { kind: 'user', id: 'grace', body: grace },
  { kind: 'session', id: 's1', body: session },
  { kind: 'app-cookie', id: 'c1', body: appCookie },
] as const;
const headers = { cookie: '__Host-nullius_app=current', accept: 'text/html', 'sec-fetch-site': 'same-origin' };

test('a host that serves nothing tells nothing, and the bare domain where the console is', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const domain = await gate.ask('/', { headers: { host: 'localhost:8080', accept: 'text/html' } });
  assert.equal(domain.status, 404);
  assert.match(domain.body, /http:\/\/console\.localhost:8080/);
  for (const host of ['nothing.localhost:8080', '127.0.0.1:8080', 'localhost.example:8080']) {
    const other = await gate.ask('/', { headers: { host, accept: 'text/html' } });
    assert.deepEqual([other.status, /console/.test(other.body)], [404, false], host);
  }
});

test('a refused person may ask for access, and is told that they wait once they have', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const before = await gate.ask('/', { headers });
  assert.equal(before.status, 403);
  assert.match(before.body, /Request access/);
  gate.put([{ kind: 'grant', id: 'g1', body: { ...requested, resource: 'shop' } }]);
  assert.match((await gate.ask('/', { headers })).body, /Request access/, 'what was asked of another app is not this');
  gate.put([{ kind: 'grant', id: 'g2', body: requested }]);
  const after = await gate.ask('/', { headers });
  assert.equal(after.status, 403);
  assert.doesNotMatch(after.body, /Request access/);
  assert.match(after.body, /You have asked for access/);
  gate.put([{ kind: 'grant', id: 'g2', body: { ...requested, state: 'denied', decidedAt: now } }]);
  assert.match((await gate.ask('/', { headers })).body, /Request access/, 'after a no one may ask again');
});
