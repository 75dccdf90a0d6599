import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createInvitation } from '#information/identity';
import { type IdentityInstallation, openInstallation } from '../../../tests/identity-installation.ts';

let site: IdentityInstallation;
before(async () => {
  site = await openInstallation();
});
after(() => site.close());

async function enrolled(name: string) {
  const invitation = await createInvitation(site.core, {
    request: { groups: [], admin: false },
    by: 'Workload::"local-operator"',
  });
  const browser = site.browser();
  await browser.enrol(invitation.url, { name });
  return browser;
}

test('a person enrols by a link, signs in by passkey and gets an app cookie for the host they asked for', async () => {
  const browser = await enrolled('ada');
  browser.cookies(new URL(site.issuer).host).clear();
  const begun = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/page?x=1', fresh: false });
  const callbackUrl = await browser.authorize(begun.location);
  assert.ok(callbackUrl.startsWith('http://wiki.localhost:8080/.nullius/callback?'));
  const done = await site.identity.finishSignIn({
    resource: 'wiki',
    callbackUrl,
    flow: begun.flow,
    userAgent: 'test',
    address: '127.0.0.1',
  });
  assert.equal(done.returnTo, '/page?x=1');
  assert.equal(Buffer.from(done.cookie, 'base64url').length, 32);
  assert.equal(site.signed.length > 0, true);
  assert.deepEqual(site.errors, []);
});
