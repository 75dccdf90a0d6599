import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IdentityError, revokeSession } from '#information/identity';
import {
  enrolPerson,
  type IdentityInstallation,
  openApp,
  openInstallation,
} from '../../../../tests/identity-installation.ts';
import type { PasskeyClient } from '../../../../tests/passkey-client.ts';
import { parseReturnPath } from './return-path.ts';

let site: IdentityInstallation;
let ada: { browser: PasskeyClient; user: string };
before(async () => {
  site = await openInstallation();
  ada = await enrolPerson(site, { name: 'ada' });
});
after(() => site.close());

const begin = (resource = 'wiki', fresh = false) => site.identity.beginSignIn({ resource, returnTo: '/', fresh });
const finish = (parts: { callbackUrl: string; flow: string; resource?: string }) =>
  site.identity.finishSignIn({ resource: 'wiki', userAgent: 'test', address: '127.0.0.1', ...parts });
const refused = (code: string) => (error: unknown) => error instanceof IdentityError && error.code === code;

function changed(url: string, parameters: Record<string, string | null>): string {
  const target = new URL(url);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null) target.searchParams.delete(name);
    else target.searchParams.set(name, value);
  }
  return target.href;
}

test('finishing the same callback again is refused', async () => {
  const { location, flow } = await begin();
  const callbackUrl = await ada.browser.authorize(location);
  await finish({ callbackUrl, flow });
  await assert.rejects(finish({ callbackUrl, flow }), refused('expired'));
});

test('callbacks that nobody signed in for cannot fill the store, from however many addresses of one customer', async (t) => {
  // Time gives more, and on a slow machine as fast as we ask.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const forged = async (address: string) => {
    const { location, flow } = await begin();
    const state = new URL(location).searchParams.get('state') ?? '';
    const callbackUrl = `http://wiki.localhost:8080/.nullius/callback?state=${state}&code=none`;
    const answer = site.identity.finishSignIn({ resource: 'wiki', userAgent: '', address, callbackUrl, flow });
    return answer.then(() => 'let in').catch((error: unknown) => (error instanceof IdentityError ? error.code : error));
  };
  let host = 0;
  let outcome: unknown = 'sign-in-refused';
  for (; host < 1_000 && outcome === 'sign-in-refused'; host += 1)
    outcome = await forged(`2001:db8::${host.toString(16)}`);
  assert.deepEqual([host, outcome], [201, 'rate-limited']);
  assert.equal(await forged('2001:db8:0:1::1'), 'sign-in-refused');
});

test('of two callbacks that race, one gets a cookie', async () => {
  const { location, flow } = await begin();
  const callbackUrl = await ada.browser.authorize(location);
  const outcomes = await Promise.allSettled([finish({ callbackUrl, flow }), finish({ callbackUrl, flow })]);
  assert.deepEqual(outcomes.map((outcome) => outcome.status).sort(), ['fulfilled', 'rejected']);
});

test('a code injected into another flow is refused: its verifier is another', async () => {
  const theirs = await begin();
  const stolen = new URL(await ada.browser.authorize(theirs.location)).searchParams.get('code') ?? '';
  const { location, flow } = await begin();
  const own = await ada.browser.authorize(location);
  await assert.rejects(finish({ callbackUrl: changed(own, { code: stolen }), flow }), refused('sign-in-refused'));
});

test('a code for one app is of no use at another', async () => {
  const { location } = await begin('notes');
  const code = new URL(await ada.browser.authorize(location)).searchParams.get('code') ?? '';
  const wiki = await begin('wiki');
  const own = await ada.browser.authorize(wiki.location);
  await assert.rejects(finish({ callbackUrl: changed(own, { code }), flow: wiki.flow }), refused('sign-in-refused'));
});

test('a state of another flow is refused', async () => {
  const { location, flow } = await begin();
  const callbackUrl = await ada.browser.authorize(location);
  for (const state of [null, '', 'x', Buffer.alloc(32).toString('base64url')]) {
    const again = await begin();
    const url = changed(await ada.browser.authorize(again.location), { state });
    await assert.rejects(finish({ callbackUrl: url, flow: again.flow }), refused('sign-in-refused'));
  }
  await finish({ callbackUrl, flow });
});

test('an answer in the name of another issuer, or of none, is refused (mix-up)', async () => {
  for (const iss of ['https://evil.example', '', null]) {
    const { location, flow } = await begin();
    const callbackUrl = changed(await ada.browser.authorize(location), { iss });
    await assert.rejects(finish({ callbackUrl, flow }), refused('sign-in-refused'), String(iss));
  }
});

test("an attacker's flow cookie in a victim's browser does not take the victim's code, nor the other way", async () => {
  const attacker = await begin();
  const victim = await begin();
  const victimCallback = await ada.browser.authorize(victim.location);
  await assert.rejects(finish({ callbackUrl: victimCallback, flow: attacker.flow }), refused('sign-in-refused'));
});

test('a flow cookie serves only the host that began, only whole, only for 15 minutes', async () => {
  const { location, flow } = await begin();
  const callbackUrl = await ada.browser.authorize(location);
  await assert.rejects(finish({ callbackUrl, flow, resource: 'notes' }), refused('expired'));
  const flipped = `${flow.slice(0, 60)}${flow[60] === 'A' ? 'B' : 'A'}${flow.slice(61)}`;
  for (const bad of ['', 'x', flipped, `${flow} `, 'A'.repeat(5000)]) {
    await assert.rejects(finish({ callbackUrl, flow: bad }), refused('expired'));
  }
  site.advance(15 * 60_000 + 1);
  await assert.rejects(finish({ callbackUrl, flow }), refused('expired'));
});

test('a callback at another address is refused', async () => {
  const { location, flow } = await begin();
  const callbackUrl = (await ada.browser.authorize(location)).replace('/.nullius/callback', '/.nullius/other');
  await assert.rejects(finish({ callbackUrl, flow }), refused('invalid-request'));
});

test('an error from the provider ends the flow', async () => {
  const { flow } = await begin();
  const callbackUrl = 'http://wiki.localhost:8080/.nullius/callback?error=access_denied';
  await assert.rejects(finish({ callbackUrl, flow }), refused('sign-in-refused'));
});

test('a resource that does not exist has no sign-in', async () => {
  await assert.rejects(begin('nothing'), refused('not-found'));
});

test('one login serves many apps without asking again; fresh asks again and renews the proof', async () => {
  const { browser, user } = await enrolPerson(site, { name: 'grace' });
  const passkey = browser.authenticator.credentials[0];
  await openApp(site, { browser, resource: 'wiki' });
  await openApp(site, { browser, resource: 'notes' });
  assert.equal(passkey?.counter, 0);
  const before = site.core.store.facts().sessionsOf(user);
  assert.equal(before.length, 1);
  site.advance(10 * 60_000);
  await openApp(site, { browser, resource: 'wiki', fresh: true });
  assert.equal(passkey?.counter, 1);
  const after = site.core.store.facts().sessionsOf(user);
  assert.equal(after.length, 1);
  assert.ok((after[0]?.body.authTime ?? 0) >= (before[0]?.body.authTime ?? 0) + 9 * 60_000);
  assert.equal(after[0]?.body.expiresAt, before[0]?.body.expiresAt);
});

test('after revocation the sign-in site asks again, and makes a new session', async () => {
  const { browser, user } = await enrolPerson(site, { name: 'edith' });
  await openApp(site, { browser, resource: 'wiki' });
  const [session] = site.core.store.facts().sessionsOf(user);
  assert.ok(session);
  await revokeSession(site.core, { id: session.id, reason: 'test', by: 'User::"test"' });
  assert.equal([...site.core.store.facts().all('app-cookie')].filter(([, c]) => c.session === session.id).length, 0);
  await openApp(site, { browser, resource: 'wiki' });
  assert.equal(browser.authenticator.credentials[0]?.counter, 1);
  const active = site.core.store
    .facts()
    .sessionsOf(user)
    .filter(({ body }) => body.status === 'active');
  assert.equal(active.length, 1);
  assert.notEqual(active[0]?.id, session.id);
});

test('a code whose session was revoked meanwhile is worth nothing', async () => {
  const { browser, user } = await enrolPerson(site, { name: 'mary' });
  const { location, flow } = await begin();
  const callbackUrl = await browser.authorize(location);
  for (const { id } of site.core.store.facts().sessionsOf(user)) {
    await revokeSession(site.core, { id, reason: 'test', by: 'User::"test"' });
  }
  await assert.rejects(finish({ callbackUrl, flow }), IdentityError);
});

test('an assertion for an upstream lives at most 60 s and dies with the session', async () => {
  const { browser, user } = await enrolPerson(site, { name: 'joan' });
  await openApp(site, { browser, resource: 'wiki' });
  const lise = await enrolPerson(site, { name: 'lise' });
  const [session] = site.core.store.facts().sessionsOf(user);
  const [others] = site.core.store.facts().sessionsOf(lise.user);
  assert.ok(session && others);
  const asked = [
    { sessionId: session.id, resource: 'wiki' },
    { sessionId: 'nobody-s', resource: 'wiki' },
    { sessionId: session.id, resource: 'nothing' },
    { sessionId: others.id, resource: 'notes' },
  ];
  const { made } = await site.identity.assertions({ asked });
  const [claims, stranger, nothing, second] = made.map((each) => ('jwt' in each ? JSON.parse(each.jwt) : each.status));
  assert.deepEqual(
    [stranger, nothing, second.aud, second.sub, second.sid],
    [401, 404, 'http://notes.localhost:8080', lise.user, others.id],
    'each gets its own answer',
  );
  assert.deepEqual([claims.sub, claims.sid], [user, session.id]);
  assert.equal(claims.exp - claims.iat, 60);
  assert.equal(claims.aud, 'http://wiki.localhost:8080');
  assert.deepEqual(claims.groups, ['everyone']);
  await revokeSession(site.core, { id: session.id, reason: 'test', by: 'User::"test"' });
  const { made: afterwards } = await site.identity.assertions({ asked });
  assert.deepEqual(
    afterwards.map((each) => 'jwt' in each || each.status),
    [401, 401, 401, true],
  );
});

test('parseReturnPath() keeps paths of this host and turns everything else into /', () => {
  const origin = 'https://wiki.example.com';
  for (const path of ['/', '/a/b?c=d&e=%2F', '/a%20b', '/x?u=https://evil.example']) {
    assert.equal(parseReturnPath(path, origin), path);
  }
  const hostile = [
    'https://evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' //evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    'evil.example',
    '/a/../..//evil.example',
    '/./\\evil.example',
    'https:evil.example',
    'https://wiki.example.com@evil.example/',
    '/.nullius/sign-in?return_to=/',
    '/.nullius/sign-out',
    '',
    `/${'a'.repeat(3000)}`,
  ];
  for (const path of hostile) assert.equal(parseReturnPath(path, origin), '/', JSON.stringify(path));
});
