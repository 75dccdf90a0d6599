import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import type Provider from 'oidc-provider';
import { calculatePKCECodeChallenge } from 'openid-client';
import { z } from 'zod';
import { toBase64url } from '#foundation/encoding';
import {
  addPasskey,
  addPasskeyOptions,
  type Holder,
  listPasskeys,
  removePasskey,
  renamePasskey,
} from '../accounts/passkeys.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { accountClient } from '../provider/client-metadata.ts';
import { createRecoveryCodes, recoveryCodesLeft, spendRecoveryCode } from '../recovery/recovery-codes.ts';
import { revokeSession } from '../sessions/revoke.ts';
import { issuerOrigin, resourceOrigin } from '../site-urls.ts';
import { addressPrefix } from './address-prefix.ts';
import { attestationSchema } from './enrol-routes.ts';
import { answerJson, type Exchange, readJson, redirect } from './http.ts';
import { currentSession, requireFresh, type SiteSession, startSession } from './login.ts';
import type { RateLimit } from './rate-limit.ts';

interface AccountNeeds {
  readonly core: IdentityCore;
  readonly provider: Provider;
  /** Guesses of recovery codes, by account and by address. */
  readonly recoveryGuesses: RateLimit;
}

type Handler = (needs: AccountNeeds, exchange: Exchange) => Promise<void>;

async function requireSession(needs: AccountNeeds, exchange: Exchange): Promise<SiteSession> {
  const session = await currentSession(needs.core, { provider: needs.provider, ...exchange });
  if (session === undefined) throw new IdentityError('session-ended', 'sign in to see your account');
  return session;
}

/** For everything but adding a passkey: a session by recovery code may do nothing else. */
async function requireFullSession(needs: AccountNeeds, exchange: Exchange): Promise<SiteSession> {
  const session = await requireSession(needs, exchange);
  if (session.fact.credential === 'recovery') {
    throw new IdentityError('forbidden', 'after a recovery code you can only add a passkey; then sign in with it');
  }
  return session;
}

const holderOf = (session: SiteSession, exchange: Exchange): Holder => ({
  user: session.fact.user,
  session: session.id,
  client: { address: exchange.address, userAgent: exchange.userAgent },
});

/** What the account page shows. */
export const accountView: Handler = async (needs, exchange) => {
  const { core } = needs;
  const session = await requireSession(needs, exchange);
  const recovering = session.fact.credential === 'recovery';
  const sessions = recovering
    ? []
    : core.store
        .facts()
        .sessionsOf(session.fact.user)
        .filter(({ body }) => body.status === 'active' && body.expiresAt > core.clock())
        .map(({ id, body: { createdAt, authTime, expiresAt, userAgent, credential, provider } }) => ({
          ...{ id, createdAt, authTime, expiresAt, userAgent, credential, provider },
          current: id === session.id,
        }));
  answerJson(exchange, {
    name: session.user.name,
    displayName: session.user.displayName,
    source: session.user.source,
    recovering,
    passkeys: await listPasskeys(core, session.fact.user),
    recoveryCodesLeft: await recoveryCodesLeft(core, session.fact.user),
    sessions,
    console: core.store.facts().get('resource', 'console') === undefined ? null : resourceOrigin(core.urls, 'console'),
  });
};

/** Begins sign-in for the account page itself; `?fresh` asks for a new proof. Its code is thrown away: the provider's own cookie counts. */
export const accountSignIn: Handler = async (needs, exchange) => {
  const { core } = needs;
  const issuer = issuerOrigin(core.urls);
  const url = new URL('/auth', issuer);
  url.search = new URLSearchParams({
    client_id: accountClient,
    redirect_uri: `${issuer}/account/callback`,
    response_type: 'code',
    scope: 'openid',
    state: toBase64url(core.random(16)),
    code_challenge: await calculatePKCECodeChallenge(toBase64url(core.random(32))),
    code_challenge_method: 'S256',
    ...(exchange.url.searchParams.has('fresh') ? { prompt: 'login', max_age: '0' } : {}),
  }).toString();
  redirect(exchange, url.href);
};

const addPasskeyOptionsRoute: Handler = async (needs, exchange) => {
  const session = await requireSession(needs, exchange);
  requireFresh(needs.core, session);
  answerJson(exchange, await addPasskeyOptions(needs.core, holderOf(session, exchange)));
};

const nameSchema = z.string().trim().min(1).max(100);
const addSchema = z.strictObject({ name: nameSchema, response: attestationSchema });

const addPasskeyRoute: Handler = async (needs, exchange) => {
  const { core } = needs;
  const session = await requireSession(needs, exchange);
  requireFresh(core, session);
  const { name, response } = await readJson(exchange.request, addSchema);
  const holder = holderOf(session, exchange);
  await addPasskey(core, { holder, name, response: response as RegistrationResponseJSON });
  const recovering = session.fact.credential === 'recovery';
  if (recovering) {
    await revokeSession(core, { id: session.id, reason: 'recovery is finished', by: `User::"${holder.user}"` });
  }
  answerJson(exchange, { signInAgain: recovering });
};

const idSchema = z.strictObject({ id: z.string().max(1400) });
const renameSchema = z.strictObject({ id: z.string().max(1400), name: nameSchema });

const renamePasskeyRoute: Handler = async (needs, exchange) => {
  const session = await requireFullSession(needs, exchange);
  const body = await readJson(exchange.request, renameSchema);
  await renamePasskey(needs.core, { holder: holderOf(session, exchange), ...body });
  answerJson(exchange, {});
};

const removePasskeyRoute: Handler = async (needs, exchange) => {
  const session = await requireFullSession(needs, exchange);
  requireFresh(needs.core, session);
  const { id } = await readJson(exchange.request, idSchema);
  await removePasskey(needs.core, { holder: holderOf(session, exchange), id });
  answerJson(exchange, {});
};

const recoveryCodesRoute: Handler = async (needs, exchange) => {
  const session = await requireFullSession(needs, exchange);
  requireFresh(needs.core, session);
  if (session.user.source !== 'local') {
    throw new IdentityError('forbidden', `your account is kept by \`${session.user.source}\`; recover it there`);
  }
  const { user, client } = holderOf(session, exchange);
  answerJson(exchange, { codes: await createRecoveryCodes(needs.core, { user, client }) });
};

const revokeSessionRoute: Handler = async (needs, exchange) => {
  const session = await requireFullSession(needs, exchange);
  const { id } = await readJson(exchange.request, idSchema);
  const target = needs.core.store.facts().get('session', id);
  if (target?.user !== session.fact.user) throw new IdentityError('not-found', 'there is no such session of yours');
  const by = `User::"${session.fact.user}"`;
  await revokeSession(needs.core, { id, reason: 'ended on the account page', by });
  answerJson(exchange, {});
};

const signOutRoute: Handler = async (needs, exchange) => {
  const session = await currentSession(needs.core, { provider: needs.provider, ...exchange });
  if (session !== undefined) {
    await revokeSession(needs.core, { id: session.id, reason: 'signed out', by: `User::"${session.fact.user}"` });
  }
  answerJson(exchange, {});
};

const recoverySchema = z.strictObject({ name: z.string().max(128), code: z.string().max(64) });

/** Signs in by a recovery code, for one purpose: to add a passkey. Loud in the log. */
const recoveryRoute: Handler = async (needs, exchange) => {
  const { core } = needs;
  const request = await readJson(exchange.request, recoverySchema);
  const client = { address: exchange.address, userAgent: exchange.userAgent };
  const allowed =
    needs.recoveryGuesses.take(`address ${addressPrefix(client.address)}`) &&
    needs.recoveryGuesses.take(`account ${request.name}`);
  if (!allowed) throw new IdentityError('rate-limited', 'too many recovery attempts; wait 15 minutes');
  const user = await spendRecoveryCode(core, { ...request, client });
  await startSession(core, {
    provider: needs.provider,
    request: exchange.request,
    response: exchange.response,
    login: {
      user,
      credential: 'recovery',
      provider: 'local',
      phishingResistant: false,
      authTime: core.clock(),
      client,
    },
  });
  answerJson(exchange, { location: '/account' });
};

/** POST routes under `/account/` and `/recover`, by path. */
export const accountRoutes: Readonly<Record<string, Handler>> = {
  'account/passkeys/options': addPasskeyOptionsRoute,
  'account/passkeys/add': addPasskeyRoute,
  'account/passkeys/rename': renamePasskeyRoute,
  'account/passkeys/remove': removePasskeyRoute,
  'account/recovery-codes': recoveryCodesRoute,
  'account/sessions/revoke': revokeSessionRoute,
  'account/sign-out': signOutRoute,
  recover: recoveryRoute,
};
