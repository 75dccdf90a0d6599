import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createInvitation, IdentityError, listInvitations, removeInvitation } from '#information/identity';
import { enrolPerson, type IdentityInstallation, openInstallation } from '../../../../tests/identity-installation.ts';
import type { SoftAuthenticator } from '../../../../tests/soft-authenticator.ts';

let site: IdentityInstallation;
before(async () => {
  site = await openInstallation();
});
after(() => site.close());

const by = 'Workload::"local-operator"';
const invite = (request: { name?: string; admin?: boolean } = {}) =>
  createInvitation(site.core, { request: { groups: [], admin: false, ...request }, by });

type Options = Parameters<SoftAuthenticator['create']>[0];

async function begun(url: string, name: string) {
  const browser = site.browser();
  const token = new URL(url).hash.slice(1);
  const person = { token, name, displayName: name };
  const options = await browser.call<Options>('/enrol/options', person);
  return { browser, person, options };
}

test('an administrator link makes an administrator with a journal key, and says so in the log', async () => {
  const { user } = await enrolPerson(site, { name: 'root', admin: true });
  const facts = site.core.store.facts();
  assert.deepEqual(facts.get('user', user)?.groups, ['everyone', 'administrators']);
  assert.equal(facts.get('group', 'administrators')?.origin, 'builtin');
  assert.equal(Buffer.from(facts.get('journal-key', user)?.key ?? '', 'base64url').length, 32);
  const events = await site.store.outboxPending();
  assert.ok(events.some((event) => event.classUid === 3001 && event.activityId === 1 && event.subject === user));
});

test('events of a person say their login name from when there is a key that only theirs are sealed with', async () => {
  const { url } = await invite({ name: 'named' });
  await site.browser().enrol(url, { name: 'named' });
  const user = [...site.core.store.facts().all('user')].find(([, { name }]) => name === 'named')?.[0] ?? '';
  const theirs = (await site.store.outboxPending()).filter(({ subject }) => subject === user);
  const said = theirs.map(({ payload }) => [payload['message'], payload['user']]);
  const person = { uid: user, name: 'named' };
  assert.deepEqual(said, [
    // Sealed with the key that all have who have none: what it says of them would outlive their erasure.
    ['invited a person', { uid: user }],
    ['created user named', person],
    ['registered the first passkey by an invitation', person],
    ['signed in', person],
  ]);
});

test('a link serves once', async () => {
  const { url } = await invite();
  const first = site.browser();
  await first.enrol(url, { name: 'once' });
  await assert.rejects(site.browser().enrol(url, { name: 'twice' }), /410/);
});

test('of two browsers that race with one link, one wins', async () => {
  const { url } = await invite();
  const one = await begun(url, 'racer-one');
  const finish = async (browser: typeof one.browser, body: unknown) =>
    (await browser.send(`${site.issuer}/enrol/passkey`, { body })).status;
  const statuses = await Promise.all(
    [one, one].map(({ browser, person, options }) =>
      finish(browser, { ...person, response: browser.authenticator.create(options) }),
    ),
  );
  assert.deepEqual(statuses.sort(), [200, 410]);
});

test('a link older than 15 minutes is refused', async () => {
  const { url } = await invite();
  site.advance(15 * 60_000 + 1);
  await assert.rejects(site.browser().enrol(url, { name: 'late' }), /410/);
});

test('the link of somebody who was suspended meanwhile is refused, also when it was opened before', async () => {
  const { user } = await enrolPerson(site, { name: 'inviter', admin: true });
  const { url } = await createInvitation(site.core, {
    request: { groups: [], admin: true },
    by: `User::"${user}"`,
  });
  const { browser, person, options } = await begun(url, 'accomplice');
  const inviter = site.core.store.facts().get('user', user);
  assert.ok(inviter);
  await site.core.store.transact(({ put }) => put('user', user, { ...inviter, status: 'suspended' }));
  const response = browser.authenticator.create(options);
  assert.equal((await browser.send(`${site.issuer}/enrol/passkey`, { body: { ...person, response } })).status, 410);
  await assert.rejects(site.browser().enrol(url, { name: 'accomplice' }), /410/);
});

test('a withdrawn link is refused, and gone from the list', async () => {
  const { url, id } = await invite();
  assert.ok((await listInvitations(site.core)).some((open) => open.id === id));
  assert.equal(await removeInvitation(site.core, { id, by }), true);
  assert.equal(await removeInvitation(site.core, { id, by }), false);
  await assert.rejects(site.browser().enrol(url, { name: 'withdrawn' }), /410/);
});

test('a preset name cannot be changed by the person', async () => {
  const { url } = await invite({ name: 'preset' });
  await site.browser().enrol(url, { name: 'administrator' });
  const names = [...site.core.store.facts().all('user')].map(([, user]) => user.name);
  assert.ok(names.includes('preset') && !names.includes('administrator'));
});

test('a name that is taken or cannot be one is refused', async () => {
  await enrolPerson(site, { name: 'taken' });
  await assert.rejects(invite({ name: 'taken' }), IdentityError);
  await assert.rejects(invite({ name: 'Not A Name' }), IdentityError);
  const { url } = await invite();
  for (const name of ['taken', '', 'A', '<script>', '-x', 'x'.repeat(129)]) {
    await assert.rejects(site.browser().enrol(url, { name }), /40[09]/);
  }
});

test('two links cannot claim one name at once', async () => {
  const links = [await invite(), await invite()];
  const both = await Promise.all(links.map(({ url }) => begun(url, 'same-name')));
  const replies = await Promise.all(
    both.map(({ browser, person, options }) =>
      browser.send(`${site.issuer}/enrol/passkey`, {
        body: { ...person, response: browser.authenticator.create(options) },
      }),
    ),
  );
  assert.deepEqual(replies.map((reply) => reply.status).sort(), [200, 409]);
});

test('a registration for another origin, RP ID or without user verification is refused', async () => {
  const faults = [{ origin: 'http://evil.localhost:8080' }, { rpId: 'localhost' }, { userVerified: false }];
  for (const fault of faults) {
    const { url } = await invite();
    const { browser, person, options } = await begun(url, 'faulty');
    const response = browser.authenticator.create(options, fault);
    const reply = await browser.send(`${site.issuer}/enrol/passkey`, { body: { ...person, response } });
    assert.equal(reply.status, 403, JSON.stringify(fault));
  }
});

test('the store holds no token of a link', async () => {
  const { url } = await invite();
  const token = new URL(url).hash.slice(1);
  const rows = await site.store.rows.selectFrom('identity_record').selectAll().execute();
  assert.ok(!JSON.stringify(rows).includes(token));
});
