import { toBase64url } from '#foundation/encoding';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { authenticationContext } from '../sessions/authentication-context.ts';
import { issuerOrigin, resourceOrigin } from '../site-urls.ts';

export const assertionLifetimeMs = 60_000;
const secondMs = 1000;
const groupsMax = 200;

/** Asks the signer for a Nullius-Assertion. */
export type SignAssertion = (request: {
  claims: Readonly<Record<string, unknown>>;
}) => Promise<{ readonly jwt: string }>;

/** The identity an upstream gets: a JWT of at most 60 s for one session and one app (`aud` is the app's origin). */
export async function makeAssertion(
  core: IdentityCore,
  options: { request: { sessionId: string; resource: string }; sign: SignAssertion },
): Promise<{ jwt: string; expiresAt: number }> {
  const { sessionId, resource } = options.request;
  const facts = core.store.facts();
  const session = facts.get('session', sessionId);
  const user = session === undefined ? undefined : facts.get('user', session.user);
  const now = core.clock();
  const live = session?.status === 'active' && session.expiresAt > now && user?.status === 'active';
  if (!live || session === undefined || user === undefined) {
    throw new IdentityError('session-ended', 'this session has ended; sign in again');
  }
  if (facts.get('resource', resource) === undefined) {
    throw new IdentityError('not-found', `there is no resource \`${resource}\``);
  }
  const issuedAt = Math.floor(now / secondMs);
  const expiresAt = Math.min((issuedAt + assertionLifetimeMs / secondMs) * secondMs, session.expiresAt);
  const { jwt } = await options.sign({
    claims: {
      iss: issuerOrigin(core.urls),
      aud: resourceOrigin(core.urls, resource),
      sub: session.user,
      iat: issuedAt,
      exp: Math.floor(expiresAt / secondMs),
      jti: toBase64url(core.random(16)),
      sid: sessionId,
      name: user.name,
      ...(user.email === null ? {} : { email: user.email }),
      groups: user.groups.slice(0, groupsMax),
      ...authenticationContext(session),
      auth_time: Math.floor(session.authTime / secondMs),
    },
  });
  return { jwt, expiresAt };
}
