import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalEvent, Resource } from '#foundation/model';
import {
  createIdentity,
  createInvitation,
  type Identity,
  type IdentityCore,
  type IdentityNeeds,
  issuerOrigin,
} from '#information/identity';
import { followStore, openStore, type Store } from '#shell/store';
import { identityStore } from '../src/shell/control/identity/index.ts';
import { fakeDataKeys } from './fakes/data-keys.ts';
import { PasskeyClient } from './passkey-client.ts';

/** Sign-in over a real store and real HTTP, with a clock that tests move. */
export interface IdentityInstallation {
  readonly identity: Identity;
  readonly core: IdentityCore;
  readonly store: Store;
  /** Events emitted outside transactions. */
  readonly emitted: JournalEvent[];
  readonly signed: string[];
  readonly errors: unknown[];
  readonly connect: { host: string; port: number };
  readonly issuer: string;
  browser(): PasskeyClient;
  advance(ms: number): void;
  close(): Promise<void>;
}

export interface InstallationOptions {
  readonly urls?: IdentityCore['urls'];
  readonly needs?: Partial<IdentityNeeds>;
}

export const testApp: Resource = {
  kind: 'app',
  displayName: 'Wiki',
  description: '',
  segment: null,
  upstream: 'http://127.0.0.1:9',
  allowPrivate: true,
  preserveHost: false,
  routes: [],
  corsPreflight: false,
  crossOriginCookie: false,
  requestable: false,
  origin: 'config',
};

export async function openInstallation(options: InstallationOptions = {}): Promise<IdentityInstallation> {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-identity-'));
  let offset = 0;
  const clock = () => Date.now() + offset;
  const store = await openStore({ path: join(folder, 'nullius.sqlite'), clock, dataKeys: fakeDataKeys() });
  const live = await followStore(store, { clock, onError: (error) => errors.push(error) });
  const emitted: JournalEvent[] = [];
  const errors: unknown[] = [];
  const signed: string[] = [];
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const core: IdentityCore = {
    urls: options.urls ?? { domain: 'localhost', appsDomain: 'localhost', scheme: 'http', port: 8080 },
    store: identityStore(store, live),
    clock,
    random: (count) => randomBytes(count),
    emit: async (event) => {
      emitted.push(event);
    },
    secret: randomBytes(32),
    session: { lifetimeMs: 12 * 3_600_000, idleMs: 3_600_000 },
  };
  const page = { body: Buffer.from('<!doctype html><title>page</title>'), contentType: 'text/html', immutable: false };
  const identity = createIdentity({
    core,
    tokenKeys: [{ ...publicKey.export({ format: 'jwk' }), kty: 'EC', kid: 'token-1', alg: 'ES256', use: 'sig' }],
    signToken: async ({ signingInput }) => {
      signed.push(signingInput);
      const signature = createSign('sha256').update(signingInput).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' });
      return { signature: signature.toString('base64url') };
    },
    signAssertions: async ({ claims }) => ({ signed: claims.map((each) => ({ jwt: JSON.stringify(each) })) }),
    externalProviders: [],
    page: () => page,
    asset: () => undefined,
    onError: (error) => errors.push(error),
    ...options.needs,
  });
  await store.commit([
    { kind: 'resource', id: 'wiki', body: testApp },
    { kind: 'resource', id: 'notes', body: { ...testApp, displayName: 'Notes' } },
  ]);
  const server = createServer(identity.site);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connect = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const issuer = issuerOrigin(core.urls);
  await live.reach((await store.head()).revision);
  return {
    identity,
    core,
    store,
    emitted,
    signed,
    errors,
    connect,
    issuer,
    browser: () => new PasskeyClient({ issuer, connect }),
    advance: (ms) => {
      offset += ms;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await live.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody with a passkey, signed in at the sign-in site in a browser of their own. */
export async function enrolPerson(
  site: IdentityInstallation,
  options: { name: string; admin?: boolean },
): Promise<{ browser: PasskeyClient; user: string }> {
  const invitation = await createInvitation(site.core, {
    request: { groups: [], admin: options.admin ?? false },
    by: 'Workload::"local-operator"',
  });
  const browser = site.browser();
  await browser.enrol(invitation.url, { name: options.name });
  const [user] = [...site.core.store.facts().all('user')].find(([, body]) => body.name === options.name) ?? [];
  if (user === undefined) throw new Error(`${options.name} did not enrol`);
  return { browser, user };
}

/** Signs in to an app as its gateway would; gives the app cookie. */
export async function openApp(
  site: IdentityInstallation,
  options: { browser: PasskeyClient; resource: string; fresh?: boolean },
): Promise<{ cookie: string; returnTo: string }> {
  const { resource } = options;
  const begun = await site.identity.beginSignIn({ resource, returnTo: '/', fresh: options.fresh ?? false });
  const callbackUrl = await options.browser.authorize(begun.location);
  return site.identity.finishSignIn({
    resource,
    callbackUrl,
    flow: begun.flow,
    userAgent: 'test',
    address: '127.0.0.1',
  });
}
