import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

/** Somebody at the external provider: their claims, in whatever shape that provider uses. */
export interface ExternalAccount {
  readonly sub: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly amr?: readonly string[];
}

export interface ExternalProviderServer {
  readonly issuer: string;
  /** Who signs in next, without being asked. */
  account: ExternalAccount;
  /** Follows the provider's own redirects until the browser is sent away; gives that URL. */
  signIn(location: string): Promise<string>;
  close(): Promise<void>;
}

/** A second, real OpenID Provider over loopback HTTP, which signs in `account` without a question. */
export async function startExternalProvider(options: {
  clientSecret: string;
  redirectUris: string[];
  account: ExternalAccount;
}): Promise<ExternalProviderServer> {
  let handler: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  const server = createServer((request, response) => handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const running: ExternalProviderServer = {
    issuer,
    account: options.account,
    signIn: (location) => signIn(issuer, location),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'nullius',
        client_secret: options.clientSecret,
        redirect_uris: options.redirectUris,
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    jwks: {
      keys: [{ ...privateKey.export({ format: 'jwk' }), kty: 'RSA', alg: 'RS256', use: 'sig', kid: 'external' }],
    },
    features: { devInteractions: { enabled: false } },
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: {
      openid: ['sub', 'amr', 'groups', 'realm_access', '_claim_names', '_claim_sources', 'hasgroups'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ ...running.account.claims, sub }),
    }),
    loadExistingGrant: async (context) => {
      const { client, session } = context.oidc;
      const grant = new provider.Grant({ clientId: client?.clientId ?? '', accountId: session?.accountId ?? '' });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  handler = (request, response) => {
    if (!request.url?.startsWith('/interaction/')) {
      void callback(request, response);
      return;
    }
    const { sub, amr } = running.account;
    void provider.interactionFinished(request, response, {
      login: { accountId: sub, ...(amr === undefined ? {} : { amr: [...amr] }) },
    });
  };
  return running;
}

async function signIn(issuer: string, location: string): Promise<string> {
  const jar = new Map<string, string>();
  let next = location;
  for (let hop = 0; hop < 10; hop += 1) {
    if (new URL(next).origin !== issuer) return next;
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(next, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const equals = pair.indexOf('=');
      jar.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
    const target = response.headers.get('location');
    if (target === null) throw new Error(`${next}: ${response.status} ${(await response.text()).slice(0, 300)}`);
    next = new URL(target, next).href;
  }
  throw new Error('too many redirects');
}
