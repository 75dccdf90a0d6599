import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppCookie, FactRow } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { bearerOf } from './bearer.ts';

const cookie: AppCookie = {
  session: 's1',
  resource: 'wiki',
  hash: 'h',
  previousHash: null,
  previousUntil: 0,
  rotatedAt: 0,
};
const session: FactRow = { kind: 'session', id: 's1', revision: 1, body: fakeFact('session', { user: 'u1' }) };
const user: FactRow = { kind: 'user', id: 'u1', revision: 1, body: fakeFact('user', { name: 'Ada' }) };

function started() {
  const facts = new FactTable({ clock: () => 0 });
  facts.replace({ epoch: 1, revision: 1, rows: [session, user] });
  const before = bearerOf(facts, cookie);
  assert.ok(before !== null);
  return { facts, before };
}

test('bearerOf() gives the same object for as long as session and user are the same facts', () => {
  const { facts, before } = started();
  assert.equal(bearerOf(facts, cookie), before);
  facts.apply([{ kind: 'user', id: 'u2', revision: 2, body: fakeFact('user') }], 2);
  assert.ok(!before.isOf(facts));
  assert.equal(before.asOf(facts), before);
  assert.equal(bearerOf(facts, cookie), before);
  assert.ok(before.isOf(facts));
});

test('bearerOf() and asOf() say of a user or session that changed what the facts say now, and nothing of one that is gone', () => {
  const renamed: FactRow = { ...user, revision: 2, body: fakeFact('user', { name: 'Grace' }) };
  const ended: FactRow = { ...session, revision: 2, body: fakeFact('session', { user: 'u1', status: 'revoked' }) };
  for (const row of [renamed, ended]) {
    const { facts, before } = started();
    facts.apply([row], 2);
    for (const after of [before.asOf(facts), bearerOf(facts, cookie)]) {
      assert.notEqual(after, before);
      assert.equal(after?.user, facts.get('user', 'u1'));
      assert.equal(after?.session, facts.get('session', 's1'));
      assert.equal(after?.principal.name, row === renamed ? 'Grace' : 'Ada');
      assert.equal(after?.assertion, null);
    }
  }
  for (const row of [session, user]) {
    const { facts, before } = started();
    facts.apply([{ ...row, revision: 2, body: null }], 2);
    assert.equal(before.asOf(facts), null);
    assert.equal(bearerOf(facts, cookie), null);
  }
});

test('a copy of the facts of another epoch with the same revision makes another bearer', () => {
  const { facts, before } = started();
  const other: FactRow = { ...user, body: fakeFact('user', { name: 'Mallory' }) };
  facts.replace({ epoch: 2, revision: 1, rows: [session, other] });
  assert.ok(!before.isOf(facts));
  assert.equal(bearerOf(facts, cookie)?.principal.name, 'Mallory');
});

test('a cookie that is rotated, and one for another app, lead to the same bearer', () => {
  const { facts, before } = started();
  const rotated: AppCookie = { ...cookie, hash: 'newer', previousHash: 'h' };
  facts.apply([{ kind: 'app-cookie', id: 'c1', revision: 2, body: rotated }], 2);
  assert.equal(bearerOf(facts, rotated), before);
  assert.equal(bearerOf(facts, { ...cookie, resource: 'crm', hash: 'other' }), before);
  assert.notEqual(bearerOf(facts, { ...cookie, session: 's2' }), before);
});
