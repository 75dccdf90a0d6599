import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { Clock, EventSink } from '#foundation/model';
import {
  createIdentity,
  type ExternalProviderConfig,
  type Identity,
  type IdentityCore,
  type SignAssertions,
  sweepSessions,
} from '#information/identity';
import type { Store } from '#shell/store';
import type { GatewayCalls, PublicUrls } from '#shell/wire';
import { keptSecret } from '../kept-secret.ts';
import { type CurrentFacts, identityStore } from './identity-store.ts';
import { loadPages } from './pages.ts';

export interface StartIdentityOptions {
  readonly store: Store;
  readonly facts: CurrentFacts;
  readonly urls: PublicUrls;
  readonly clock: Clock;
  /** Public token keys of the signer, and its `sign-token` and `sign-assertions` calls. */
  readonly tokenKeys: readonly JWK[];
  readonly signToken: (request: { signingInput: string; keyId: string }) => Promise<{ signature: string }>;
  readonly signAssertions: SignAssertions;
  readonly emit: EventSink;
  /** `session.lifetime` and `session.idle` of the configuration, milliseconds. */
  readonly session: { readonly lifetimeMs: number; readonly idleMs: number };
  /** From `identity.providers`, secrets read from their files. */
  readonly externalProviders: readonly ExternalProviderConfig[];
  /** The built console: `console/dist`. */
  readonly pagesFolder: string;
  readonly onError: (error: unknown) => void;
}

type SignInCalls =
  | 'sign-in/begin'
  | 'sign-in/finish'
  | 'sign-out'
  | 'cookie/rotate'
  | 'cookie/confirm'
  | 'session/seen'
  | 'assertions';

/** The gateway's calls that identity answers; refusals throw IdentityError. */
export type IdentityCalls = {
  readonly [Name in SignInCalls]: (request: GatewayCalls[Name]['request']) => Promise<GatewayCalls[Name]['answer']>;
};

export interface RunningIdentity {
  /** What the functions of `#information/identity` take as their first argument. */
  readonly core: IdentityCore;
  readonly site: Identity['site'];
  readonly calls: IdentityCalls;
  readonly useTokenKeys: Identity['useTokenKeys'];
  stop(): Promise<void>;
}

/** Every key of sign-in is derived from this secret. */
const secretName = 'identity';
const secretBytes = 32;
const sweepMs = 10_000;

/** Wires sign-in into the control process. */
export async function startIdentity(options: StartIdentityOptions): Promise<RunningIdentity> {
  const { store, clock, onError } = options;
  const core: IdentityCore = {
    urls: options.urls,
    store: identityStore(store, options.facts),
    clock,
    random: (byteCount) => randomBytes(byteCount),
    emit: options.emit,
    secret: await keptSecret(store, secretName, secretBytes),
    session: options.session,
  };
  const pages = loadPages(options.pagesFolder);
  const identity = createIdentity({
    core,
    tokenKeys: options.tokenKeys,
    signToken: options.signToken,
    signAssertions: options.signAssertions,
    externalProviders: options.externalProviders,
    page: pages.page,
    asset: pages.asset,
    onError,
  });
  let sweeping: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweeping.then(() => sweepSessions(core)).catch(onError);
  }, sweepMs);
  timer.unref();
  return {
    core,
    site: identity.site,
    useTokenKeys: identity.useTokenKeys,
    calls: {
      'sign-in/begin': identity.beginSignIn,
      'sign-in/finish': identity.finishSignIn,
      'sign-out': identity.signOut,
      'cookie/rotate': identity.rotateCookie,
      'cookie/confirm': identity.confirmCookie,
      'session/seen': identity.sessionSeen,
      assertions: identity.assertions,
    },
    async stop() {
      clearInterval(timer);
      await sweeping;
    },
  };
}
