import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FactTable } from '#information/inventory';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { accessEvent } from './access-event.ts';
import { Bearers } from './bearer.ts';

test('accessEvent() names whoever bears the session for as long as it lasts, as the facts name them, and nobody afterwards', () => {
  const facts = new FactTable({ clock: () => 0 });
  const session = fakeFact('session', { user: 'u1', expiresAt: 1_000 });
  const cookie = { session: 's1', resource: 'wiki', hash: 'h', previousHash: null, previousUntil: 0, rotatedAt: 0 };
  facts.replace({
    epoch: 1,
    revision: 1,
    rows: [
      { kind: 'session', id: 's1', revision: 1, body: session },
      { kind: 'app-cookie', id: 'c1', revision: 1, body: cookie },
      { kind: 'user', id: 'u1', revision: 1, body: fakeFact('user', { name: 'ada' }) },
    ],
  });
  const judged = {
    id: 'e',
    identified: { bearer: new Bearers(facts).byCookie('h')?.identified.bearer },
    question: { asker: { kind: 'session', sessionId: 's1' }, action: 'read', request: { route: 'default' } },
    verdict: { answer: 'deny', reasons: [], words: [], errors: [], policySequence: 1, factRevision: 1 },
    request: { method: 'GET', host: 'wiki', path: '/', address: '::1', tls: true, port: null, headers: [] },
    site: { id: 'wiki', host: 'wiki' },
  } as unknown as Parameters<typeof accessEvent>[1];
  assert.equal(accessEvent({ facts }, { ...judged, now: 999 }).subject, 'u1');
  assert.equal(accessEvent({ facts }, { ...judged, now: 1_000 }).subject, 'stranger');
  facts.apply([{ kind: 'user', id: 'u1', revision: 2, body: fakeFact('user', { name: 'grace' }) }], 2);
  assert.match(accessEvent({ facts }, { ...judged, now: 999 }).payload, /grace/);
  facts.apply([{ kind: 'session', id: 's1', revision: 3, body: { ...session, status: 'revoked' } }], 3);
  assert.equal(accessEvent({ facts }, { ...judged, now: 999 }).subject, 'stranger');
});
