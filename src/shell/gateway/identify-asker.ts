import { hash } from 'node:crypto';
import type { Asker, FactView } from '#foundation/model';

/** Cookies of ours on app hosts. Browsers keep `__Host-` names to this host, secure and with path `/`. */
export const appCookieName = '__Host-nullius_app';
export const flowCookieName = '__Host-nullius_flow';

/** Who asks, with the app cookie that showed it, for rotation and sign-out. */
export interface Identified {
  readonly asker: Asker;
  readonly cookie: {
    readonly id: string;
    readonly hash: string;
    readonly rotatedAt: number;
    readonly isCurrent: boolean;
  } | null;
  /** True when a program's token was in `Authorization`: it is ours, and is not forwarded. */
  readonly tokenInAuthorization: boolean;
}

const anonymous: Identified = { asker: { kind: 'anonymous' }, cookie: null, tokenInAuthorization: false };

/** Everything below is attacker-controlled until its hash is found among the facts. */
export interface Credentials {
  readonly cookie: string | undefined;
  readonly authorization: string | undefined;
  readonly nulliusToken: string | undefined;
}

/**
 * Establishes the asker from an app cookie or an app token. Values are looked up by SHA-256, so that no secret is
 * compared byte by byte. Whatever is absent, unknown, ended, expired or meant for another host leaves the asker anonymous.
 */
export function identifyAsker(
  credentials: Credentials,
  context: { facts: FactView; resource: string; now: number },
): Identified {
  const token = tokenOf(credentials);
  if (token !== undefined) {
    const found = context.facts.tokenByHash(hash('sha256', token.value, 'base64url'));
    if (found !== undefined && found.body.status === 'active' && found.body.expiresAt > context.now) {
      return { asker: { kind: 'token', tokenId: found.id }, cookie: null, tokenInAuthorization: token.inAuthorization };
    }
  }
  const value = credentials.cookie === undefined ? undefined : cookieValue(credentials.cookie, appCookieName);
  if (value === undefined) return anonymous;
  const valueHash = hash('sha256', value, 'base64url');
  const cookie = context.facts.appCookieByHash(valueHash);
  if (cookie === undefined || cookie.body.resource !== context.resource) return anonymous;
  const isCurrent = cookie.body.hash === valueHash;
  if (!isCurrent && cookie.body.previousUntil <= context.now) return anonymous;
  const session = context.facts.get('session', cookie.body.session);
  if (session === undefined || session.status !== 'active' || session.expiresAt <= context.now) return anonymous;
  return {
    asker: { kind: 'session', sessionId: cookie.body.session },
    cookie: { id: cookie.id, hash: valueHash, rotatedAt: cookie.body.rotatedAt, isCurrent },
    tokenInAuthorization: false,
  };
}

/** The value of the one cookie called `name`; undefined when absent or sent twice (RFC 6265 leaves the order to the sender). */
export function cookieValue(header: string, name: string): string | undefined {
  let found: string | undefined;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    if (found !== undefined) return undefined;
    found = pair.slice(equals + 1).trim();
  }
  return found === '' ? undefined : found;
}

function tokenOf(credentials: Credentials): { value: string; inAuthorization: boolean } | undefined {
  if (credentials.nulliusToken !== undefined) return { value: credentials.nulliusToken, inAuthorization: false };
  const header = credentials.authorization;
  if (header === undefined) return undefined;
  const space = header.indexOf(' ');
  const scheme = header.slice(0, space).toLowerCase();
  const rest = header.slice(space + 1).trim();
  if (scheme === 'bearer') return { value: rest, inAuthorization: true };
  if (scheme !== 'basic') return undefined;
  const decoded = Buffer.from(rest, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { value: decoded.slice(colon + 1), inAuthorization: true };
}
