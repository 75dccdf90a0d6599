import { toBase64url } from '#foundation/encoding';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { authenticationContext } from '../sessions/authentication-context.ts';
import { issuerOrigin, resourceOrigin } from '../site-urls.ts';

export const assertionLifetimeMs = 60_000;
const secondMs = 1000;
const groupsMax = 200;
/** The signer said no: that is a fault of ours. */
const unsignedStatus = 500;

type Claims = Readonly<Record<string, unknown>>;

export interface AssertionRequest {
  readonly sessionId: string;
  readonly resource: string;
}

/** An assertion, or why there is none, for people. */
export type AssertionAnswer =
  | { readonly jwt: string; readonly expiresAt: number }
  | { readonly status: number; readonly refused: string };

/** Asks the signer for Nullius-Assertions; it answers in the order of the claims. */
export type SignAssertions = (request: {
  readonly claims: readonly Claims[];
}) => Promise<{ readonly signed: readonly ({ readonly jwt: string } | { readonly refused: string })[] }>;

/**
 * The identity upstreams get: for each of what is asked a JWT of at most 60 s for one session and one app (`aud` is the app's
 * origin). What cannot be had for one is refused to that one alone.
 */
export async function makeAssertions(
  core: IdentityCore,
  { asked, sign }: { asked: readonly AssertionRequest[]; sign: SignAssertions },
): Promise<AssertionAnswer[]> {
  const drafts = asked.map((request) => draftOf(core, request));
  const claims = drafts.flatMap((draft) => ('claims' in draft ? [draft.claims] : []));
  const { signed } = claims.length === 0 ? { signed: [] } : await sign({ claims });
  let next = 0;
  return drafts.map((draft) => {
    if ('refused' in draft) return draft;
    const answer = signed[next++] ?? { refused: 'the signer answered too little' };
    return 'jwt' in answer
      ? { jwt: answer.jwt, expiresAt: draft.expiresAt }
      : { status: unsignedStatus, refused: answer.refused };
  });
}

function draftOf(
  core: IdentityCore,
  request: AssertionRequest,
): { claims: Claims; expiresAt: number } | { status: number; refused: string } {
  try {
    return claimsOf(core, request);
  } catch (error) {
    if (error instanceof IdentityError) return { status: error.status, refused: error.message };
    throw error;
  }
}

function claimsOf(
  core: IdentityCore,
  { sessionId, resource }: AssertionRequest,
): { claims: Claims; expiresAt: number } {
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
  return {
    expiresAt,
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
  };
}
