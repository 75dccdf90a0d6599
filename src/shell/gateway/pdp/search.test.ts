import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatUid } from '#foundation/model';
import { appDefaults } from '../test-gate.ts';
import { policiesWithTodo, startTestPdp, tokenRow, userRow } from './test-pdp.ts';

const subjects = '/access/v1/search/subject';
const resources = '/access/v1/search/resource';
const actions = '/access/v1/search/action';
const app = (id: string, changes = {}) =>
  ({ kind: 'resource', id, body: { ...appDefaults, upstream: 'http://127.0.0.1:9', ...changes } }) as const;
const group = (id: string) =>
  ({
    kind: 'group',
    id,
    body: { displayName: '', description: '', memberOf: [] as string[], origin: 'builtin' },
  }) as const;
const staff = Array.from({ length: 7 }, (_, index) =>
  userRow(`u${index}`, { name: `n${index}`, groups: ['administrators'] }),
);
const rows = [group('administrators'), ...staff, userRow('u-guest', { name: 'guest' }), app('mail')];
const readsWiki = { subject: { type: 'user' }, action: { name: 'read' }, resource: { type: 'app', id: 'wiki' } };
const ids = (results: readonly { id?: string; name?: string }[]) => results.map(({ id, name }) => id ?? name);

test('a subject search finds exactly those for whom the evaluation says yes, over pages', async (t) => {
  const { pdp, events } = await startTestPdp(t, { rows });
  const whole = await pdp(subjects, readsWiki);
  assert.equal(whole.status, 200);
  assert.deepEqual(ids(whole.json.results), ['u0', 'u1', 'u2', 'u3', 'u4', 'u5', 'u6']);
  assert.deepEqual(whole.json.page, { next_token: '', count: 7 });
  for (const { type, id } of whole.json.results) {
    const { json } = await pdp('/access/v1/evaluation', { ...readsWiki, subject: { type, id } });
    assert.equal(json.decision, true);
  }
  const seen: string[] = [];
  let token: string | undefined;
  do {
    const { json } = await pdp(subjects, {
      ...readsWiki,
      page: { limit: 3, ...(token === undefined ? {} : { token }) },
    });
    assert.ok(json.results.length <= 3);
    seen.push(...json.results.map(({ id }: { id: string }) => id));
    token = json.page.next_token;
  } while (token !== '');
  assert.deepEqual(seen, ['u0', 'u1', 'u2', 'u3', 'u4', 'u5', 'u6']);
  assert.equal(events.filter(({ payload }) => String(payload).includes('search/subject')).length, 4);
});

test('a page token is worth nothing to another caller, for another search, or changed', async (t) => {
  const { pdp } = await startTestPdp(t, { rows: [...rows, tokenRow('t-2', 'nls_second', ['pdp'])] });
  const first = await pdp(subjects, { ...readsWiki, page: { limit: 2 } });
  const token: string = first.json.page.next_token;
  const other: string = (await pdp(subjects, { ...readsWiki, page: { limit: 2 } })).json.page.next_token;
  // Two of them, since sealed bytes may spell two letters by chance.
  const says = [token, other].map((text) => Buffer.from(text, 'base64url').includes('u1'));
  assert.ok(says.includes(false), 'it does not say where it goes on');
  const changed = Buffer.from(token, 'base64url');
  changed[20] = (changed[20] ?? 0) ^ 1;
  const page = { token };
  assert.deepEqual(ids((await pdp(subjects, { ...readsWiki, page })).json.results)[0], 'u2');
  assert.equal((await pdp(subjects, { ...readsWiki, page }, { token: 'nls_second' })).status, 400);
  assert.equal((await pdp(subjects, { ...readsWiki, action: { name: 'write' }, page })).status, 400);
  assert.equal((await pdp(subjects, { ...readsWiki, page: { token: changed.toString('base64url') } })).status, 400);
  assert.equal((await pdp(subjects, { ...readsWiki, page: { token: 'made up' } })).status, 400);
});

test('a search goes on after a restart and at another gateway, for the same caller; without control, at the same process alone', async (t) => {
  const key = Buffer.alloc(32, 7).toString('base64url');
  let isThere = false;
  const call = async (name: string) => {
    if (!isThere) throw new Error('control is away');
    assert.equal(name, 'pdp/page-key');
    return { key } as never;
  };
  const start = () => startTestPdp(t, { rows: [...rows, tokenRow('t-2', 'nls_second', ['pdp'])], call });
  const [one, other] = [await start(), await start()];
  const begin = async () => (await one.pdp(subjects, { ...readsWiki, page: { limit: 2 } })).json.page.next_token;
  const page = { token: await begin() };
  assert.equal((await one.pdp(subjects, { ...readsWiki, page })).status, 200);
  assert.equal((await other.pdp(subjects, { ...readsWiki, page })).status, 400);
  isThere = true;
  const shared = { token: await begin() };
  assert.deepEqual(ids((await other.pdp(subjects, { ...readsWiki, page: shared })).json.results)[0], 'u2');
  assert.equal((await other.pdp(subjects, { ...readsWiki, page: shared }, { token: 'nls_second' })).status, 400);
  assert.equal((await other.pdp(subjects, { ...readsWiki, action: { name: 'write' }, page: shared })).status, 400);
});

test('a caller finds nobody and nothing where its scope does not let it search', async (t) => {
  const scopes = {
    nls_ask: ['pdp:app:wiki', 'pdp:namespace:Todo'],
    nls_mail: ['pdp:app:mail:search'],
    nls_todo: ['pdp:namespace:Todo:search'],
  };
  const tokens = Object.entries(scopes).map(([value, each]) => tokenRow(value, value, each));
  const { pdp } = await startTestPdp(t, { rows: [...rows, ...tokens] });
  const found = async (token: string, path: string, body: unknown) => {
    const { status, json } = await pdp(path, body, { token });
    assert.equal(status, 200);
    return ids(json.results);
  };
  const ada = { type: 'user', id: 'u0' };
  const seeksApps = { subject: ada, action: { name: 'read' }, resource: { type: 'app' } };
  const seeksActions = { subject: ada, resource: { type: 'app', id: 'wiki' } };
  const seeksTodoUsers = {
    subject: { type: 'user' },
    action: { name: 'can_read_todos' },
    resource: { type: 'todo', id: 't' },
  };
  assert.deepEqual(await found('nls_ask', subjects, readsWiki), []);
  assert.deepEqual(await found('nls_ask', resources, seeksApps), []);
  assert.deepEqual(await found('nls_ask', actions, seeksActions), []);
  assert.deepEqual(await found('nls_ask', subjects, seeksTodoUsers), []);
  assert.deepEqual(await found('nls_mail', subjects, readsWiki), []);
  assert.deepEqual(await found('nls_mail', resources, seeksApps), ['mail']);
  assert.deepEqual(await found('nls_mail', actions, seeksActions), []);
  assert.equal((await found('nls_todo', subjects, seeksTodoUsers)).length, 5);
  assert.deepEqual(await found('nls_todo', subjects, readsWiki), []);
  assert.deepEqual(await found('nls_everything', actions, seeksActions), ['connect', 'delete', 'read', 'write']);
  assert.deepEqual(await found('nls_everything', resources, seeksApps), ['mail', 'wiki']);
});

test('searches in a namespace find stored entities, and unknown names find nothing', async (t) => {
  const todo = (id: string, ownerID: string) => {
    const uid = { type: 'Todo::todo', id };
    return {
      kind: 'entity',
      id: formatUid(uid),
      body: { uid, attrs: { ownerID }, parents: [] as (typeof uid)[] },
    } as const;
  };
  const morty = { type: 'user', id: 'CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs' };
  const { pdp } = await startTestPdp(t, {
    rows: [todo('1', 'morty@the-citadel.com'), todo('2', 'rick@the-citadel.com')],
  });
  const updates = { subject: morty, action: { name: 'can_update_todo' }, resource: { type: 'todo' } };
  assert.deepEqual(ids((await pdp(resources, updates)).json.results), ['1']);
  const onFirst = { subject: morty, resource: { type: 'todo', id: '1' } };
  assert.deepEqual(ids((await pdp(actions, onFirst)).json.results), [
    'can_create_todo',
    'can_delete_todo',
    'can_read_todos',
    'can_update_todo',
  ]);
  assert.deepEqual((await pdp(resources, { ...updates, resource: { type: 'spaceship' } })).json.results, []);
  assert.deepEqual((await pdp(subjects, { ...readsWiki, subject: { type: 'spaceship' } })).json.results, []);
  assert.deepEqual((await pdp(actions, { ...onFirst, subject: { type: 'user', id: 'nobody' } })).json.results, []);
});

test('searches refuse what lacks a part or a right page', async (t) => {
  const { pdp } = await startTestPdp(t);
  const ada = { type: 'user', id: 'u0' };
  const bad: [string, unknown][] = [
    [subjects, { subject: { type: 'user' }, resource: { type: 'app', id: 'wiki' } }],
    [subjects, { ...readsWiki, resource: { type: 'app' } }],
    [resources, { action: { name: 'read' }, resource: { type: 'app' } }],
    [resources, { subject: { type: 'user' }, action: { name: 'read' }, resource: { type: 'app' } }],
    [actions, { subject: ada }],
    [subjects, { ...readsWiki, page: { limit: 0 } }],
    [subjects, { ...readsWiki, page: { limit: 1.5 } }],
    [subjects, { ...readsWiki, page: [] }],
    [subjects, { ...readsWiki, page: { token: 4 } }],
  ];
  for (const [path, body] of bad) assert.equal((await pdp(path, body)).status, 400, JSON.stringify(body));
});

test('a search looks at a bounded number of candidates and says where it goes on', async (t) => {
  const many = Array.from({ length: 6_000 }, (_, index) => userRow(`x${String(index).padStart(5, '0')}`));
  const policies = policiesWithTodo(
    '@id("last") permit (principal == User::"x05999", action == Action::"read", resource == App::"wiki");',
  );
  const { pdp } = await startTestPdp(t, { rows: [group('everyone'), ...many], policies });
  const first = await pdp(subjects, readsWiki);
  assert.deepEqual(first.json.results, []);
  const second = await pdp(subjects, { ...readsWiki, page: { token: first.json.page.next_token } });
  assert.deepEqual(ids(second.json.results), ['x05999']);
  assert.equal(second.json.page.next_token, '');
});
