import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sha256Base64url } from '#foundation/crypto';
import { IdentityError, revokeUserSessions, sweepSessions } from '#information/identity';
import {
  enrolPerson,
  type IdentityInstallation,
  openApp,
  openInstallation,
} from '../../../../tests/identity-installation.ts';

let site: IdentityInstallation;
before(async () => {
  site = await openInstallation();
});
after(() => site.close());

const ended = (error: unknown) => error instanceof IdentityError && error.code === 'session-ended';

async function signedIn(name: string) {
  const { browser, user } = await enrolPerson(site, { name });
  const { cookie } = await openApp(site, { browser, resource: 'wiki' });
  const hash = sha256Base64url(cookie);
  const found = site.core.store.facts().appCookieByHash(hash);
  assert.ok(found);
  const session = () => site.core.store.facts().get('session', found.body.session);
  return { browser, user, cookie, hash, session, sessionId: found.body.session };
}

test('facts hold the hash of an app cookie, never its value', async () => {
  const { cookie } = await signedIn('hashed');
  const rows = await site.store.rows.selectFrom('fact').selectAll().execute();
  assert.ok(!JSON.stringify(rows).includes(cookie));
});

test('the old value of a rotated cookie stays good until the new one is used, and all who ask get the same new one', async (t) => {
  // Time passes as told alone: a slow disk would use up the last second of the grace.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { hash, session } = await signedIn('rotating');
  const { cookie } = await site.identity.rotateCookie({ cookieHash: hash });
  assert.notEqual(sha256Base64url(cookie), hash);
  assert.equal((await site.identity.rotateCookie({ cookieHash: hash })).cookie, cookie);
  site.advance(10 * 60_000);
  assert.ok(site.core.store.facts().appCookieByHash(hash), 'the answer with the new value may have been lost');
  assert.equal((await site.identity.rotateCookie({ cookieHash: hash })).cookie, cookie);
  await site.identity.confirmCookie({ cookieHash: hash });
  site.advance(60_001);
  assert.ok(site.core.store.facts().appCookieByHash(hash), 'the old value confirms nothing');
  await site.identity.confirmCookie({ cookieHash: sha256Base64url(cookie) });
  site.advance(59_000);
  assert.equal((await site.identity.rotateCookie({ cookieHash: hash })).cookie, cookie);
  await site.identity.confirmCookie({ cookieHash: sha256Base64url(cookie) });
  site.advance(1_001);
  assert.equal(site.core.store.facts().appCookieByHash(hash), undefined, 'a second confirmation gives no second grace');
  assert.equal(session()?.status, 'active');
});

test('a cookie that comes back after its grace ends the whole session, loudly', async () => {
  const { hash, session, user } = await signedIn('stolen');
  const { cookie } = await site.identity.rotateCookie({ cookieHash: hash });
  await site.identity.confirmCookie({ cookieHash: sha256Base64url(cookie) });
  site.advance(60_001);
  assert.equal(site.core.store.facts().appCookieByHash(hash), undefined);
  await assert.rejects(site.identity.rotateCookie({ cookieHash: hash }), ended);
  assert.equal(session()?.status, 'revoked');
  assert.equal(site.core.store.facts().appCookieByHash(sha256Base64url(cookie)), undefined);
  const events = await site.store.outboxPending();
  assert.ok(events.some((event) => event.subject === user && event.severityId === 4 && event.classUid === 3001));
});

test('a thief who gets the new value himself is found out at the next rotation', async () => {
  const { hash, session } = await signedIn('shared');
  const { cookie: toThief } = await site.identity.rotateCookie({ cookieHash: hash });
  const { cookie: toOwner } = await site.identity.rotateCookie({ cookieHash: hash });
  assert.equal(toThief, toOwner);
  const shared = sha256Base64url(toOwner);
  await site.identity.confirmCookie({ cookieHash: shared });
  site.advance(15 * 60_000);
  const { cookie: next } = await site.identity.rotateCookie({ cookieHash: shared });
  await site.identity.confirmCookie({ cookieHash: sha256Base64url(next) });
  site.advance(60_001);
  await assert.rejects(site.identity.rotateCookie({ cookieHash: shared }), ended);
  assert.equal(session()?.status, 'revoked');
});

test('a value that was never a cookie rotates nothing', async () => {
  await assert.rejects(site.identity.rotateCookie({ cookieHash: sha256Base64url('made up') }), ended);
});

test('signing out at one app ends the session everywhere', async () => {
  const { browser, hash, session } = await signedIn('leaving');
  const notes = sha256Base64url((await openApp(site, { browser, resource: 'notes' })).cookie);
  const { location } = await site.identity.signOut({ cookieHash: hash });
  assert.equal(location, `${site.issuer}/signed-out`);
  assert.equal(session()?.status, 'revoked');
  assert.equal(site.core.store.facts().appCookieByHash(notes), undefined);
});

test('a session nobody uses expires by the idle time, one in use does not, and none outlives its lifetime', async () => {
  const idle = await signedIn('idle');
  const busy = await signedIn('busy');
  for (let minute = 0; minute < 61; minute += 20) {
    site.advance(20 * 60_000);
    const at = site.core.clock();
    const others = Array.from({ length: 1_200 }, (_, index) => ({ id: `unknown-${index}`, at }));
    const older = { id: busy.sessionId, at: at - 3_600_000 };
    await site.identity.sessionSeen({ sessions: [{ id: busy.sessionId, at }, ...others, older] });
    await site.identity.sessionSeen({ sessions: [older] });
  }
  await sweepSessions(site.core);
  assert.equal(idle.session()?.status, 'expired');
  assert.equal(busy.session()?.status, 'active');
  site.advance(11 * 3_600_000);
  await site.identity.sessionSeen({ sessions: [{ id: busy.sessionId, at: site.core.clock() }] });
  await sweepSessions(site.core);
  assert.equal(busy.session()?.status, 'expired');
});

test('a gateway that claims a time in the future does not keep a session alive longer', async () => {
  const { sessionId, session } = await signedIn('future');
  await site.identity.sessionSeen({ sessions: [{ id: sessionId, at: site.core.clock() + 10 * 3_600_000 }] });
  site.advance(61 * 60_000);
  await sweepSessions(site.core);
  assert.equal(session()?.status, 'expired');
});

test('every session of a user can be ended at once; a suspended user keeps none', async () => {
  const { browser, user } = await signedIn('many');
  const elsewhere = site.browser();
  elsewhere.authenticator.credentials.push(...browser.authenticator.credentials);
  await openApp(site, { browser: elsewhere, resource: 'wiki' });
  assert.equal(await revokeUserSessions(site.core, { user, reason: 'test', by: 'User::"admin"' }), 2);
  await openApp(site, { browser, resource: 'wiki' });
  await site.core.store.transact(async (transaction) => {
    const fact = await transaction.fact('user', user);
    if (fact !== undefined) await transaction.put('user', user, { ...fact, status: 'suspended' });
  });
  await sweepSessions(site.core);
  const active = site.core.store
    .facts()
    .sessionsOf(user)
    .filter(({ body }) => body.status === 'active');
  assert.deepEqual(active, []);
});
