import { buildAuthorizationUrl, calculatePKCECodeChallenge } from 'openid-client';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { flowLifetimeMs } from '../session-policy.ts';
import { callbackUrl, resourceOrigin } from '../site-urls.ts';
import { newFlow, sealFlow } from './flow.ts';
import { type ProviderFetch, providerClient } from './provider-client.ts';
import { parseReturnPath } from './return-path.ts';

export interface BeginRequest {
  readonly resource: string;
  /** Attacker-controlled. */
  readonly returnTo: string;
  readonly fresh: boolean;
}

/** Begins sign-in for an app host: authorization code with PKCE S256, state and nonce (RFC 9700). */
export async function beginSignIn(
  core: IdentityCore,
  options: { request: BeginRequest; fetch: ProviderFetch },
): Promise<{ location: string; flow: string; flowLifetimeMs: number }> {
  const { resource, returnTo, fresh } = options.request;
  if (core.store.facts().get('resource', resource) === undefined) {
    throw new IdentityError('not-found', `there is no resource \`${resource}\``);
  }
  const flow = newFlow(core, {
    party: resource,
    returnTo: parseReturnPath(returnTo, resourceOrigin(core.urls, resource)),
    fresh,
  });
  const location = buildAuthorizationUrl(providerClient(core, { resource, fetch: options.fetch }), {
    redirect_uri: callbackUrl(core.urls, resource),
    scope: 'openid',
    state: flow.state,
    nonce: flow.nonce,
    code_challenge: await calculatePKCECodeChallenge(flow.verifier),
    code_challenge_method: 'S256',
    ...(fresh ? { prompt: 'login', max_age: '0' } : {}),
  });
  return { location: location.href, flow: sealFlow(core, flow), flowLifetimeMs };
}
