import type { JWK } from 'jose';
import { interactionPolicy, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Session } from '#foundation/model';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { sessionClaim } from '../relying-party/finish.ts';
import { interactionLifetimeMs } from '../session-policy.ts';
import { establishSession, type Login, sessionIdOf } from '../sessions/session-facts.ts';
import { issuerOrigin } from '../site-urls.ts';
import { createAdapter } from './adapter.ts';
import { libraryCookieNames } from './cookie-airlock.ts';
import { errorPage, errorPagePolicy } from './error-page.ts';
import { SignerKey, type SignToken } from './external-key.ts';

const secondMs = 1000;
const codeLifetimeSeconds = 60;
const tokenLifetimeSeconds = 60;

/** What a finished login leaves in the interaction for `findAccount` to record. */
export interface LoginNote {
  readonly credential: Session['credential'];
  readonly provider: string;
  readonly phishingResistant: boolean;
  readonly address: string;
  readonly userAgent: string;
}

export interface ProviderNeeds {
  readonly tokenKeys: readonly JWK[];
  readonly signToken: SignToken;
}

/**
 * The embedded OpenID Provider: authorization code with PKCE S256 only, clients from facts, keys in the signer.
 * Nothing of OAuth that we do not use is switched on.
 */
export function createProvider(core: IdentityCore, needs: ProviderNeeds): Provider {
  if (needs.tokenKeys.length === 0) throw new IdentityError('unavailable', 'the signer gave no token key');
  const policy = interactionPolicy.base();
  policy.remove('consent');
  const off = { enabled: false };
  const provider = new Provider(issuerOrigin(core.urls), {
    adapter: (model: string) => createAdapter(core, model),
    jwks: { keys: needs.tokenKeys.map((jwk) => new SignerKey(jwk, needs.signToken)) },
    responseTypes: ['code'],
    scopes: ['openid'],
    claims: { openid: ['sub', sessionClaim, 'acr', 'amr'] },
    clientAuthMethods: ['client_secret_basic'],
    allowOmittingSingleRegisteredRedirectUri: false,
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    features: {
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      devInteractions: off,
      userinfo: off,
      revocation: off,
      introspection: off,
      clientCredentials: off,
      deviceFlow: off,
      registration: off,
      pushedAuthorizationRequests: off,
      requestObjects: off,
      resourceIndicators: off,
      claimsParameter: off,
      dPoP: off,
      rpInitiatedLogout: off,
    },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    cookies: {
      names: libraryCookieNames,
      // `Secure` and `__Host-` are put on by the cookie airlock; unsigned, because the values are 256 random bits.
      long: { httpOnly: true, sameSite: 'lax' },
      short: { httpOnly: true, sameSite: 'lax' },
      keys: [],
    },
    ttl: {
      AuthorizationCode: codeLifetimeSeconds,
      AccessToken: tokenLifetimeSeconds,
      IdToken: tokenLifetimeSeconds,
      Interaction: interactionLifetimeMs / secondMs,
      Session: Math.ceil(core.session.lifetimeMs / secondMs),
      Grant: Math.ceil(core.session.lifetimeMs / secondMs),
    },
    interactions: { policy, url: (_context, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant: (context) => ownGrant(context),
    findAccount: async (context, subject, token) => {
      const session = await sessionOf(core, { context, subject, tokenSessionUid: tokenSession(token) });
      if (session === undefined) return undefined;
      return { accountId: subject, claims: () => ({ sub: subject, [sessionClaim]: session }) };
    },
    renderError: (context, out) => {
      context.type = 'html';
      context.set('content-security-policy', errorPagePolicy);
      context.body = errorPage(out.error_description ?? out.error);
    },
  });
  // The site sets these from `urls` before it hands a request over; no client's header reaches the library.
  provider.proxy = true;
  return provider;
}

function tokenSession(token: unknown): string | undefined {
  const uid = (token as { sessionUid?: unknown } | undefined)?.sessionUid;
  return typeof uid === 'string' ? uid : undefined;
}

/** Every client is one of ours, so nobody is asked for consent; the grant holds `openid` and nothing else. */
async function ownGrant(context: KoaContextWithOIDC) {
  const { client, session, provider, account } = context.oidc;
  if (client === undefined || session === undefined || account === undefined) return undefined;
  const known = session.grantIdFor(client.clientId);
  const existing = known === undefined ? undefined : await provider.Grant.find(known);
  if (existing !== undefined && existing.accountId === account.accountId) return existing;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}

/**
 * The session fact behind the provider's session. Right after a login it is recorded here, because this is where the
 * provider first waits for us with the new session at hand. Undefined: no account, so no code and no token.
 */
async function sessionOf(
  core: IdentityCore,
  options: { context: KoaContextWithOIDC; subject: string; tokenSessionUid: string | undefined },
): Promise<string | undefined> {
  const { context, subject, tokenSessionUid } = options;
  const uid = tokenSessionUid ?? context.oidc.session?.uid;
  if (uid === undefined) return undefined;
  const id = sessionIdOf(uid);
  const result = (context.oidc as { result?: { login?: { ts?: number }; nullius?: LoginNote } }).result;
  if (tokenSessionUid === undefined && result?.login !== undefined) {
    if (result.nullius === undefined) return undefined;
    const { address, userAgent, ...how } = result.nullius;
    const authTime = (result.login.ts ?? 0) * secondMs;
    const login: Login = { ...how, user: subject, authTime, client: { address, userAgent } };
    await core.store.transact((transaction) => establishSession(core, { transaction, id, login }));
    return id;
  }
  const session = core.store.facts().get('session', id);
  const user = core.store.facts().get('user', subject);
  if (session === undefined || session.user !== subject || session.status !== 'active') return undefined;
  return user?.status === 'active' && session.expiresAt > core.clock() ? id : undefined;
}
