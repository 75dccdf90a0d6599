import { authorizationCodeGrant, buildAuthorizationUrl, calculatePKCECodeChallenge } from 'openid-client';
import { sha256Base64url } from '#foundation/crypto';
import type { Client } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { row } from '../record-kinds.ts';
import { type Flow, newFlow, openFlow, sealFlow } from '../relying-party/flow.ts';
import { freshMs } from '../session-policy.ts';
import { issuerOrigin } from '../site-urls.ts';
import { type ExternalPerson, readExternalPerson } from './claims.ts';
import type { ExternalProvider } from './external-provider.ts';
import { externalUser } from './external-user.ts';

const secondMs = 1000;

const partyOf = (provider: ExternalProvider) => `federation:${provider.config.name}`;

/** A redirect URI per provider, so that one provider's answer cannot be taken for another's (RFC 9700 section 4.4). */
function redirectUri(core: IdentityCore, provider: ExternalProvider): string {
  return `${issuerOrigin(core.urls)}/federation/${provider.config.name}/callback`;
}

/** Short name of a flow's cookie, so that sign-ins in two tabs do not overwrite each other. */
export function flowName(state: string): string {
  return sha256Base64url(state).slice(0, 22);
}

/** Begins sign-in at an external provider for an interaction of ours. */
export async function beginFederated(
  core: IdentityCore,
  options: { provider: ExternalProvider; interaction: string; fresh: boolean },
): Promise<{ location: string; flow: string; name: string }> {
  const { provider, fresh } = options;
  const configuration = await provider.configuration();
  const flow = newFlow(core, { party: partyOf(provider), returnTo: options.interaction, fresh });
  const location = buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri(core, provider),
    scope: provider.config.scopes.join(' '),
    state: flow.state,
    nonce: flow.nonce,
    code_challenge: await calculatePKCECodeChallenge(flow.verifier),
    code_challenge_method: 'S256',
    // Asking for a bound makes the provider say when the person proved who they are (`auth_time`).
    max_age: fresh ? '0' : String(Math.ceil(core.session.lifetimeMs / secondMs)),
    ...(fresh ? { prompt: 'login' } : {}),
  });
  return { location: location.href, flow: sealFlow(core, flow), name: flowName(flow.state) };
}

export interface FederatedLogin {
  readonly interaction: string;
  readonly user: string;
  readonly person: ExternalPerson;
}

/** Opens the flow a callback belongs to, and uses it up. */
export async function openFederated(
  core: IdentityCore,
  options: { provider: ExternalProvider; sealed: string },
): Promise<Flow> {
  const flow = openFlow(core, { sealed: options.sealed, party: partyOf(options.provider) });
  const id = sha256Base64url(flow.state);
  const first = await core.store.transact(({ records }) =>
    records.insert(row('used-state', { id, body: {}, expiresAt: flow.expiresAt + 60_000 })),
  );
  if (!first) throw new IdentityError('expired', 'this sign-in was finished before; begin again');
  return flow;
}

/**
 * Finishes sign-in at an external provider: state, `iss` where the provider sends it, code with our verifier, the ID
 * token's signature, audience, nonce and times; then the person behind it.
 */
export async function finishFederated(
  core: IdentityCore,
  options: { provider: ExternalProvider; flow: Flow; callback: URL; client: Client },
): Promise<FederatedLogin> {
  const { provider, flow, client } = options;
  const configuration = await provider.configuration();
  const callback = new URL(redirectUri(core, provider));
  callback.search = options.callback.search;
  let claims: Readonly<Record<string, unknown>> | undefined;
  try {
    const tokens = await authorizationCodeGrant(configuration, callback, {
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      pkceCodeVerifier: flow.verifier,
      idTokenExpected: true,
      ...(flow.fresh ? { maxAge: freshMs / secondMs } : {}),
    });
    claims = tokens.claims();
  } catch (cause) {
    const said = cause instanceof Error && 'error' in cause && cause.error === 'access_denied';
    throw new IdentityError(
      'sign-in-refused',
      said
        ? `\`${provider.config.displayName}\` did not let you in, or you cancelled`
        : `the answer of \`${provider.config.displayName}\` could not be accepted; begin again`,
      { cause },
    );
  }
  if (claims === undefined) throw new IdentityError('sign-in-refused', 'the provider said nothing about you');
  const person = readExternalPerson(claims, provider.config);
  const user = await externalUser(core, { config: provider.config, person, client });
  return { interaction: flow.returnTo, user, person };
}
