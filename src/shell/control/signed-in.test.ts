// People behind the gateway: sessions by assertion, their own site only, and the last administrator.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { User } from '#foundation/model';
import { connectSigner, type SignerClient } from '#shell/signer-client';
import { openStore, writesMax } from '#shell/store';
import { adminTokenFile } from '#shell/wire';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { type CallOptions, startTestControl, type TestControl, until } from '../../../tests/fakes/test-control.ts';

let control: TestControl;
let signer: SignerClient;

const user = (name: string, groups: string[]): User => ({
  name,
  displayName: name,
  email: null,
  status: 'active',
  groups,
  source: 'local',
  createdAt: Date.now(),
});
const session = (owner: string) =>
  fakeFact('session', { user: owner, authTime: Date.now(), createdAt: Date.now(), expiresAt: Date.now() + 3_600_000 });

before(async () => {
  control = await startTestControl();
  signer = connectSigner({ socketPath: control.handoff.sockets.signer, token: control.handoff.signerToken });
  // As sign-in would have written them; control sees the commit of another process by its poll.
  const store = await openStore({
    path: join(control.handoff.dataDirectory, 'store', 'nullius.sqlite'),
    clock: Date.now,
    writer: 'test',
  });
  await store.commit([
    { kind: 'user', id: 'ada', body: user('ada', ['administrators']) },
    { kind: 'user', id: 'bob', body: user('bob', []) },
    { kind: 'user', id: 'eve', body: user('eve', ['administrators']) },
    { kind: 'session', id: 'ada-1', body: session('ada') },
    { kind: 'session', id: 'ada-2', body: session('ada') },
    { kind: 'session', id: 'bob-1', body: session('bob') },
  ]);
  const passkey = {
    publicKey: '',
    counter: 0,
    transports: [],
    backupEligible: false,
    backedUp: false,
    aaguid: '',
    name: 'k',
    createdAt: 0,
    lastUsedAt: null,
  };
  await store.rows
    .insertInto('identity_record')
    .values({ kind: 'passkey', id: 'key-of-ada', owner: 'ada', body: JSON.stringify(passkey), expires_at: null })
    .execute();
  await store.close();
  await until(async () => (await control.call('GET', '/api/v1/users')).body.items.length === 3);
});
after(async () => {
  signer.close();
  await control.stop();
});

async function assertionOf(claims: object): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const whole = {
    iss: 'http://id.localhost:8080',
    aud: 'http://console.localhost:8080',
    iat,
    exp: iat + 60,
    ...claims,
  };
  const { signed } = await signer.call('sign-assertions', { claims: [whole] });
  return signed[0] !== undefined && 'jwt' in signed[0] ? signed[0].jwt : '';
}

/** Calls in the name of a session, each with an assertion of its own: none lives longer than a minute. */
const as =
  (sid: string, sub: string, change: object = {}) =>
  async (method: string, path: string, options: CallOptions = {}) =>
    control.call(method, `/api/v1${path}`, {
      socket: 'web',
      ...options,
      headers: {
        'nullius-assertion': await assertionOf({ sub, sid, ...change }),
        ...(method === 'GET' ? {} : { 'sec-fetch-site': 'same-origin' }),
        ...options.headers,
      },
    });

test('a signed-in administrator administers, an ordinary person sees themselves only', async () => {
  const ada = as('ada-1', 'ada');
  assert.equal((await ada('GET', '/users')).body.items.length, 3);
  const bob = as('bob-1', 'bob');
  const me = (await bob('GET', '/me')).body;
  assert.equal(me.user.name, 'bob');
  assert.deepEqual(me.rights, { read: ['me'], write: ['me'] });
  const refused = await bob('GET', '/users');
  assert.equal(refused.status, 403);
  assert.ok(refused.body.words.length > 0);
});

test('an assertion is believed only for its own session, person and audience', async () => {
  assert.equal((await as('ada-1', 'bob')('GET', '/me')).status, 401);
  assert.equal((await as('ada-1', 'ada', { aud: 'http://demo.localhost:8080' })('GET', '/me')).status, 401);
  assert.equal((await as('none', 'ada')('GET', '/me')).status, 401);
  const ada = as('ada-1', 'ada');
  assert.equal((await ada('GET', '/me', { headers: { authorization: 'Bearer nls_x' } })).status, 401);
});

test('what another site makes a browser send is refused', async () => {
  const ada = as('ada-1', 'ada');
  const body = { name: 'forged' };
  const cases: [Record<string, string>, number][] = [
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'none' }, 403],
    [{ 'sec-fetch-site': 'same-origin', origin: 'http://demo.localhost:8080' }, 403],
    [{ 'sec-fetch-site': 'same-origin', origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-origin', origin: 'http://console.localhost:8080' }, 201],
  ];
  for (const [headers, status] of cases) {
    assert.equal((await ada('POST', '/groups', { body, headers })).status, status, JSON.stringify(headers));
  }
  assert.equal((await ada('GET', '/me', { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403);
});

test('a person revokes their own sessions and nobody else’s, and a revoked one is over at once', async () => {
  const bob = as('bob-1', 'bob');
  assert.equal((await bob('POST', '/me/sessions/ada-2/revoke', { body: {} })).status, 404);
  const ada = as('ada-1', 'ada');
  assert.equal((await ada('POST', '/me/sessions/ada-2/revoke', { body: {} })).body.status, 'revoked');
  assert.equal((await as('ada-2', 'ada')('GET', '/me')).status, 401);
});

test('access is asked for, decided by somebody else, and ends when revoked', async () => {
  const ada = as('ada-1', 'ada');
  const bob = as('bob-1', 'bob');
  await ada('POST', '/resources', { body: { name: 'wiki', upstream: 'https://wiki.example.com' } });
  const before = (await bob('GET', '/me/apps')).body.items.find((app: { id: string }) => app.id === 'wiki');
  assert.equal(before.answer, 'deny');
  assert.ok(before.remedies.some((remedy: { kind: string }) => remedy.kind === 'request-grant'));
  const asked = await bob('POST', '/me/grants', { body: { resource: 'wiki', reason: 'on call' } });
  assert.equal(asked.body.state, 'requested');
  assert.equal((await bob('POST', '/me/grants', { body: { resource: 'wiki', reason: 'again' } })).status, 409);
  assert.equal((await bob('POST', `/grants/${asked.body.id}/approve`, { body: {} })).status, 403);
  assert.equal((await ada('POST', `/grants/${asked.body.id}/approve`, { body: {} })).body.state, 'active');
  const opened = (await bob('GET', '/me/apps')).body.items.find((app: { id: string }) => app.id === 'wiki');
  assert.equal(opened.answer, 'allow');
  assert.equal((await ada('POST', `/grants/${asked.body.id}/revoke`, { body: {} })).body.state, 'revoked');
  assert.equal((await ada('POST', `/grants/${asked.body.id}/approve`, { body: {} })).status, 409);
  const own = await ada('POST', '/me/grants', { body: { resource: 'wiki', reason: 'mine' } });
  assert.equal((await ada('POST', `/grants/${own.body.id}/approve`, { body: {} })).body.code, 'own-request');
});

test('nobody gives access to themselves, nor acts as somebody else by a token', async () => {
  const ada = as('ada-1', 'ada');
  const grant = { resource: 'wiki', reason: '', durationMs: 3_600_000 };
  assert.equal((await ada('POST', '/grants', { body: { ...grant, user: 'ada' } })).body.code, 'own-request');
  assert.equal((await ada('POST', '/grants', { body: { ...grant, user: 'eve' } })).status, 201);
  const token = { label: 'x', scopes: ['admin'], lifetimeMs: 3_600_000 };
  assert.equal((await ada('POST', '/tokens', { body: { ...token, owner: 'eve' } })).body.code, 'other-owner');
  assert.equal((await ada('POST', '/tokens', { body: { ...token, owner: 'no-such' } })).body.code, 'other-owner');
  assert.equal((await ada('POST', '/tokens', { body: { ...token, owner: 'ada' } })).status, 201);
});

test('a right to one noun does not grow into all by making administrators', async () => {
  const ada = as('ada-1', 'ada');
  assert.equal((await ada('POST', '/groups', { body: { name: 'crew', memberOf: ['administrators'] } })).status, 201);
  assert.equal((await ada('POST', '/groups', { body: { name: 'staff' } })).status, 201);
  const scopes = ['user:write', 'group:write', 'invitation:write'];
  const made = await ada('POST', '/tokens', { body: { label: 'desk', scopes, lifetimeMs: 3_600_000 } });
  const desk = (method: string, path: string, body?: unknown) =>
    control.call(method, `/api/v1${path}`, {
      socket: 'web',
      headers: { authorization: `Bearer ${made.body.token}` },
      ...(body === undefined ? {} : { body }),
    });
  const raises: [string, string, unknown][] = [
    ['POST', '/invitations', { name: 'mallory', admin: true }],
    ['POST', '/invitations', { name: 'mallory', groups: ['administrators'] }],
    ['POST', '/invitations', { name: 'mallory', groups: ['crew'] }],
    ['PATCH', '/users/bob', { groups: ['administrators'] }],
    ['PATCH', '/users/bob', { groups: ['staff', 'crew'] }],
    ['PUT', '/groups/administrators/members/bob', undefined],
    ['PUT', '/groups/crew/members/bob', undefined],
    ['POST', '/groups', { name: 'mob', memberOf: ['crew'] }],
    ['PATCH', '/groups/staff', { memberOf: ['administrators'] }],
  ];
  for (const [method, path, body] of raises) {
    const answer = await desk(method, path, body);
    assert.equal(answer.body?.code, 'raise', `${method} ${path} ${answer.text}`);
  }
  assert.equal((await desk('PATCH', '/users/bob', { groups: ['staff'] })).status, 200);
  assert.equal((await desk('PATCH', '/users/eve', { displayName: 'Eve', groups: ['administrators'] })).status, 200);
  assert.equal((await desk('POST', '/invitations', { name: 'carol', groups: ['staff'] })).status, 201);
});

test('a removed app leaves no grant behind for another of its name', async () => {
  const ada = as('ada-1', 'ada');
  const app = { name: 'short-lived', upstream: 'https://short.example.com' };
  await ada('POST', '/resources', { body: app });
  const grant = { user: 'bob', resource: 'short-lived', durationMs: 3_600_000 };
  assert.equal((await ada('POST', '/grants', { body: grant })).status, 201);
  assert.equal((await ada('DELETE', '/resources/short-lived')).status, 204);
  await ada('POST', '/resources', { body: app });
  assert.equal((await ada('GET', '/grants?resource=short-lived')).body.items.length, 0);
});

test('an app that more than one commit of sessions uses is removed with all of them, part by part', async () => {
  const admin = (method: string, path: string, body?: unknown) =>
    control.call(method, `/api/v1${path}`, body === undefined ? {} : { body });
  await admin('POST', '/resources', { name: 'popular', upstream: 'https://popular.example.com' });
  const path = join(control.handoff.dataDirectory, 'store', 'nullius.sqlite');
  const store = await openStore({ path, clock: Date.now, writer: 'test' });
  const cookie = { session: 'ada-2', resource: 'popular', previousHash: null, previousUntil: 0, rotatedAt: 0 };
  const cookies = Array.from({ length: writesMax + 1 }, (_, at) => ({
    kind: 'app-cookie' as const,
    id: `popular-${at}`,
    body: { ...cookie, hash: `h${at}` },
  }));
  const seen = { displayName: 'seen', within: null, sensitivity: 'low', origin: 'api' } as const;
  await store.commit(cookies.slice(1));
  await store.commit([...cookies.slice(0, 1), { kind: 'segment', id: 'seen', body: seen }]);
  // Control sees the commits of another process by its poll.
  await until(async () => (await admin('GET', '/segments/seen')).status === 200);
  const removed = await admin('DELETE', '/resources/popular');
  assert.equal(removed.status, 204, removed.text);
  const left = store.rows.selectFrom('fact').select('id').where('kind', '=', 'app-cookie');
  assert.deepEqual(await left.where('id', 'like', 'popular-%').execute(), []);
  await store.close();
  assert.equal((await admin('GET', '/resources/popular')).status, 404);
  const { body } = await admin('GET', '/events?q=removed%20resource%20popular');
  const parts = body.items.map(({ payload }: { payload: { comment: string } }) => payload.comment);
  assert.deepEqual(parts, ['part 2 of 2', 'part 1 of 2'], JSON.stringify(body.items[0]));
});

test('nothing strands the last administrator who can sign in', async () => {
  // Eve is an administrator as well, but holds no passkey.
  const ada = as('ada-1', 'ada');
  const policies = [{ file: 'none.cedar', text: '@id("nobody")\nforbid (principal, action, resource);' }];
  const attempts: [string, string, unknown][] = [
    ['POST', '/policies/publish', { policies, tests: [], invariants: [], override: 'x', message: 'x' }],
    // These would not pass the gates either: what is cheap to tell is told before anything is proved.
    ['POST', '/policies/publish', { policies, message: 'x' }],
    [
      'POST',
      '/policies/states',
      { changes: ['administrators-administer', 'suspended-users'].map((id) => ({ id, state: 'shadow' })) },
    ],
    ['POST', '/policies/states', { changes: [{ id: 'administrators-administer', state: 'shadow' }] }],
    [
      'POST',
      '/policies/states',
      { changes: [{ id: 'administrators-administer', state: 'staged', stage: { percent: 0 } }] },
    ],
    ['PATCH', '/users/ada', { status: 'suspended' }],
    ['PATCH', '/users/ada', { groups: [] }],
    ['DELETE', '/groups/administrators/members/ada', undefined],
    ['DELETE', '/users/ada', undefined],
  ];
  for (const [method, path, body] of attempts) {
    const answer = await ada(method, path, body === undefined ? {} : { body });
    assert.equal(answer.body?.code, 'last-administrator', `${method} ${path} ${answer.text}`);
  }
  assert.equal((await ada('PATCH', '/users/eve', { body: { status: 'suspended' } })).status, 200);
  // The same by nesting: Ada is an administrator only through a group inside another.
  assert.equal((await ada('POST', '/groups', { body: { name: 'inner', memberOf: ['crew'] } })).status, 201);
  assert.equal((await ada('PATCH', '/users/ada', { body: { groups: ['inner'] } })).status, 200);
  const nested: [string, string, unknown][] = [
    ['PATCH', '/groups/inner', { memberOf: [] }],
    ['PATCH', '/groups/crew', { memberOf: [] }],
    ['DELETE', '/groups/inner', undefined],
    ['DELETE', '/groups/crew', undefined],
  ];
  for (const [method, path, body] of nested) {
    const answer = await ada(method, path, body === undefined ? {} : { body });
    assert.equal(answer.body?.code, 'last-administrator', `${method} ${path} ${answer.text}`);
  }
});

test('reach tells for every person what the gateway would answer, page by page, with the deciding policies', async () => {
  const ada = as('ada-1', 'ada');
  await ada('POST', '/resources', { body: { name: 'reached', upstream: 'http://192.0.2.9' } });
  const whole = (await ada('GET', '/resources/reached/reach')).body;
  assert.deepEqual(
    whole.items.map(({ name, basis }: { name: string; basis: string }) => [name, basis]),
    [
      ['ada', 'session'],
      ['bob', 'session'],
      ['eve', 'sign-in'],
    ],
  );
  assert.equal(whole.next, null);
  assert.ok(whole.strangers.every(({ answer }: { answer: string }) => answer === 'deny'));
  for (const { user: id, actions } of whole.items) {
    for (const { action, answer, reasons } of actions) {
      const why = (await ada('POST', '/policies/explain', { body: { user: id, resource: 'reached', action } })).body;
      assert.deepEqual([answer, reasons], [why.answer, why.reasons], `${id} ${action}`);
      for (const reason of reasons) assert.ok(whole.policies.some((policy: { id: string }) => policy.id === reason));
    }
  }
  const pages: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? '?limit=1' : `?limit=1&cursor=${cursor}`;
    const { body } = await ada('GET', `/resources/reached/reach${query}`);
    pages.push(...body.items.map((each: { name: string }) => each.name));
    cursor = body.next;
  }
  assert.deepEqual(pages, ['ada', 'bob', 'eve']);
  const refused = (await ada('GET', '/resources/reached/reach?action=read&answer=deny')).body;
  assert.ok(refused.items.every(({ actions }: { actions: { answer: string }[] }) => actions[0]?.answer === 'deny'));
  const live = (await ada('GET', '/resources/reached/live')).body;
  assert.deepEqual(live, { sessions: 0, people: 0, open: 0, gateways: [] });
  await ada('DELETE', '/resources/reached');
  assert.equal((await ada('GET', '/resources/reached/reach')).status, 404);
});

test('reach is no way to people and policies for who may read apps only', async () => {
  const ada = as('ada-1', 'ada');
  await ada('POST', '/resources', { body: { name: 'reached', upstream: 'http://192.0.2.9' } });
  const made = await control.call('POST', '/api/v1/tokens', {
    body: { label: 't', scopes: ['resource:read'], lifetimeMs: 60_000 },
  });
  const headers = { authorization: `Bearer ${made.body.token}` };
  const call = (path: string) => control.call('GET', `/api/v1/resources/reached${path}`, { socket: 'web', headers });
  assert.equal((await call('')).status, 200);
  const { status, text } = await call('/reach');
  assert.equal(status, 403);
  assert.doesNotMatch(text, /\bbob\b|items/);
  await ada('DELETE', '/resources/reached');
});

test('people are shown with how many passkeys they have', async () => {
  const ada = as('ada-1', 'ada');
  const { items } = (await ada('GET', '/users')).body;
  assert.deepEqual(
    items.map(({ name, passkeys }: { name: string; passkeys: number }) => [name, passkeys]),
    [
      ['ada', 1],
      ['bob', 0],
      ['eve', 0],
    ],
  );
  assert.equal((await ada('GET', '/users/ada')).body.passkeys, 1);
  const members = (await ada('GET', '/groups/administrators/members')).body.items;
  assert.ok(members.length > 0);
  for (const { name, passkeys } of members) assert.equal(passkeys, name === 'ada' ? 1 : 0);
});

test('live events arrive as they are written', async () => {
  const ada = as('ada-1', 'ada');
  const authorization = `Bearer ${readFileSync(adminTokenFile(control.handoff.dataDirectory), 'utf8')}`;
  const asking = request({
    socketPath: control.handoff.sockets.admin,
    path: '/api/v1/events/stream',
    headers: { host: 'control', authorization },
  });
  asking.end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  let seen = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    // Whatever is said first is said once the journals are followed.
    if (seen === '') await ada('POST', '/segments', { body: { name: 'streamed', sensitivity: 'low' } });
    seen += String(chunk);
    if (seen.includes('made segment streamed')) break;
  }
  assert.match(seen, /event: journal\ndata: \{.*made segment streamed/);
});

test('removing a person removes their sessions, grants and credentials', async () => {
  const ada = as('ada-1', 'ada');
  assert.equal((await ada('DELETE', '/users/bob')).status, 204);
  assert.equal((await ada('GET', '/sessions?user=bob')).body.items.length, 0);
  assert.equal((await ada('GET', '/grants?user=bob')).body.items.length, 0);
  assert.equal((await as('bob-1', 'bob')('GET', '/me')).status, 401);
});
