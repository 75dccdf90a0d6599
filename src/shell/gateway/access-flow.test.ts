import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type AppCookie, cookieNotUsedYet, type Group, type Token, type User } from '#foundation/model';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { type CallControl, ControlError } from './control-client.ts';
import { startTestGate } from './test-gate.ts';

const ada: User = {
  name: 'ada',
  displayName: 'Ada',
  email: null,
  status: 'active',
  groups: ['administrators'],
  source: 'local',
  createdAt: 0,
};
const session = fakeFact('session', {
  user: 'ada',
  authTime: Date.now() - 1000,
  createdAt: Date.now() - 1000,
  expiresAt: Date.now() + 3_600_000,
});
const appCookie: AppCookie = {
  session: 's1',
  resource: 'wiki',
  hash: hash('sha256', 'current', 'base64url'),
  previousHash: hash('sha256', 'replaced', 'base64url'),
  previousUntil: Date.now() - 1,
  rotatedAt: Date.now() - 60_001,
};
const token: Token = {
  label: 'ci',
  owner: { type: 'User', id: 'ada' },
  hash: hash('sha256', 'nls_secret', 'base64url'),
  scopes: ['app:wiki:read'],
  createdAt: 0,
  expiresAt: Date.now() + 3_600_000,
  status: 'active',
};
const group: Group = { displayName: '', description: '', memberOf: [], origin: 'builtin' };
const rows = [
  { kind: 'group', id: 'administrators', body: group },
  { kind: 'group', id: 'everyone', body: group },
  { kind: 'user', id: 'ada', body: ada },
  { kind: 'session', id: 's1', body: session },
  { kind: 'app-cookie', id: 'c1', body: appCookie },
  { kind: 'token', id: 't1', body: token },
] as const;
const asAda = { cookie: '__Host-nullius_app=current' };

test('accessFlow() forwards nothing when the session ends while the event is being written', async (t: TestContext) => {
  let revoke = () => {};
  const gate = await startTestGate(t, { rows, onRecord: () => revoke() });
  assert.equal((await gate.ask('/', { headers: asAda })).status, 200);
  let done = false;
  revoke = () => {
    if (!done) gate.put([{ kind: 'session', id: 's1', body: { ...session, status: 'revoked' } }]);
    done = true;
  };
  assert.equal((await gate.ask('/late', { headers: asAda })).status, 403);
  assert.deepEqual(
    gate.received.map(({ url }) => url),
    ['/'],
  );
  assert.equal(gate.events.at(-1)?.statusId, 2, 'the refusal has an event of its own');
  assert.equal(gate.live.size, 0);
});

test('accessFlow() finds the route of a path anew when the app gets other routes, before it forwards and while it lasts', async (t) => {
  const routed = (label: string) => ({ routes: [{ path: '/feed', label, encodedSlash: false }] });
  let closeFeed = () => {};
  const options = { rows: [], name: 'demo', app: routed('public') };
  const gate = await startTestGate(t, { ...options, onRecord: () => closeFeed() });
  assert.equal((await gate.ask('/feed')).status, 200);
  const standing = gate.facts.get('resource', 'demo');
  assert.ok(standing);
  const others = { ...standing, ...routed('administrators') };
  closeFeed = () => gate.put([{ kind: 'resource', id: 'demo', body: others }]);
  assert.equal((await gate.ask('/feed')).status, 401, 'a stranger');
  const routes = gate.events.map(({ payload }) => /"route":"(\w+)"/.exec(`${payload}`)?.[1]);
  assert.deepEqual(
    routes.slice(-2),
    ['public', 'administrators'],
    'each event names the route that its answer is about',
  );
  assert.equal(gate.received.length, 1);
  const request = { method: 'GET', host: 'demo.localhost', path: '/feed', address: '::1', tls: false, noun: '' };
  const resource = { type: 'App', id: 'demo' };
  const verdict = { read: [resource], judgeAgainAt: null };
  const cut: string[] = [];
  for (const route of ['public', 'administrators']) {
    gate.put([{ kind: 'resource', id: 'demo', body: { ...standing, ...routed('public') } }]);
    gate.live.register({
      sessionId: null,
      userId: null,
      question: { asker: { kind: 'anonymous' }, action: 'read', resource, request: { ...request, route } },
      path: { segments: ['feed'], hasEncodedSlash: false },
      verdict,
      cut: ({ kind }) => cut.push(`${route} ${kind}`),
    });
  }
  await gate.live.onFactsChanged([{ kind: 'resource', id: 'demo', before: standing, after: standing }]);
  assert.deepEqual(cut, []);
  gate.put([{ kind: 'resource', id: 'demo', body: others }]);
  await gate.live.onFactsChanged([{ kind: 'resource', id: 'demo', before: standing, after: others }]);
  assert.deepEqual(cut, ['public judged-again', 'administrators judged-again']);
});

test('accessFlow() goes on when unrelated facts change while the event is being written', async (t: TestContext) => {
  const gate: Awaited<ReturnType<typeof startTestGate>> = await startTestGate(t, {
    rows,
    onRecord: () => gate.put([{ kind: 'group', id: 'others', body: group }]),
  });
  assert.equal((await gate.ask('/', { headers: asAda })).status, 200);
  assert.equal(gate.events.length, 1);
});

test('accessFlow() refuses a flood of cookies, and has them forgotten only when a person sees it said', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const cookie = `${asAda.cookie}; ${Array.from({ length: 5 }, (_, index) => `f${index}=${'x'.repeat(4000)}`).join('; ')}`;
  const page = await gate.ask('/', { headers: { cookie, 'sec-fetch-mode': 'navigate', accept: 'text/html' } });
  assert.equal(page.status, 431);
  assert.equal(page.headers['clear-site-data'], '"cookies"');
  assert.match(page.body, /Load this page again/);
  const call = await gate.ask('/', { headers: { cookie, 'sec-fetch-mode': 'cors' } });
  assert.equal(call.status, 431);
  assert.equal(call.headers['clear-site-data'], undefined);
  const long = `/${'a'.repeat(7000)}`;
  const other = await gate.ask(long, { headers: { ...asAda, referer: `http://x.example${long}` } });
  assert.equal(other.headers['clear-site-data'], undefined, 'nothing but cookies does that');
  assert.equal(gate.received.length, 1);
});

test('accessFlow() tells control of a cookie that was replaced and came back, and treats it as nobody’s', async (t) => {
  const refusing = () => Promise.reject(new ControlError('refused', { message: 'ended', status: 401 }));
  const gate = await startTestGate(t, { rows, call: refusing });
  const answer = await gate.ask('/', { headers: { cookie: '__Host-nullius_app=replaced' } });
  assert.equal(answer.status, 401);
  assert.deepEqual(gate.calls, [{ name: 'cookie/rotate', request: { cookieHash: appCookie.previousHash } }]);
  await gate.ask('/', { headers: { cookie: '__Host-nullius_app=never-seen' } });
  assert.equal(gate.calls.length, 1, 'a value nobody ever had says nothing');
});

test('accessFlow() takes the old cookie while nobody has shown the new one, and gives the new one again', async (t) => {
  const unused = { ...appCookie, previousUntil: cookieNotUsedYet };
  const call = (async () => ({ cookie: 'the-new-one' })) as unknown as CallControl;
  const gate = await startTestGate(t, { rows: [...rows, { kind: 'app-cookie', id: 'c1', body: unused }], call });
  const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };
  const lost = await gate.ask('/', { headers: { cookie: '__Host-nullius_app=replaced', ...navigation } });
  assert.equal(lost.status, 200, 'the innocent whose answer was lost goes on');
  assert.deepEqual(gate.calls, [{ name: 'cookie/rotate', request: { cookieHash: appCookie.previousHash } }]);
  assert.match(String(lost.headers['set-cookie']), /^__Host-nullius_app=the-new-one;/);
  const used = await gate.ask('/', { headers: asAda });
  assert.equal(used.status, 200);
  assert.deepEqual(gate.calls.slice(1), [{ name: 'cookie/confirm', request: { cookieHash: appCookie.hash } }]);
  gate.put([{ kind: 'app-cookie', id: 'c1', body: { ...unused, previousUntil: Date.now() + 60_000 } }]);
  await gate.ask('/', { headers: asAda });
  await gate.ask('/', { headers: { cookie: '__Host-nullius_app=replaced', ...navigation } });
  assert.equal(gate.calls.length, 2, 'told once, and given again only while unused');
});

const preflight = { origin: 'https://elsewhere.example', 'access-control-request-method': 'PUT' };

test('accessFlow() lets preflights of strangers through only where the resource says so', async (t: TestContext) => {
  const closed = await startTestGate(t, { rows });
  assert.equal((await closed.ask('/api', { method: 'OPTIONS', headers: preflight })).status, 401);
  assert.equal(closed.received.length, 0);
  const open = await startTestGate(t, { rows, app: { corsPreflight: true } });
  assert.equal((await open.ask('/api', { method: 'OPTIONS', headers: preflight })).status, 200);
  const [seen] = open.received;
  assert.equal(seen?.method, 'OPTIONS');
  assert.equal(seen?.headers['nullius-assertion'], undefined);
});

test('accessFlow() takes nothing for a preflight that is none', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows, app: { corsPreflight: true } });
  const tries = [
    { method: 'OPTIONS', headers: {} },
    { method: 'OPTIONS', headers: { origin: preflight.origin } },
    { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } },
    { method: 'OPTIONS', headers: { ...preflight, cookie: 'app=1' } },
    { method: 'OPTIONS', headers: { ...preflight, authorization: 'Basic eDp5' } },
    { method: 'OPTIONS', headers: { ...preflight, 'content-length': '0', 'transfer-encoding': 'chunked' } },
    { method: 'GET', headers: preflight },
    { method: 'HEAD', headers: preflight },
    { method: 'PUT', headers: preflight },
  ];
  for (const each of tries) {
    const answer = await gate.ask('/api', each).catch(() => ({ status: 400 }));
    assert.ok(answer.status >= 400, JSON.stringify(each));
  }
  assert.equal(gate.received.length, 0);
});

test('accessFlow() sends no token of ours to an app, whichever field it came in', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const bearer = { authorization: 'Bearer nls_secret' };
  const basic = { authorization: `Basic ${Buffer.from('git:nls_secret').toString('base64')}` };
  for (const headers of [
    bearer,
    basic,
    { ...bearer, 'nullius-token': 'nls_secret' },
    { ...bearer, 'nullius-token': 'junk', ...asAda },
  ]) {
    assert.equal((await gate.ask('/', { headers })).status, 200, JSON.stringify(headers));
  }
  gate.put([{ kind: 'token', id: 't1', body: { ...token, status: 'revoked' } }]);
  assert.equal((await gate.ask('/', { headers: { ...bearer, ...asAda } })).status, 200);
  assert.equal(gate.received.length, 5);
  assert.ok(!JSON.stringify(gate.received).includes('secret'), JSON.stringify(gate.received));
  assert.equal((await gate.ask('/', { headers: { authorization: 'Bearer the-app-s-own', ...asAda } })).status, 200);
  assert.equal(gate.received.at(-1)?.headers.authorization, 'Bearer the-app-s-own');
});

test('accessFlow() lets a token that may read do nothing else', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const headers = { authorization: 'Bearer nls_secret' };
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    assert.equal((await gate.ask('/', { method, headers })).status, 403, method);
  }
  assert.equal(gate.received.length, 0);
  assert.equal((await gate.ask('/', { method: 'HEAD', headers })).status, 200);
});

test('accessFlow() keeps every spelling of its own folder from the app', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  for (const path of [
    '/.nullius',
    '/.nullius/',
    '/.NULLIUS/sign-in',
    '/%2enullius/x',
    '/%2Enullius/callback',
    '/.nulliu%73/x',
    '/.nullius/sw.js',
    '/.nullius//x',
    '/x/../.nullius/x',
    '/.nullius;a=1/x',
    '/.nullius%2fx',
  ]) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE']) {
      const answer = await gate.ask(path, { method, headers: asAda });
      assert.ok(answer.status >= 400, `${method} ${path} ${answer.status}`);
    }
  }
  assert.equal(gate.received.length, 0);
});

test('accessFlow() believes no identity header that a client sends', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const forged = {
    'nullius-assertion': 'x.y.z',
    Nullius_Assertion: 'x.y.z',
    'nullius.decision': 'x',
    'nullius-decision': 'x',
    'x-forwarded-for': '6.6.6.6',
    x_forwarded_host: 'evil',
    'x-real-ip': '6.6.6.6',
  };
  await gate.ask('/', { headers: { ...forged, ...asAda } });
  const headers = gate.received[0]?.headers ?? {};
  assert.equal(headers['nullius-assertion'], 'a.b.c');
  assert.match(String(headers['nullius-decision']), /^id-/);
  assert.ok(!/x\.y\.z|6\.6\.6\.6|evil/.test(JSON.stringify(headers)), JSON.stringify(headers));
});

test('accessFlow() sends away a client that stalls in the middle of a form', {
  timeout: 240_000,
}, async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const headers = { ...asAda, 'sec-fetch-site': 'same-origin', 'content-length': '100' };
  await assert.rejects(
    gate.ask('/.nullius/request-access', { method: 'POST', headers, stalls: true }),
    /hang up|RESET/,
  );
  assert.deepEqual(gate.faults, []);
});

test('accessFlow() does not take the cookie for requests that a neighbouring app sends', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const from = (headers: Record<string, string>, method = 'POST') =>
    gate.ask('/pay', { method, headers: { ...asAda, ...headers } }).then(({ status }) => status);
  assert.equal(await from({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }), 401);
  assert.equal(await from({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 'GET'), 401);
  assert.notEqual(
    await from({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', accept: 'text/html' }),
    200,
  );
  assert.equal(await from({ origin: 'http://evil.localhost' }), 401);
  assert.equal(gate.received.length, 0);
});

test('accessFlow() takes the cookie for its own pages, for links, and where cross-origin requests are asked for', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows });
  const ask = (headers: Record<string, string>) => gate.ask('/', { headers: { ...asAda, ...headers } });
  assert.equal((await ask({ 'sec-fetch-site': 'same-origin' })).status, 200);
  assert.equal((await ask({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status, 200);
  const preflights = await startTestGate(t, { rows, app: { corsPreflight: true } });
  const headers = { ...asAda, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' };
  assert.equal((await preflights.ask('/', { headers })).status, 401, 'a preflight is another question');
  const open = await startTestGate(t, { rows, app: { crossOriginCookie: true } });
  const shared = await open.ask('/', { headers });
  assert.equal(shared.status, 200);
});

const publicPage = { routes: [{ path: '/public', label: 'public', encodedSlash: false }] };

test('accessFlow() writes events of the first strangers let through and counts the rest in one summary', async (t: TestContext) => {
  const gate = await startTestGate(t, { rows, name: 'demo', app: publicPage });
  for (let each = 0; each < 40; each += 1) assert.equal((await gate.ask('/public')).status, 200);
  assert.equal(gate.received.length, 40);
  assert.equal(gate.events.length, 10);
  await gate.strangers.flush();
  const summary = gate.events.at(-1);
  assert.equal(gate.events.length, 11);
  assert.equal(summary?.statusId, 1);
  const { count, dst_endpoint, unmapped } = summary?.payload as Record<string, Record<string, unknown>>;
  assert.deepEqual([count, dst_endpoint?.['svc_name'], unmapped?.['route']], [30, 'demo', 'public']);
  await gate.ask('/public');
  assert.equal(gate.events.length, 12, 'after a flush the first have events of their own again');
  await gate.ask('/public', { headers: asAda });
  assert.equal(gate.events.length, 13);
  await gate.strangers.flush();
  assert.equal(gate.events.length, 13, 'what has an event of its own is in no summary');
});

test('accessFlow() lets no stranger through uncounted by a journal that refuses events', async (t: TestContext) => {
  let isTaking = true;
  const gate = await startTestGate(t, {
    rows,
    name: 'demo',
    app: publicPage,
    isJournalTaking: () => isTaking,
    onRecord: () => {
      if (!isTaking) throw new Error('the disk is full');
    },
  });
  for (let each = 0; each < 20; each += 1) await gate.ask('/public');
  assert.equal(gate.received.length, 20);
  isTaking = false;
  assert.equal((await gate.ask('/public')).status, 503);
  assert.equal(gate.received.length, 20);
});

test('what fails in the flow is refused in the form that was asked for', async (t: TestContext) => {
  const gate = await startTestGate(t, {
    rows,
    onRecord: () => {
      throw new Error('the disk is full');
    },
  });
  const page = await gate.ask('/', { headers: { ...asAda, accept: 'text/html' } });
  assert.equal(page.status, 503);
  assert.match(page.body, /^<!doctype html>.*so the answer is no/s);
  const problem = await gate.ask('/', { headers: { ...asAda, accept: 'application/json' } });
  assert.equal(problem.headers['content-type'], 'application/problem+json');
  assert.equal(gate.faults.length, 2);
  assert.equal(gate.received.length, 0);
});
