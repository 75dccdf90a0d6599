import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptFields } from '#enforcement/gateway';
import type { AppCookie, FactRow } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { Bearers } from './bearer.ts';

const body: AppCookie = {
  session: 's1',
  resource: 'wiki',
  hash: 'h',
  previousHash: null,
  previousUntil: 0,
  rotatedAt: 0,
};
const cookie: FactRow = { kind: 'app-cookie', id: 'c1', revision: 1, body };
const session: FactRow = { kind: 'session', id: 's1', revision: 1, body: fakeFact('session', { user: 'u1' }) };
const user: FactRow = { kind: 'user', id: 'u1', revision: 1, body: fakeFact('user', { name: 'Ada' }) };

function started() {
  const state = { now: 0 };
  const facts = new FactTable({ clock: () => state.now });
  const bearers = new Bearers(facts);
  facts.onChange((changes) => bearers.forget(changes));
  facts.replace({ epoch: 1, revision: 1, rows: [session, user, cookie] });
  const before = bearers.byCookie('h')?.identified.bearer;
  assert.ok(before);
  return { state, facts, bearers, before };
}

test('a cookie leads to the same bearer for as long as session and user are the same facts', () => {
  const { facts, bearers, before } = started();
  assert.equal(bearers.byCookie('h')?.identified.bearer, before);
  facts.apply([{ kind: 'user', id: 'u2', revision: 2, body: fakeFact('user') }], 2);
  assert.ok(!before.isOf(facts));
  assert.equal(bearers.now(before), before);
  assert.equal(bearers.byCookie('h')?.identified.bearer, before);
  assert.ok(before.isOf(facts));
});

test('of a user or session that changed a bearer says what the facts say now, and nothing of one that is gone', () => {
  const renamed: FactRow = { ...user, revision: 2, body: fakeFact('user', { name: 'Grace' }) };
  const ended: FactRow = { ...session, revision: 2, body: fakeFact('session', { user: 'u1', status: 'revoked' }) };
  for (const row of [renamed, ended]) {
    const { facts, bearers, before } = started();
    before.at('wiki').assertion.made = {
      fields: new KeptFields('a', 'of before'),
      expiresAt: 0,
      key: { isGood: true },
    };
    facts.apply([row], 2);
    for (const after of [bearers.now(before), bearers.byCookie('h')?.identified.bearer]) {
      assert.ok(after && after !== before);
      assert.equal(after.user, facts.get('user', 'u1'));
      assert.equal(after.session, facts.get('session', 's1'));
      assert.equal(after.principal.name, row === renamed ? 'Grace' : 'Ada');
      assert.equal(after.at('wiki').assertion.made, undefined);
    }
  }
  for (const row of [session, user]) {
    const { facts, bearers, before } = started();
    facts.apply([{ ...row, revision: 2, body: null }], 2);
    assert.equal(bearers.now(before), null);
    assert.equal(bearers.byCookie('h')?.identified.bearer, null);
  }
});

test('a cookie that is gone, or was replaced and whose grace is over, leads to nobody', () => {
  const { facts, bearers } = started();
  facts.apply([{ kind: 'app-cookie', id: 'c1', revision: 2, body: null }], 2);
  assert.equal(bearers.byCookie('h'), undefined);
  const replaced = started();
  const rotated = { ...body, hash: 'newer', previousHash: 'h', previousUntil: 60, rotatedAt: 30 };
  replaced.facts.apply([{ ...cookie, revision: 2, body: rotated }], 2);
  for (const hash of ['h', 'newer'])
    assert.equal(replaced.bearers.byCookie(hash)?.identified.bearer, replaced.before, hash);
  replaced.state.now = 60;
  assert.equal(replaced.bearers.byCookie('h'), undefined, 'though no fact has changed');
  assert.equal(replaced.bearers.byCookie('newer')?.identified.cookie?.rotatedAt, rotated.rotatedAt);
});

test('a copy of the facts of another epoch with the same revision makes another bearer', () => {
  const { facts, before } = started();
  // One that nobody tells of changes.
  const bearers = new Bearers(facts);
  assert.equal(bearers.byCookie('h')?.identified.bearer?.principal.name, 'Ada');
  const other: FactRow = { ...user, body: fakeFact('user', { name: 'Mallory' }) };
  facts.replace({ epoch: 2, revision: 1, rows: [session, other, cookie] });
  assert.ok(!before.isOf(facts));
  assert.equal(bearers.byCookie('h')?.identified.bearer?.principal.name, 'Mallory');
});

test('cookies for several apps lead to the same bearer, and one of another session does not', () => {
  const { facts, bearers, before } = started();
  const rows: FactRow[] = [
    { kind: 'app-cookie', id: 'c2', revision: 2, body: { ...body, resource: 'crm', hash: 'other' } },
    { kind: 'session', id: 's2', revision: 2, body: fakeFact('session', { user: 'u1' }) },
    { kind: 'app-cookie', id: 'c3', revision: 2, body: { ...body, session: 's2', hash: 'third' } },
  ];
  facts.apply(rows, 2);
  assert.equal(bearers.byCookie('other')?.identified.bearer, before);
  assert.notEqual(bearers.byCookie('third')?.identified.bearer, before);
  assert.equal(before.at('wiki'), before.at('wiki'), 'what is kept at an app is found again');
  const atWiki = before.at('wiki');
  assert.notEqual(before.at('crm'), atWiki);
  assert.equal(before.at('wiki'), atWiki);
});

test('two cookies whose hashes begin alike each lead to their own bearer', () => {
  const { facts, bearers, before } = started();
  const [first, second] = ['h'.repeat(43), `${'h'.repeat(42)}x`];
  const rows: FactRow[] = [
    { kind: 'app-cookie', id: 'c2', revision: 2, body: { ...body, hash: first } },
    { kind: 'session', id: 's2', revision: 2, body: fakeFact('session', { user: 'u1' }) },
    { kind: 'app-cookie', id: 'c3', revision: 2, body: { ...body, session: 's2', hash: second } },
  ];
  facts.apply(rows, 2);
  for (let round = 0; round < 2; round++) {
    assert.equal(bearers.byCookie(first)?.identified.bearer, before);
    assert.equal(bearers.byCookie(second)?.identified.bearer?.sessionId, 's2');
  }
  assert.equal(bearers.byCookie(`${'h'.repeat(42)}y`), undefined, 'nor does a value that nobody was given');
  assert.equal(bearers.byCookie(second)?.identified.bearer?.sessionId, 's2');
});
