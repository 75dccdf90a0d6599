import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  enrolPerson,
  type IdentityInstallation,
  openApp,
  openInstallation,
} from '../../../../tests/identity-installation.ts';
import { readCookies } from '../provider/cookie-airlock.ts';
import { interactionsMax } from '../session-policy.ts';

let site: IdentityInstallation;
before(async () => {
  site = await openInstallation();
});
after(() => site.close());

const host = () => new URL(site.issuer).host;

async function authorizationUrl(changes: Record<string, string | null> = {}): Promise<string> {
  const { location } = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/', fresh: false });
  const url = new URL(location);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}

test('every cookie leaves as __Host-, Path=/, Secure, HttpOnly, SameSite=Lax', async () => {
  const browser = site.browser();
  const lines = (await browser.send(await authorizationUrl())).headers['set-cookie'] ?? [];
  assert.ok(lines.length >= 2);
  for (const line of lines) {
    assert.match(line, /^__Host-id_[^=]+=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax/);
    assert.ok(!/domain=/i.test(line));
  }
});

test('cookies a sibling host tossed (Domain=, other names, duplicates) change nothing', async () => {
  const victim = await enrolPerson(site, { name: 'tossed' });
  const attacker = await enrolPerson(site, { name: 'tosser' });
  const attackerSession = attacker.browser.cookies(host()).get('__Host-id_session') ?? '';
  const own = victim.browser.cookies(host()).get('__Host-id_session') ?? '';
  const tossed = [
    `session=${attackerSession}; _session=${attackerSession}; __Host-id_session=${own}`,
    `__Host-id_session=${own}; session=${attackerSession}; __host-id_session=${attackerSession}`,
    `__Secure-id_session=${attackerSession}; __Host-id_session=${own}`,
  ];
  for (const cookie of tossed) {
    const reply = await site.browser().send(`${site.issuer}/account/view`, { headers: { cookie } });
    assert.equal(JSON.parse(reply.body).name, 'tossed', cookie);
  }
  const only = await site.browser().send(`${site.issuer}/account/view`, {
    headers: { cookie: `session=${attackerSession}`, accept: 'application/json' },
  });
  assert.equal(only.status, 401);
});

test('readCookies() takes the first of each exact name and only tokens', () => {
  const cookies = readCookies(
    '__Host-id_a=1; __Host-id_a=2; id_b=3; __Host-id_c="x"; __Host-id_d=a b; =x; ;;__Host-id_e=',
  );
  assert.deepEqual([...cookies], [['__Host-id_a', '1']]);
});

test("a browser keeps at most six open sign-ins; older ones' cookies are dropped", async () => {
  const browser = site.browser();
  for (let count = 0; count < 10; count += 1) await browser.send(await authorizationUrl());
  const open = [...browser.cookies(host()).keys()].filter((name) => name.startsWith('__Host-id_interaction-'));
  assert.equal(open.length, 6);
});

test('a session identifier planted before sign-in is replaced at sign-in (fixation)', async () => {
  const { browser } = await enrolPerson(site, { name: 'fixed' });
  browser.cookies(host()).clear();
  const planted = 'A'.repeat(43);
  browser.cookies(host()).set('__Host-id_session', planted);
  await openApp(site, { browser, resource: 'wiki' });
  const now = browser.cookies(host()).get('__Host-id_session');
  assert.ok(now !== undefined && now !== planted);
  const reply = await site.browser().send(`${site.issuer}/account/view`, {
    headers: { cookie: `__Host-id_session=${planted}`, accept: 'application/json' },
  });
  assert.equal(reply.status, 401);
});

test('mutations from another origin, another site, or without saying where from are refused', async () => {
  const { browser } = await enrolPerson(site, { name: 'csrf' });
  const send = (headers: Record<string, string>) =>
    browser.send(`${site.issuer}/account/sign-out`, { body: {}, headers });
  assert.equal((await send({ 'sec-fetch-site': 'same-site' })).status, 403);
  assert.equal((await send({ 'sec-fetch-site': 'cross-site' })).status, 403);
  assert.equal((await send({ 'sec-fetch-site': 'none' })).status, 403);
  assert.equal((await send({ origin: 'http://wiki.localhost:8080' })).status, 403);
  assert.equal((await send({ origin: 'null' })).status, 403);
  assert.equal((await send({ 'content-type': 'text/plain' })).status, 200);
});

test('a form cannot speak to the API: the body must be JSON', async () => {
  const reply = await site.browser().send(`${site.issuer}/recover`, {
    body: { name: 'x', code: 'y' },
    headers: { 'content-type': 'text/plain' },
  });
  assert.equal(reply.status, 400);
});

test('answers forbid framing, inline script and sniffing', async () => {
  const { headers } = await site.browser().send(`${site.issuer}/enrol`);
  assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
  assert.match(String(headers['content-security-policy']), /script-src 'self';/);
  assert.equal(headers['x-frame-options'], 'DENY');
  assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('the token endpoint, registration and other ways of OAuth are not served to the network', async () => {
  const browser = site.browser();
  for (const path of [
    '/token',
    '/reg',
    '/token/revocation',
    '/token/introspection',
    '/request',
    '/device/auth',
    '/session/end/confirm',
  ]) {
    assert.equal((await browser.send(site.issuer + path, { body: {} })).status, 404, path);
  }
  for (const path of ['/me', '/session/end', '/device', '/auth/a/b']) {
    assert.equal((await browser.send(site.issuer + path)).status, 404, path);
  }
});

test('implicit, plain PKCE, no PKCE, other redirect URIs and unknown clients are refused', async () => {
  const browser = site.browser();
  const toCallback = async (changes: Record<string, string | null>) => {
    const target = new URL((await browser.send(await authorizationUrl(changes))).headers.location ?? '');
    // Refusals of fragment response types come in the fragment (OAuth 2.0 Multiple Response Types).
    return target.searchParams.get('error') ?? new URLSearchParams(target.hash.slice(1)).get('error');
  };
  assert.equal(await toCallback({ response_type: 'id_token' }), 'unsupported_response_type');
  assert.equal(await toCallback({ code_challenge: null, code_challenge_method: null }), 'invalid_request');
  assert.equal(await toCallback({ code_challenge_method: 'plain' }), 'invalid_request');
  for (const redirect_uri of [
    'http://wiki.localhost:8080/.nullius/callback/',
    'http://wiki.localhost:8080/.nullius/callback?x=1',
    'http://evil.localhost:8080/.nullius/callback',
    'https://wiki.localhost:8080/.nullius/callback',
    'http://wiki.localhost/.nullius/callback',
    'http://notes.localhost:8080/.nullius/callback',
  ]) {
    const reply = await browser.send(await authorizationUrl({ redirect_uri }));
    assert.equal(reply.status, 400, redirect_uri);
    assert.equal(reply.headers.location, undefined);
  }
  assert.equal((await browser.send(await authorizationUrl({ client_id: 'nothing' }))).status, 400);
});

test('input echoed on the error page is escaped', async () => {
  const reply = await site.browser().send(await authorizationUrl({ client_id: '<script>alert(1)</script>' }));
  assert.equal(reply.status, 400);
  assert.ok(!reply.body.includes('<script>'));
});

test('a removed resource is no client any more', async () => {
  const url = await authorizationUrl();
  const { body } = (await site.store.read('resource', 'wiki')) ?? {};
  assert.ok(body);
  await site.store.commit([{ kind: 'resource', id: 'wiki', body: null }]);
  await site.core.store.transact(async () => {});
  assert.equal((await site.browser().send(url)).status, 400);
  await site.store.commit([{ kind: 'resource', id: 'wiki', body }]);
  await site.core.store.transact(async () => {});
});

test('a Host or forwarding header of a client leads nowhere', async () => {
  const reply = await site.browser().send(await authorizationUrl(), {
    headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' },
  });
  assert.match(reply.headers.location ?? '', /^\/interaction\//);
  const configuration = await site.browser().send(`${site.issuer}/.well-known/openid-configuration`, {
    headers: { host: 'evil.example' },
  });
  assert.ok(!configuration.body.includes('evil.example'));
});

test('artifacts at rest hold no session identifier, code or interaction of a browser', async () => {
  const { browser } = await enrolPerson(site, { name: 'at-rest' });
  const { location } = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/', fresh: false });
  const code = new URL(await browser.authorize(location)).searchParams.get('code') ?? 'none';
  const rows = JSON.stringify(await site.store.rows.selectFrom('identity_record').selectAll().execute());
  assert.ok(!rows.includes(code));
  for (const [, value] of browser.cookies(host())) assert.ok(!rows.includes(value));
});

test('a flood of sign-ins from one /64 is refused and writes nothing more, others go on', async (t) => {
  // Time gives more, and on a slow machine as fast as we ask.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { location } = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/', fresh: false });
  const from = (address: string) =>
    site.browser().send(location, { headers: { 'x-forwarded-for': address, accept: 'text/html' } });
  const records = async () => (await site.store.rows.selectFrom('identity_record').select('id').execute()).length;
  let taken = 0;
  while (taken < 400 && (await from(`2001:db8::${taken.toString(16)}`)).status === 303) taken += 1;
  assert.equal(taken, 200);
  const before = await records();
  assert.equal((await from('2001:db8::f:1')).status, 429);
  assert.equal(await records(), before);
  assert.equal((await from('2001:db8:0:1::1')).status, 303);
  site.advance(1_000);
  assert.equal((await from('2001:db8::1')).status, 303, 'it comes back with time');
});

test('a flood of sign-ins from very many addresses keeps nobody from signing in', async () => {
  const kind = 'oidc:Interaction';
  const now = site.core.clock();
  const rows = Array.from({ length: interactionsMax }, (_, at) => ({
    ...{ kind, id: `flood-${at}`, owner: null, body: '{}' },
    expires_at: now + 60_000 + at,
  }));
  for (let at = 0; at < rows.length; at += 1_000)
    await site.store.rows
      .insertInto('identity_record')
      .values(rows.slice(at, at + 1_000))
      .execute();
  const counted = () => site.core.store.transact(({ records }) => records.count(kind));
  const before = await counted();
  assert.match((await site.browser().send(await authorizationUrl())).headers.location ?? '', /\/interaction\//);
  assert.ok((await counted()) <= before);
  assert.equal(await site.core.store.transact(({ records }) => records.get(kind, 'flood-0')), undefined);
  await site.store.rows.deleteFrom('identity_record').where('id', 'like', 'flood-%').execute();
});

test('a flood from one address is refused, others go on', async (t) => {
  // Time gives more, and on a slow machine as fast as we ask.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const browser = site.browser();
  let refused = 0;
  for (let count = 0; count < 610; count += 1) {
    const reply = await browser.send(`${site.issuer}/enrol`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    if (reply.status === 429) refused += 1;
  }
  assert.equal(refused, 10);
  const other = await browser.send(`${site.issuer}/enrol`, { headers: { 'x-forwarded-for': '203.0.113.10' } });
  assert.equal(other.status, 200);
});
