import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AppCookie, FactRow, Grant, Group, Session, Token } from '#foundation/model';
import { type FactChange, FactTable, InventoryError, parseFactRow, rememberedChangesMax } from './index.ts';

const group = (displayName: string): Group => ({ displayName, description: '', memberOf: [], origin: 'api' });
const cookie = (session: string, hash: string, previousHash: string | null = null, previousUntil = 0): AppCookie => ({
  session,
  resource: 'wiki',
  hash,
  previousHash,
  previousUntil,
  rotatedAt: 0,
});
const session = (user: string): Session => ({
  user,
  credential: 'passkey',
  provider: 'local',
  phishingResistant: true,
  authTime: 1,
  createdAt: 1,
  idleMs: 1,
  expiresAt: 1,
  bound: false,
  status: 'active',
  endedReason: null,
  userAgent: '',
});
const grant = (user: string): Grant => ({
  user,
  resource: 'wiki',
  state: 'active',
  reason: '',
  requestedAt: 1,
  decidedBy: null,
  decidedAt: null,
  durationMs: 1,
  expiresAt: null,
});
const token = (hash: string): Token => ({
  label: '',
  owner: { type: 'User', id: 'u' },
  hash,
  scopes: ['read'],
  createdAt: 1,
  expiresAt: 1,
  status: 'active',
});

test('apply() shows all of a transaction at once and refuses what does not follow', () => {
  const table = new FactTable({ clock: () => 0 });
  const seen: { revision: number; size: number; changes: readonly FactChange[] }[] = [];
  table.onChange((changes, revision) => seen.push({ revision, size: table.size, changes }));
  table.apply(
    [
      { kind: 'group', id: 'a', revision: 5, body: group('A') },
      { kind: 'group', id: 'b', revision: 5, body: group('B') },
    ],
    5,
  );
  assert.deepEqual([seen[0]?.revision, seen[0]?.size, seen[0]?.changes.length], [5, 2, 2]);
  for (const revision of [5, 4, 0, Number.NaN, 5.5]) {
    assert.throws(
      () => table.apply([{ kind: 'group', id: 'c', revision, body: group('C') }], revision),
      (error) => error instanceof InventoryError && error.code === 'stale-revision',
    );
  }
  assert.equal(table.get('group', 'c'), undefined);
  assert.equal(table.revision, 5);
});

test('onChange() gives each fact before and after; a listener that throws keeps no other in the dark', () => {
  const table = new FactTable({ clock: () => 0 });
  table.apply([{ kind: 'group', id: 'a', revision: 1, body: group('A') }], 1);
  const changes: FactChange[] = [];
  table.onChange(() => {
    throw new Error('first listener');
  });
  const off = table.onChange((some) => changes.push(...some));
  assert.throws(() => table.apply([{ kind: 'group', id: 'a', revision: 2, body: null }], 2), /first listener/);
  assert.deepEqual(changes, [
    { kind: 'group', id: 'a', before: { kind: 'group', id: 'a', revision: 1, body: group('A') }, after: null },
  ]);
  assert.equal(table.revision, 2);
  off();
});

test('appCookieByHash() takes the previous value only until its grace ends', () => {
  let now = 100;
  const table = new FactTable({ clock: () => now });
  table.apply([{ kind: 'app-cookie', id: 'c1', revision: 1, body: cookie('s1', 'new', 'old', 200) }], 1);
  assert.equal(table.appCookieByHash('new')?.id, 'c1');
  assert.equal(table.appCookieByHash('old')?.id, 'c1');
  now = 200;
  assert.equal(table.appCookieByHash('old'), undefined);
  assert.equal(table.appCookieByHash('new')?.id, 'c1');
  table.apply([{ kind: 'app-cookie', id: 'c1', revision: 2, body: null }], 2);
  assert.equal(table.appCookieByHash('new'), undefined);
});

test('a hash of one kind never finds a fact of another', () => {
  const table = new FactTable({ clock: () => 0 });
  table.apply([{ kind: 'token', id: 't', revision: 1, body: token('h') }], 1);
  assert.equal(table.appCookieByHash('h'), undefined);
  assert.equal(table.tokenByHash('h')?.id, 't');
  assert.deepEqual(table.sessionsOf('h'), []);
});

test('replace() tells what differs: by revision within an epoch, everything between epochs', () => {
  const table = new FactTable({ clock: () => 0 });
  const rows: FactRow[] = [
    { kind: 'group', id: 'a', revision: 1, body: group('A') },
    { kind: 'group', id: 'b', revision: 2, body: group('B') },
  ];
  table.replace({ epoch: 1, revision: 2, rows });
  const told: string[][] = [];
  table.onChange((changes) =>
    told.push(changes.map((change) => `${change.id}:${change.after === null ? 'gone' : 'there'}`)),
  );
  const next: FactRow[] = [
    { kind: 'group', id: 'b', revision: 2, body: group('B') },
    { kind: 'group', id: 'c', revision: 3, body: group('C') },
  ];
  table.replace({ epoch: 1, revision: 3, rows: next });
  table.replace({ epoch: 2, revision: 3, rows: next });
  assert.deepEqual(told, [
    ['a:gone', 'c:there'],
    ['b:there', 'c:there'],
  ]);
});

test('parseFactRow() refuses what is not exactly a fact', () => {
  const good = { kind: 'group', id: 'a', revision: 1, body: group('A') };
  assert.deepEqual(parseFactRow(good), good);
  assert.deepEqual(parseFactRow({ ...good, body: null }), { ...good, body: null });
  const bad: unknown[] = [
    null,
    [],
    { ...good, kind: 'toString' },
    { ...good, kind: '__proto__' },
    { ...good, extra: 1 },
    { ...good, id: '' },
    { ...good, id: 'x'.repeat(201) },
    { ...good, id: 'a\nb' },
    { ...good, id: '\ud800' },
    { ...good, revision: 0 },
    { ...good, revision: 1.5 },
    { ...good, revision: 2 ** 53 },
    { ...good, body: undefined },
    { ...good, body: { ...group('A'), admin: true } },
  ];
  for (const row of bad) {
    assert.throws(
      () => parseFactRow(row),
      (error) => error instanceof InventoryError && error.code === 'invalid-fact',
      JSON.stringify(row),
    );
  }
});

test('every look-up agrees with a naive search after any sequence of updates', () => {
  const name = fc.constantFrom('p', 'q', 'r');
  const row = fc.oneof(
    fc.record({ kind: fc.constant('session' as const), id: name, body: fc.option(name.map(session)) }),
    fc.record({ kind: fc.constant('grant' as const), id: name, body: fc.option(name.map(grant)) }),
    fc.record({ kind: fc.constant('token' as const), id: name, body: fc.option(name.map(token)) }),
    fc.record({
      kind: fc.constant('app-cookie' as const),
      id: name,
      body: fc.option(
        fc
          .tuple(name, name, fc.option(name), fc.constantFrom(0, 10))
          .map(([owner, hash, previous, until]) => cookie(owner, hash, previous, until)),
      ),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.array(row, { maxLength: 5 }), { maxLength: 20 }), (transactions) => {
      const table = new FactTable({ clock: () => 5 });
      const model = new Map<string, FactRow>();
      for (const [index, rows] of transactions.entries()) {
        const facts = rows.map((one): FactRow => ({ ...one, revision: index + 1 }));
        table.apply(facts, index + 1);
        for (const fact of facts) {
          if (fact.body === null) model.delete(`${fact.kind} ${fact.id}`);
          else model.set(`${fact.kind} ${fact.id}`, fact);
        }
      }
      const all = [...model.values()];
      const ids = (kind: string, keep: (body: never) => boolean) =>
        all
          .filter((fact) => fact.kind === kind && keep(fact.body as never))
          .map((fact) => fact.id)
          .sort();
      const sorted = (found: readonly { id: string }[]) => found.map((fact) => fact.id).sort();
      assert.equal(table.size, model.size);
      for (const key of ['p', 'q', 'r']) {
        assert.deepEqual(
          sorted(table.sessionsOf(key)),
          ids('session', (body: Session) => body.user === key),
        );
        assert.deepEqual(
          sorted(table.grantsOf(key)),
          ids('grant', (body: Grant) => body.user === key),
        );
        assert.deepEqual(
          sorted(table.cookiesOf(key)),
          ids('app-cookie', (body: AppCookie) => body.session === key),
        );
        const cookies = ids(
          'app-cookie',
          (body: AppCookie) => body.hash === key || (body.previousHash === key && body.previousUntil > 5),
        );
        const found = table.appCookieByHash(key);
        assert.ok(found === undefined ? cookies.length === 0 : cookies.includes(found.id));
        const tokens = ids('token', (body: Token) => body.hash === key);
        const foundToken = table.tokenByHash(key);
        assert.ok(foundToken === undefined ? tokens.length === 0 : tokens.includes(foundToken.id));
      }
    }),
  );
});

test('changesSince() names all that may differ, or says that it does not know', () => {
  const group = { displayName: '', description: '', memberOf: [], origin: 'api' as const };
  const row = (id: string, revision: number) => ({ kind: 'group' as const, id, revision, body: group });
  const table = new FactTable({ clock: () => 0 });
  const since = (revision: number) => table.changesSince(revision)?.map(({ id }) => id);
  table.replace({ epoch: 1, revision: 3, rows: [row('a', 3)] });
  table.apply([row('b', 4)], 4);
  table.apply([row('c', 6), row('a', 6)], 6);
  assert.deepEqual([since(6), since(5), since(4), since(3)], [[], ['c', 'a'], ['c', 'a'], ['b', 'c', 'a']]);
  assert.deepEqual([since(2), since(7)], [undefined, undefined]);
  table.replace({ epoch: 1, revision: 8, rows: [row('a', 6), row('c', 7)] });
  assert.deepEqual(since(6)?.sort(), ['b', 'c']);
  // An older copy, and then other changes under revisions that somebody has seen.
  table.replace({ epoch: 1, revision: 5, rows: [row('a', 5)] });
  table.apply([row('z', 8)], 8);
  assert.deepEqual([since(8), since(5)], [undefined, undefined]);
  table.apply([row('y', 10)], 10);
  assert.deepEqual([since(8), since(9)], [undefined, ['y']]);
});

test('changesSince() remembers a bounded number of changes, and a revision whole or not at all', () => {
  const group = { displayName: '', description: '', memberOf: [], origin: 'api' as const };
  const table = new FactTable({ clock: () => 0 });
  const [each, last] = [7, Math.ceil((2 * rememberedChangesMax) / 7)];
  for (let revision = 1; revision <= last; revision += 1) {
    const rows = Array.from({ length: each }, (_, at) => ({
      kind: 'group' as const,
      id: `g${at}`,
      revision,
      body: group,
    }));
    table.apply(rows, revision);
  }
  assert.equal(table.changesSince(1), undefined);
  let known = last;
  while (table.changesSince(known - 1) !== undefined) known -= 1;
  assert.equal(table.changesSince(known)?.length, (last - known) * each);
  assert.ok((last - known) * each <= rememberedChangesMax && known < last);
});
