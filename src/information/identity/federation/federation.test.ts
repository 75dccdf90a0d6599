import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createIdentity, type ExternalProviderConfig, IdentityError } from '#information/identity';
import { type ExternalProviderServer, startExternalProvider } from '../../../../tests/external-provider.ts';
import { type IdentityInstallation, openInstallation } from '../../../../tests/identity-installation.ts';
import type { PasskeyClient } from '../../../../tests/passkey-client.ts';
import { readExternalPerson } from './claims.ts';

const clientSecret = 'secret-of-the-test';
const keycloakClaims = {
  name: 'Ada Lovelace',
  preferred_username: 'Ada',
  email: 'ada@example.com',
  email_verified: true,
  realm_access: { roles: ['staff', 'Has Blanks', 'administrators'] },
};
const entraClaims = {
  name: 'Grace Hopper',
  preferred_username: 'grace@contoso.example',
  email: 'grace@contoso.example',
  groups: ['6e2b5b3c-0000-4000-8000-000000000001'],
};

let keycloak: ExternalProviderServer;
let entra: ExternalProviderServer;
let site: IdentityInstallation;

const common = { clientId: 'nullius', clientSecret, scopes: ['openid', 'profile', 'email'], createUsers: true };
const keycloakConfig = (): ExternalProviderConfig => ({
  ...common,
  name: 'corp',
  displayName: 'Corp',
  issuer: keycloak.issuer,
  groupsClaim: 'realm_access.roles',
  groups: {},
  phishingResistantAmr: ['phr'],
});
const entraConfig = (): ExternalProviderConfig => ({
  ...common,
  name: 'entra',
  displayName: 'Entra',
  issuer: entra.issuer,
  groupsClaim: 'groups',
  groups: { '6e2b5b3c-0000-4000-8000-000000000001': 'engineers' },
  phishingResistantAmr: [],
});

before(async () => {
  const redirect = (name: string) => `http://id.localhost:8080/federation/${name}/callback`;
  keycloak = await startExternalProvider({
    clientSecret,
    redirectUris: [redirect('corp'), redirect('locked')],
    account: { sub: 'kc-1', claims: keycloakClaims },
  });
  entra = await startExternalProvider({
    clientSecret,
    redirectUris: [redirect('entra')],
    account: { sub: 'aad-1', claims: entraClaims },
  });
  const strict = { ...entraConfig(), name: 'closed', displayName: 'Closed', createUsers: false };
  const misnamed = { ...keycloakConfig(), name: 'misnamed', issuer: keycloak.issuer.replace('127.0.0.1', 'localhost') };
  const locked = { ...keycloakConfig(), name: 'locked', clientSecret: 'another' };
  const unreachable = { ...entraConfig(), name: 'gone', displayName: 'Gone', issuer: 'http://127.0.0.1:9' };
  site = await openInstallation({
    needs: { externalProviders: [keycloakConfig(), entraConfig(), strict, unreachable, misnamed, locked] },
  });
});
after(async () => {
  await site.close();
  await keycloak.close();
  await entra.close();
});

/** From the app to the button "continue with …": gives where the browser is sent, and the interaction. */
async function press(browser: PasskeyClient, options: { provider: string; fresh?: boolean }) {
  const begun = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/', fresh: options.fresh ?? false });
  const interaction = (await browser.send(begun.location)).headers.location ?? '';
  const { location } = await browser.call<{ location: string }>(`${interaction}/federation/${options.provider}`, {});
  return { begun, interaction, location };
}

async function signIn(
  browser: PasskeyClient,
  options: { provider: string; server: ExternalProviderServer; fresh?: boolean },
) {
  const { begun, location } = await press(browser, options);
  const back = await browser.send(await options.server.signIn(location));
  assert.equal(back.status, 303, back.body);
  const callbackUrl = await browser.authorize(back.headers.location ?? '');
  await site.identity.finishSignIn({ resource: 'wiki', callbackUrl, flow: begun.flow, userAgent: '', address: '' });
}

const userFrom = (source: string) =>
  [...site.core.store.facts().all('user')].filter(([, user]) => user.source === source);
const asHtml = { headers: { accept: 'text/html' } };

test('a person of a Keycloak-like provider signs in: made at first, groups under the prefix, e-mail if verified', async () => {
  const browser = site.browser();
  await signIn(browser, { provider: 'corp', server: keycloak });
  const [[id, user] = assert.fail()] = userFrom('corp');
  assert.equal(user.name, 'ada@corp');
  assert.equal(user.displayName, 'Ada Lovelace');
  assert.equal(user.email, 'ada@example.com');
  assert.deepEqual(user.groups, ['everyone', 'corp-staff', 'corp-administrators']);
  const [session] = site.core.store.facts().sessionsOf(id);
  assert.equal(session?.body.credential, 'federated');
  assert.equal(session?.body.provider, 'corp');
  assert.equal(session?.body.phishingResistant, false);
});

test('signing in again finds the same person by issuer and subject, and follows changed groups', async () => {
  keycloak.account = {
    sub: 'kc-1',
    claims: {
      ...keycloakClaims,
      preferred_username: 'renamed',
      email_verified: false,
      realm_access: { roles: ['night'] },
    },
  };
  await signIn(site.browser(), { provider: 'corp', server: keycloak });
  const found = userFrom('corp');
  assert.equal(found.length, 1);
  assert.equal(found[0]?.[1].email, null);
  assert.deepEqual(found[0]?.[1].groups, ['everyone', 'corp-night']);
});

test('half a character in what a provider says, or left over where it is cut, never stands in a fact', async () => {
  const claims = { ...keycloakClaims, email: `${'a'.repeat(319)}\u{1f600}`, name: 'half \ud800' };
  keycloak.account = { sub: 'kc-1', claims };
  await signIn(site.browser(), { provider: 'corp', server: keycloak });
  const [[, user] = assert.fail()] = userFrom('corp');
  assert.equal(user.email?.length, 320);
  assert.deepEqual([user.email?.isWellFormed(), user.displayName.isWellFormed()], [true, true]);
});

test('the same e-mail address and name at another provider is another person', async () => {
  entra.account = { sub: 'aad-2', claims: { ...entraClaims, preferred_username: 'ada', email: 'ada@example.com' } };
  await signIn(site.browser(), { provider: 'entra', server: entra });
  const [[id, user] = assert.fail()] = userFrom('entra');
  assert.equal(user.name, 'ada@entra');
  assert.notEqual(id, userFrom('corp')[0]?.[0]);
  assert.equal(user.email, null);
});

test('a person of an Entra-like provider gets the groups mapped by object id', async () => {
  entra.account = { sub: 'aad-1', claims: entraClaims };
  await signIn(site.browser(), { provider: 'entra', server: entra });
  const grace = userFrom('entra').find(([, user]) => user.displayName === 'Grace Hopper');
  assert.deepEqual(grace?.[1].groups, ['everyone', 'engineers']);
});

test('groups left out by Entra because they are too many ("overage") refuse the sign-in in clear words', async () => {
  entra.account = {
    sub: 'aad-3',
    claims: {
      name: 'Many',
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://graph.example' } },
    },
  };
  const browser = site.browser();
  const { location } = await press(browser, { provider: 'entra' });
  const back = await browser.send(await entra.signIn(location), asHtml);
  assert.equal(back.status, 403);
  assert.match(back.body, /left your groups out because they are too many/);
  entra.account = { sub: 'aad-1', claims: entraClaims };
});

test('a provider that may not make users lets only people in who have an account', async () => {
  const person = {
    subject: 'x',
    preferredName: null,
    displayName: null,
    email: null,
    groups: [],
    phishingResistant: false,
    authTime: 0,
  };
  const { externalUser } = await import('./external-user.ts');
  const config = { ...entraConfig(), createUsers: false };
  await assert.rejects(
    externalUser(site.core, { config, person, client: { address: '', userAgent: '' } }),
    /ask an administrator to invite you/,
  );
});

test('an answer meant for one provider is refused at the callback of another (mix-up)', async () => {
  const browser = site.browser();
  const { location } = await press(browser, { provider: 'corp' });
  const back = (await keycloak.signIn(location)).replace('/federation/corp/', '/federation/entra/');
  const again = await browser.send(back, asHtml);
  assert.equal(again.status, 410);
  const [, style = ''] = /<style>(.*)<\/style>/s.exec(again.body) ?? [];
  const policy = String(again.headers['content-security-policy']);
  assert.ok(
    policy.includes(`'sha256-${hash('sha256', style, 'base64')}'`),
    'a page of ours, whose one style its policy names',
  );
});

test('an answer with another iss, state or code is refused', async () => {
  const bend = async (parameter: string, value: string) => {
    const browser = site.browser();
    const { location } = await press(browser, { provider: 'corp' });
    const url = new URL(await keycloak.signIn(location));
    url.searchParams.set(parameter, value);
    return (await browser.send(url.href, asHtml)).status;
  };
  assert.equal(await bend('iss', 'https://evil.example'), 403);
  assert.equal(await bend('state', 'x'), 410);
  assert.equal(await bend('code', 'x'), 403);
});

test('an ID token with another nonce is refused', async () => {
  const browser = site.browser();
  const { location } = await press(browser, { provider: 'corp' });
  const url = new URL(location);
  url.searchParams.set('nonce', 'planted');
  assert.equal((await browser.send(await keycloak.signIn(url.href), asHtml)).status, 403);
});

test("a callback in another browser is refused: an attacker's sign-in cannot be planted (login CSRF)", async () => {
  const attacker = site.browser();
  const { location } = await press(attacker, { provider: 'corp' });
  const back = await keycloak.signIn(location);
  const victim = site.browser();
  assert.equal((await victim.send(back, asHtml)).status, 410);
  // The cookie of the flow alone, however it got there, is not enough either: the interaction is of another browser.
  const host = 'id.localhost:8080';
  for (const [name, value] of attacker.cookies(host)) {
    if (!name.startsWith('__Host-id_interaction-')) victim.cookies(host).set(name, value);
  }
  assert.match((await victim.send(back, asHtml)).body, /begun in another browser/);
});

test('a callback is accepted once', async () => {
  const browser = site.browser();
  const { location } = await press(browser, { provider: 'corp' });
  const back = await keycloak.signIn(location);
  const cookies = new Map(browser.cookies('id.localhost:8080'));
  assert.equal((await browser.send(back)).status, 303);
  for (const [name, value] of cookies) browser.cookies('id.localhost:8080').set(name, value);
  assert.equal((await browser.send(back, asHtml)).status, 410);
});

test('a suspended person is refused though their provider lets them in', async () => {
  const [[id, user] = assert.fail()] = userFrom('corp');
  await site.core.store.transact((transaction) => transaction.put('user', id, { ...user, status: 'suspended' }));
  const browser = site.browser();
  const { location } = await press(browser, { provider: 'corp' });
  const back = await browser.send(await keycloak.signIn(location), asHtml);
  assert.equal(back.status, 403);
  await site.core.store.transact((transaction) => transaction.put('user', id, user));
});

test('a federated person cannot add a passkey that would outlive their account there', async () => {
  const browser = site.browser();
  await signIn(browser, { provider: 'corp', server: keycloak, fresh: true });
  const reply = await browser.send(`${site.issuer}/account/passkeys/options`, { body: {} });
  assert.equal(reply.status, 403);
  assert.match(reply.body, /kept by `corp`/);
});

test('a provider that cannot be reached is a clear error', async () => {
  const browser = site.browser();
  const begun = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/', fresh: false });
  const interaction = (await browser.send(begun.location)).headers.location ?? '';
  const reply = await browser.send(`${site.issuer}${interaction}/federation/gone`, { body: {} });
  assert.equal(reply.status, 502);
  assert.match(reply.body, /does not answer as an OpenID Provider/);
});

test('who operates this is told why a provider fails, on stderr and in the event: away, another issuer, another secret', async () => {
  const failing = async (provider: string) => {
    const browser = site.browser();
    const begun = await site.identity.beginSignIn({ resource: 'wiki', returnTo: '/', fresh: false });
    const interaction = (await browser.send(begun.location)).headers.location ?? '';
    const reply = await browser.send(`${site.issuer}${interaction}/federation/${provider}`, { body: {} });
    if (reply.status === 200) {
      const { location } = JSON.parse(reply.body) as { location: string };
      await browser.send(await keycloak.signIn(location), asHtml);
    }
    const event = site.emitted.at(-1)?.payload as { status_detail?: string } | undefined;
    return { line: String(site.errors.at(-1)), detail: event?.status_detail ?? '' };
  };
  const cases: [provider: string, words: RegExp][] = [
    ['gone', /sign-in through `gone` failed: .*(bad port|ECONNREFUSED)/],
    ['misnamed', /it calls itself `http:\/\/127\.0\.0\.1:\d+`: write exactly that as `issuer`/],
    ['locked', /sign-in through `locked` failed: it answered `invalid_client`/],
  ];
  for (const [provider, words] of cases) {
    const { line, detail } = await failing(provider);
    assert.match(line, words);
    assert.ok(detail.endsWith(`(${line.slice(line.indexOf(' failed: ') + 9)})`), detail);
  }
});

test('of an error that a browser brings back only a code that the standards know is told', async () => {
  const cases: [code: string, words: RegExp][] = [
    ['temporarily_unavailable', /failed: it answered `temporarily_unavailable`$/],
    ['interaction_required', /failed: it answered `interaction_required`$/],
    ['call_this_number_now', /failed: it answered an error of its own$/],
  ];
  for (const [code, words] of cases) {
    const browser = site.browser();
    const { location } = await press(browser, { provider: 'corp' });
    const back = new URL(await keycloak.signIn(location));
    back.searchParams.delete('code');
    back.searchParams.set('error', code);
    await browser.send(back.href, asHtml);
    assert.match(String(site.errors.at(-1)), words);
  }
});

test('an http issuer that is not loopback is refused at start', () => {
  const config = { ...keycloakConfig(), issuer: 'http://login.example.com' };
  const needs = { core: site.core, externalProviders: [config] } as unknown as Parameters<typeof createIdentity>[0];
  assert.throws(() => createIdentity(needs), IdentityError);
});

test('readExternalPerson() takes phishing resistance only from listed amr or acr, e-mail only when verified is true', () => {
  const config = keycloakConfig();
  const base = { sub: 's', email: 'a@b', realm_access: { roles: [] } };
  assert.equal(readExternalPerson({ ...base, amr: ['phr'] }, config).phishingResistant, true);
  assert.equal(readExternalPerson({ ...base, acr: 'phr' }, config).phishingResistant, true);
  assert.equal(readExternalPerson({ ...base, amr: ['pwd', 'mfa'], acr: 'high' }, config).phishingResistant, false);
  assert.equal(readExternalPerson({ ...base, email_verified: 'true' }, config).email, null);
  assert.equal(readExternalPerson({ ...base, email_verified: true }, config).email, 'a@b');
});

test('readExternalPerson() refuses groups of another shape, and never leaves the prefix', () => {
  const config = keycloakConfig();
  for (const roles of [{ a: 1 }, [1], 5, Array.from({ length: 1000 }, (_, i) => `g${i}`)]) {
    assert.throws(() => readExternalPerson({ sub: 's', realm_access: { roles } }, config), IdentityError);
  }
  const { groups } = readExternalPerson(
    { sub: 's', realm_access: { roles: ['../administrators', '', 'ok', 'UPPER'] } },
    config,
  );
  assert.deepEqual(groups, ['corp-ok']);
  assert.throws(() => readExternalPerson({ sub: 's', hasgroups: true }, config), /too many/);
});
