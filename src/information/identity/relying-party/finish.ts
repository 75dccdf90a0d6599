import { authorizationCodeGrant } from 'openid-client';
import { sha256Base64url } from '#foundation/crypto';
import { authenticationEvent, type Client } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { row } from '../record-kinds.ts';
import { createAppCookie } from '../sessions/app-cookie.ts';
import { callbackUrl } from '../site-urls.ts';
import { type Flow, openFlow } from './flow.ts';
import { type ProviderFetch, providerClient } from './provider-client.ts';

/** ID token claim that names the session fact of the login. */
export const sessionClaim = 'nullius_session';

export interface FinishRequest {
  readonly resource: string;
  /** Attacker-controlled. */
  readonly callbackUrl: string;
  /** Attacker-controlled. */
  readonly flow: string;
  readonly userAgent: string;
  readonly address: string;
}

/**
 * Finishes sign-in for an app host. Order: the flow cookie must be ours and for this host; the state is used up; the
 * response must carry our issuer (RFC 9207) and our state; the code is redeemed with our verifier; the ID token's
 * signature, audience, nonce and times are checked; then the session it names must still be active.
 */
export async function finishSignIn(
  core: IdentityCore,
  options: { request: FinishRequest; fetch: ProviderFetch },
): Promise<{ cookie: string; returnTo: string }> {
  const { request } = options;
  const client: Client = { address: request.address, userAgent: request.userAgent };
  try {
    const flow = openFlow(core, { sealed: request.flow, party: request.resource });
    await spendState(core, flow);
    const claims = await redeem(core, { ...options, flow });
    const cookie = await core.store.transact(async (transaction) => {
      const session = await transaction.fact('session', claims.session);
      const user = session === undefined ? undefined : await transaction.fact('user', session.user);
      if (session === undefined || session.user !== claims.subject || session.status !== 'active') {
        throw new IdentityError('session-ended', 'this session has ended; sign in again');
      }
      if (user?.status !== 'active' || session.expiresAt <= core.clock()) {
        throw new IdentityError('session-ended', 'this session has ended; sign in again');
      }
      return createAppCookie(core, { transaction, session: claims.session, resource: request.resource });
    });
    return { cookie, returnTo: flow.returnTo };
  } catch (error) {
    const refusal =
      error instanceof IdentityError
        ? error
        : new IdentityError('sign-in-refused', 'sign-in could not be finished; begin again', { cause: error });
    await core.emit(
      authenticationEvent(core, {
        user: null,
        success: false,
        message: `sign-in to ${request.resource} refused`,
        reason: refusal.code,
        protocol: 'OpenID',
        client,
      }),
    );
    throw refusal;
  }
}

/** A flow finishes once, whatever comes of it; two racing callbacks cannot both go on. */
async function spendState(core: IdentityCore, flow: Flow): Promise<void> {
  const first = await core.store.transact(({ records }) =>
    records.insert(
      row('used-state', { id: sha256Base64url(flow.state), body: {}, expiresAt: flow.expiresAt + 60_000 }),
    ),
  );
  if (!first) throw new IdentityError('expired', 'this sign-in was finished before; begin again');
}

async function redeem(
  core: IdentityCore,
  options: { request: FinishRequest; fetch: ProviderFetch; flow: Flow },
): Promise<{ subject: string; session: string }> {
  const { request, flow } = options;
  const expected = new URL(callbackUrl(core.urls, request.resource));
  const callback = URL.canParse(request.callbackUrl) ? new URL(request.callbackUrl) : undefined;
  if (callback === undefined || callback.origin !== expected.origin || callback.pathname !== expected.pathname) {
    throw new IdentityError('invalid-request', 'the browser came back to an address that is not the callback');
  }
  const configuration = providerClient(core, { resource: request.resource, fetch: options.fetch });
  const tokens = await authorizationCodeGrant(configuration, callback, {
    expectedState: flow.state,
    expectedNonce: flow.nonce,
    pkceCodeVerifier: flow.verifier,
    idTokenExpected: true,
    ...(flow.fresh ? { maxAge: 300 } : {}),
  });
  const claims = tokens.claims();
  const session = claims?.[sessionClaim];
  if (claims === undefined || typeof session !== 'string') {
    throw new IdentityError('sign-in-refused', 'the provider named no session; begin again');
  }
  return { subject: claims.sub, session };
}
