import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { enrolPerson, type IdentityInstallation, openInstallation } from '../../../../tests/identity-installation.ts';
import type { Reply } from '../../../../tests/passkey-client.ts';
import type { AuthenticatorFaults, SoftAuthenticator } from '../../../../tests/soft-authenticator.ts';

let site: IdentityInstallation;
before(async () => {
  site = await openInstallation();
});
after(() => site.close());

type Options = Parameters<SoftAuthenticator['get']>[0];

/** A browser that is signed out, at the sign-in page of a new interaction. */
async function atSignIn(name: string) {
  const { browser, user } = await enrolPerson(site, { name });
  browser.cookies(new URL(site.issuer).host).clear();
  return { browser, user, path: await newInteraction(browser) };
}

async function newInteraction(browser: ReturnType<IdentityInstallation['browser']>) {
  const begun = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/', fresh: false });
  const reply = await browser.send(begun.location);
  const path = reply.headers.location ?? '';
  assert.match(path, /^\/interaction\//);
  return `${path}/passkey`;
}

const refusedWith = (reply: Reply, status: number) => assert.equal(reply.status, status, reply.body);

async function attempt(name: string, faults: AuthenticatorFaults): Promise<Reply> {
  const { browser, path } = await atSignIn(name);
  const options = await browser.call<Options>(`${path}/options`, {});
  return browser.send(site.issuer + path, { body: browser.authenticator.get(options, faults) });
}

test('an assertion for another origin is refused', async () => {
  refusedWith(await attempt('origin', { origin: 'http://wiki.localhost:8080' }), 403);
});

test('an assertion for another RP ID, such as the parent domain, is refused', async () => {
  refusedWith(await attempt('rp-id', { rpId: 'localhost' }), 403);
});

test('an assertion over another challenge is refused', async () => {
  refusedWith(await attempt('challenge', { challenge: Buffer.alloc(32, 7).toString('base64url') }), 403);
});

test('an assertion without user verification is refused', async () => {
  refusedWith(await attempt('unverified', { userVerified: false }), 403);
});

test('an assertion whose user handle names somebody else is refused', async () => {
  const { user } = await enrolPerson(site, { name: 'victim' });
  refusedWith(await attempt('handle', { userHandle: Buffer.from(user).toString('base64url') }), 403);
});

test('a counter that does not grow is refused', async () => {
  const { browser, path } = await atSignIn('counter');
  const first = await browser.call<Options>(`${path}/options`, {});
  await browser.call(path, browser.authenticator.get(first, { counter: 5 }));
  const again = await newInteraction(browser);
  const second = await browser.call<Options>(`${again}/options`, {});
  refusedWith(
    await browser.send(site.issuer + again, { body: browser.authenticator.get(second, { counter: 5 }) }),
    403,
  );
});

test('of a passkey and its clone that sign in at the same time, with the same counter, one is refused', async () => {
  const { browser, path } = await atSignIn('clone');
  const paths = [path, await newInteraction(browser)];
  const bodies: unknown[] = [];
  for (const each of paths) {
    bodies.push(browser.authenticator.get(await browser.call<Options>(`${each}/options`, {}), { counter: 9 }));
  }
  const replies = await Promise.all(paths.map((each, at) => browser.send(site.issuer + each, { body: bodies[at] })));
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 403]);
});

test('an assertion is accepted once: replayed, its challenge is gone', async () => {
  const { browser, path } = await atSignIn('replay');
  const options = await browser.call<Options>(`${path}/options`, {});
  const assertion = browser.authenticator.get(options);
  refusedWith(await browser.send(site.issuer + path, { body: assertion }), 200);
  refusedWith(await browser.send(site.issuer + path, { body: assertion }), 410);
});

test('a challenge of one interaction does not serve another', async () => {
  const { browser, path } = await atSignIn('cross');
  const other = await newInteraction(browser);
  const options = await browser.call<Options>(`${path}/options`, {});
  await browser.call<Options>(`${other}/options`, {});
  refusedWith(await browser.send(site.issuer + other, { body: browser.authenticator.get(options) }), 403);
});

test('a challenge expires', async () => {
  const { browser, path } = await atSignIn('slow');
  const options = await browser.call<Options>(`${path}/options`, {});
  site.advance(5 * 60_000 + 1);
  refusedWith(await browser.send(site.issuer + path, { body: browser.authenticator.get(options) }), 410);
});

test('an interaction belongs to the browser that began it', async () => {
  const { path } = await atSignIn('owner');
  const thief = site.browser();
  refusedWith(await thief.send(`${site.issuer}${path}/options`, { body: {} }), 410);
});

test('a suspended user is refused though the passkey is right', async () => {
  const { browser, user, path } = await atSignIn('suspended');
  const options = await browser.call<Options>(`${path}/options`, {});
  await site.core.store.transact(async (transaction) => {
    const fact = await transaction.fact('user', user);
    if (fact !== undefined) await transaction.put('user', user, { ...fact, status: 'suspended' });
  });
  refusedWith(await browser.send(site.issuer + path, { body: browser.authenticator.get(options) }), 403);
});

test('what is not an assertion is refused before any cryptography', async () => {
  const { browser, path } = await atSignIn('garbage');
  for (const body of [null, [], {}, { id: 1 }, { id: 'x'.repeat(5000) }]) {
    refusedWith(await browser.send(site.issuer + path, { body }), 400);
  }
  refusedWith(await browser.send(site.issuer + path, { body: { id: 'x'.repeat(70_000) } }), 413);
});

test('every refusal is an Authentication failure event', () => {
  assert.ok(site.emitted.length >= 6);
  assert.ok(site.emitted.every((event) => event.classUid === 3002 && event.statusId === 2));
  assert.deepEqual(site.errors, []);
});
