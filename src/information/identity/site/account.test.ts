import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  enrolPerson,
  type IdentityInstallation,
  openApp,
  openInstallation,
} from '../../../../tests/identity-installation.ts';
import type { PasskeyClient } from '../../../../tests/passkey-client.ts';
import type { SoftAuthenticator } from '../../../../tests/soft-authenticator.ts';

let site: IdentityInstallation;
before(async () => {
  site = await openInstallation();
});
after(() => site.close());

interface View {
  passkeys: { id: string; name: string }[];
  recoveryCodesLeft: number;
  recovering: boolean;
  sessions: { id: string; current: boolean }[];
}
type Options = Parameters<SoftAuthenticator['create']>[0];

async function addPasskey(browser: PasskeyClient, name: string) {
  const options = await browser.call<Options>('/account/passkeys/options', {});
  return browser.call('/account/passkeys/add', { name, response: browser.authenticator.create(options) });
}
const post = (browser: PasskeyClient, path: string, body: unknown = {}) => browser.send(site.issuer + path, { body });
const view = (browser: PasskeyClient) => browser.call<View>('/account/view');

test('a person adds, renames and removes passkeys, but never the last one', async () => {
  const { browser } = await enrolPerson(site, { name: 'keys' });
  await addPasskey(browser, 'Second');
  const [first, second] = (await view(browser)).passkeys;
  assert.equal(second?.name, 'Second');
  await browser.call('/account/passkeys/rename', { id: second.id, name: 'In the safe' });
  assert.equal((await view(browser)).passkeys[1]?.name, 'In the safe');
  await browser.call('/account/passkeys/remove', { id: first?.id });
  assert.equal((await post(browser, '/account/passkeys/remove', { id: second.id })).status, 409);
});

test("nobody touches another person's passkeys or sessions", async () => {
  const { browser: owner } = await enrolPerson(site, { name: 'owner' });
  await addPasskey(owner, 'Second');
  const { browser: other } = await enrolPerson(site, { name: 'other' });
  const theirs = await view(owner);
  const id = theirs.passkeys[0]?.id;
  assert.equal((await post(other, '/account/passkeys/remove', { id })).status, 404);
  assert.equal((await post(other, '/account/passkeys/rename', { id, name: 'mine' })).status, 404);
  assert.equal((await post(other, '/account/sessions/revoke', { id: theirs.sessions[0]?.id })).status, 404);
});

test('changing credentials asks for a proof of the last five minutes, and takes it', async () => {
  const { browser } = await enrolPerson(site, { name: 'stale' });
  site.advance(5 * 60_000 + 1);
  const reply = await post(browser, '/account/passkeys/options');
  assert.equal(reply.status, 403);
  assert.equal(JSON.parse(reply.body).code, 'fresh-authentication-required');
  const begun = await browser.send(`${site.issuer}/account/sign-in?fresh`);
  let location = begun.headers.location ?? '';
  for (let hop = 0; hop < 5 && new URL(location, site.issuer).pathname !== '/account/callback'; hop += 1) {
    const url = new URL(location, site.issuer);
    if (url.pathname.startsWith('/interaction/')) {
      const path = `${url.pathname}/passkey`;
      const options = await browser.call<Parameters<SoftAuthenticator['get']>[0]>(`${path}/options`, {});
      location = (await browser.call<{ location: string }>(path, browser.authenticator.get(options))).location;
    } else location = (await browser.send(url.href)).headers.location ?? '';
  }
  await addPasskey(browser, 'After the proof');
});

test('the account is closed to who is not signed in', async () => {
  const stranger = site.browser();
  assert.equal(
    (await stranger.send(`${site.issuer}/account/view`, { headers: { accept: 'application/json' } })).status,
    401,
  );
  for (const path of ['passkeys/options', 'passkeys/remove', 'recovery-codes', 'sessions/revoke']) {
    assert.equal((await post(stranger, `/account/${path}`, { id: 'x' })).status, 401, path);
  }
});

test('signing out on the account page ends the session', async () => {
  const { browser, user } = await enrolPerson(site, { name: 'leaver' });
  await browser.call('/account/sign-out', {});
  assert.ok(
    site.core.store
      .facts()
      .sessionsOf(user)
      .every(({ body }) => body.status === 'revoked'),
  );
});

test('a recovery code opens a session that can add a passkey and nothing else, once, and is loud in the log', async () => {
  const { browser, user } = await enrolPerson(site, { name: 'lost' });
  const { codes } = await browser.call<{ codes: string[] }>('/account/recovery-codes', {});
  assert.equal(new Set(codes).size, 10);
  const again = site.browser();
  const [code = ''] = codes;
  await again.call('/recover', { name: 'lost', code: code.toUpperCase() });
  assert.equal((await view(again)).recovering, true);
  for (const path of ['passkeys/remove', 'recovery-codes', 'sessions/revoke', 'passkeys/rename']) {
    assert.equal((await post(again, `/account/${path}`, { id: 'x', name: 'x' })).status, 403, path);
  }
  const begun = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/', fresh: false });
  assert.equal((await again.send(begun.location)).headers.location, '/account');
  const events = await site.store.outboxPending();
  assert.ok(events.some((event) => event.classUid === 3002 && event.severityId === 4 && event.subject === user));

  assert.deepEqual(await addPasskey(again, 'New phone'), { signInAgain: true });
  assert.equal((await post(again, '/account/passkeys/options')).status, 401);
  await openApp(site, { browser: again, resource: 'wiki' });
  assert.equal((await view(again)).recoveryCodesLeft, 9);

  const third = site.browser();
  assert.equal((await post(third, '/recover', { name: 'lost', code })).status, 403);
});

test('the store holds no recovery code', async () => {
  const { browser } = await enrolPerson(site, { name: 'careful' });
  const { codes } = await browser.call<{ codes: string[] }>('/account/recovery-codes', {});
  const rows = JSON.stringify(await site.store.rows.selectFrom('identity_record').selectAll().execute());
  assert.ok(codes.every((code) => !rows.includes(code) && !rows.includes(code.replaceAll('-', ''))));
});

test('guessing recovery codes is cut off, for a known and an unknown name alike', async () => {
  for (const name of ['careful', 'nobody']) {
    const guesser = site.browser();
    site.advance(30 * 60_000);
    const statuses: number[] = [];
    for (let guess = 0; guess < 7; guess += 1) {
      statuses.push((await post(guesser, '/recover', { name, code: `guess-${guess}` })).status);
    }
    assert.deepEqual(statuses, [403, 403, 403, 403, 403, 429, 429], name);
  }
});
