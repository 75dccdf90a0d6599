import type { RequestListener } from 'node:http';
import { ExternalProvider, type ExternalProviderConfig } from './federation/external-provider.ts';
import { IdentityError } from './identity-error.ts';
import type { IdentityCore } from './needs.ts';
import { inProcessFetch } from './provider/in-process-fetch.ts';
import { createProvider, type ProviderNeeds } from './provider/provider.ts';
import {
  type AssertionAnswer,
  type AssertionRequest,
  makeAssertions,
  type SignAssertions,
} from './relying-party/assertion.ts';
import { type BeginRequest, beginSignIn } from './relying-party/begin.ts';
import { type FinishRequest, finishSignIn } from './relying-party/finish.ts';
import { signInsPerAddress } from './session-policy.ts';
import { confirmAppCookie, rotateAppCookie } from './sessions/app-cookie.ts';
import { revokeSession } from './sessions/revoke.ts';
import { recordSeen } from './sessions/sweep.ts';
import { addressPrefix } from './site/address-prefix.ts';
import { RateLimit } from './site/rate-limit.ts';
import { boundRefusals } from './site/refusal-log.ts';
import { asCanonicalHost, createSite, type SiteNeeds } from './site/site.ts';
import { issuerOrigin } from './site-urls.ts';

export interface IdentityNeeds extends ProviderNeeds, Pick<SiteNeeds, 'page' | 'asset' | 'onError'> {
  readonly core: IdentityCore;
  readonly signAssertions: SignAssertions;
  /** Other OpenID Providers people may sign in through. */
  readonly externalProviders: readonly ExternalProviderConfig[];
}

/** Sign-in as a whole: the site at `id` and the gateway's calls. */
export interface Identity {
  /** The signer's token keys changed: the one that signs stands first. What is under way goes on. */
  useTokenKeys(keys: ProviderNeeds['tokenKeys']): void;
  readonly site: RequestListener;
  beginSignIn(request: BeginRequest): Promise<{ location: string; flow: string; flowLifetimeMs: number }>;
  finishSignIn(request: FinishRequest): Promise<{ cookie: string; returnTo: string }>;
  signOut(request: { cookieHash: string }): Promise<{ location: string }>;
  rotateCookie(request: { cookieHash: string }): Promise<{ cookie: string }>;
  confirmCookie(request: { cookieHash: string }): Promise<Record<string, never>>;
  assertions(request: { asked: readonly AssertionRequest[] }): Promise<{ made: readonly AssertionAnswer[] }>;
  sessionSeen(request: { sessions: readonly { id: string; at: number }[] }): Promise<Record<string, never>>;
}

export function createIdentity(needs: IdentityNeeds): Identity {
  const core: IdentityCore = { ...needs.core, emit: boundRefusals(needs.core) };
  const external = new Map(
    needs.externalProviders.map((config) => [config.name, new ExternalProvider(config, core.clock)]),
  );
  const open = (tokenKeys: ProviderNeeds['tokenKeys']) => {
    const provider = createProvider(core, { ...needs, tokenKeys });
    return { provider, library: provider.callback(), keyIds: keyIdsOf(tokenKeys) };
  };
  // The library takes its keys once; all it remembers lies in the store, so another instance goes on where it was.
  let current = open(needs.tokenKeys);
  const fetch = inProcessFetch((request, response) => {
    asCanonicalHost(core, request);
    void current.library(request, response);
  });
  const callbacks = new RateLimit(core.clock, signInsPerAddress);
  return {
    useTokenKeys(tokenKeys) {
      if (keyIdsOf(tokenKeys) !== current.keyIds) current = open(tokenKeys);
    },
    site: createSite({ ...needs, core, external, provider: () => current }),
    beginSignIn: (request) => beginSignIn(core, { request, fetch }),
    async finishSignIn(request) {
      // Anybody can have flows sealed, and each that comes back is remembered for a while.
      if (!callbacks.take(addressPrefix(request.address)))
        throw new IdentityError('rate-limited', 'too many sign-ins from your address; wait a minute');
      return finishSignIn(core, { request, fetch });
    },
    async signOut({ cookieHash }) {
      const cookie = core.store.facts().appCookieByHash(cookieHash);
      if (cookie !== undefined) {
        const user = core.store.facts().get('session', cookie.body.session)?.user ?? '';
        await revokeSession(core, { id: cookie.body.session, reason: 'signed out', by: `User::"${user}"` });
      }
      return { location: `${issuerOrigin(core.urls)}/signed-out` };
    },
    rotateCookie: async ({ cookieHash }) => ({ cookie: await rotateAppCookie(core, cookieHash) }),
    confirmCookie: async ({ cookieHash }) => {
      await confirmAppCookie(core, cookieHash);
      return {};
    },
    assertions: async ({ asked }) => ({ made: await makeAssertions(core, { asked, sign: needs.signAssertions }) }),
    async sessionSeen({ sessions }) {
      await recordSeen(core, sessions);
      return {};
    },
  };
}

function keyIdsOf(keys: ProviderNeeds['tokenKeys']): string {
  return keys.map(({ kid }) => kid).join(' ');
}
