import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Session, User } from '#foundation/model';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { libraryCookieNames } from '../provider/cookie-airlock.ts';
import { freshMs, recoverySessionLifetimeMs } from '../session-policy.ts';
import { authenticationContext } from '../sessions/authentication-context.ts';
import { endSession, establishSession, type Login, sessionIdOf } from '../sessions/session-facts.ts';

const secondMs = 1000;

export interface SiteSession {
  readonly id: string;
  readonly fact: Session;
  readonly user: User;
}

/** Who this browser is signed in as at `id`; undefined when nobody, or when the session has ended. */
export async function currentSession(
  core: IdentityCore,
  options: { provider: Provider; request: IncomingMessage; response: ServerResponse },
): Promise<SiteSession | undefined> {
  const context = options.provider.createContext(options.request, options.response);
  const session = await options.provider.Session.get(context);
  if (session.accountId === undefined) return undefined;
  const id = sessionIdOf(session.uid);
  const fact = core.store.facts().get('session', id);
  const user = core.store.facts().get('user', session.accountId);
  const live =
    fact !== undefined &&
    fact.user === session.accountId &&
    fact.status === 'active' &&
    fact.expiresAt > core.clock() &&
    user?.status === 'active';
  if (live && user !== undefined) return { id, fact, user };
  // The fact decides: what was revoked or has expired opens nothing here either.
  await session.destroy();
  return undefined;
}

/** Signs a browser in without an interaction: right after it enrolled a passkey, or showed a recovery code. */
export async function startSession(
  core: IdentityCore,
  options: { provider: Provider; request: IncomingMessage; response: ServerResponse; login: Login },
): Promise<string> {
  const { provider, login } = options;
  const context = provider.createContext(options.request, options.response);
  const before = await provider.Session.get(context);
  if (before.accountId !== undefined) {
    const old = sessionIdOf(before.uid);
    await before.destroy();
    await core.store.transact((transaction) =>
      endSession(core, {
        transaction,
        id: old,
        status: 'revoked',
        reason: 'signed in anew',
        actor: `User::"${login.user}"`,
      }),
    );
  }
  const lifetimeMs = login.credential === 'recovery' ? recoverySessionLifetimeMs : core.session.lifetimeMs;
  // Always a new session with new identifiers, whatever cookie came with the request (session fixation).
  const session = new provider.Session();
  session.loginAccount({
    accountId: login.user,
    loginTs: Math.floor(login.authTime / secondMs),
    ...authenticationContext(login),
  });
  await session.save(Math.floor(lifetimeMs / secondMs));
  const id = sessionIdOf(session.uid);
  await core.store.transact((transaction) => establishSession(core, { transaction, id, login }));
  context.cookies.set(libraryCookieNames.session, session.jti, {
    httpOnly: true,
    sameSite: 'lax',
    expires: new Date(core.clock() + lifetimeMs),
  });
  return id;
}

/** For changes of credentials: the person must have proved who they are just now. */
export function requireFresh(core: IdentityCore, session: SiteSession): void {
  if (core.clock() - session.fact.authTime > freshMs) {
    throw new IdentityError('fresh-authentication-required', 'confirm that it is you, then try again');
  }
}
