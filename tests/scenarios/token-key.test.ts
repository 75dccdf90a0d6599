// Rotating the token key of a running product: nobody is signed out, nothing restarts, and what a leaked key signed is dead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { eventually } from '../faults/product.ts';
import { type Installation, installationFor, startApp } from '../installation.ts';
import type { PasskeyClient } from '../passkey-client.ts';

interface KeyView {
  readonly purpose: string;
  readonly id: string;
  readonly state: string;
}

async function rotate(installation: Installation, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await installation.cli('key', 'rotate-token', ...args);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

test('the token key rotates under the running product', async (t) => {
  const app = await startApp(t);
  const installation = await installationFor(t);
  const added = await installation.cli('protect', app.origin, '--as', 'wiki');
  assert.equal(added.code, 0, added.stderr);
  const ada = installation.person();
  await ada.enrol(installation.firstAdministrator, { name: 'ada' });
  const wiki = installation.appOrigin('wiki');
  const assertionAt = async (person: PasskeyClient) => {
    const isKnown = person.cookies(new URL(wiki).host).size > 0;
    const { status, body } = await (isKnown ? person.send(`${wiki}/`) : person.open(wiki));
    assert.equal(status, 200, body);
    return String((JSON.parse(body) as { headers: Record<string, string> }).headers['nullius-assertion']);
  };
  const jwks = async () =>
    JSON.parse((await installation.person().send(`${installation.issuer}/jwks`)).body) as JSONWebKeySet;
  const verify = async (jwt: string) =>
    jwtVerify(jwt, createLocalJWKSet(await jwks()), { issuer: installation.issuer, audience: wiki });
  const kidOf = (jwt: string) => decodeProtectedHeader(jwt).kid;

  await ada.open(installation.consoleOrigin);
  const first = await assertionAt(ada);
  await verify(first);

  await t.test('an announced key is in the JWK set and does not sign yet', async () => {
    const id = await rotate(installation, '--lead', '1h');
    assert.deepEqual(
      (await jwks()).keys.map(({ kid }) => kid),
      [kidOf(first), id],
    );
    const again = await installation.cli('key', 'rotate-token');
    assert.equal(again.code, 3, 'one at a time');
    assert.match(again.stderr, /announced already/);
    const grace = installation.person();
    await grace.enrol((await installation.cli('user', 'invite', 'grace', '--admin')).stdout.trim(), { name: 'grace' });
    assert.equal(kidOf(await assertionAt(grace)), kidOf(first));
  });

  await t.test('after a leak only the new key counts, the signed in stay so and sign-in works', async () => {
    const id = await rotate(installation, '--leaked');
    assert.deepEqual(
      (await jwks()).keys.map(({ kid }) => kid),
      [id],
    );
    await assert.rejects(verify(first), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
    const fresh = await eventually(async () => {
      const jwt = await assertionAt(ada);
      return kidOf(jwt) === id && jwt;
    }, 'assertions are signed by the new key');
    await verify(fresh);
    const me = await ada.send(`${installation.consoleOrigin}/api/v1/me`, { headers: { accept: 'application/json' } });
    assert.equal(me.status, 200, 'the console believes the new key');
    const eve = installation.person();
    await eve.enrol((await installation.cli('user', 'invite', 'eve', '--admin')).stdout.trim(), { name: 'eve' });
    await verify(await assertionAt(eve));
  });

  await t.test(
    'a key that rotates without a lead signs at once, and what the old one signed still verifies',
    async () => {
      const before = await assertionAt(ada);
      const id = await rotate(installation, '--lead', '0s');
      await verify(before);
      const tom = installation.person();
      await tom.enrol((await installation.cli('user', 'invite', 'tom', '--admin')).stdout.trim(), { name: 'tom' });
      assert.equal(kidOf(await assertionAt(tom)), id);
      const { stdout } = await installation.cli('key', 'list', '--json');
      const { held } = JSON.parse(stdout) as { held: KeyView[] };
      assert.deepEqual(
        held.filter(({ purpose }) => purpose === 'token').map(({ id: each, state }) => [each, state]),
        [
          [kidOf(before), 'retiring'],
          [id, 'signing'],
        ],
      );
      assert.doesNotMatch(stdout, /"d"|wrapped/);
    },
  );
});
