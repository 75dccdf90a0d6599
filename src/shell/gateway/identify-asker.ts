import { hash } from 'node:crypto';
import type { Bearers, Identified } from './bearer.ts';

/** Cookies of ours on app hosts. Browsers keep `__Host-` names to this host, secure and with path `/`. */
export const appCookieName = '__Host-nullius_app';
export const flowCookieName = '__Host-nullius_flow';

/** Everything below is attacker-controlled until its hash is found among the facts. */
export interface Credentials {
  readonly cookie: string | undefined;
  readonly authorization: string | undefined;
  readonly nulliusToken: string | undefined;
}

const nobodyAtAll = {
  asker: { kind: 'anonymous' },
  bearer: null,
  cookie: null,
  copiedCookieHash: null,
  tokenInAuthorization: false,
} as const;
const nobodyWithToken = { ...nobodyAtAll, tokenInAuthorization: true } as const;

/**
 * Establishes the asker from an app cookie or an app token. Values are looked up by SHA-256, so that no secret is
 * compared byte by byte. Whatever is absent, unknown, ended, expired or meant for another host leaves the asker anonymous.
 */
export function identifyAsker(
  credentials: Credentials,
  context: { bearers: Bearers; resource: string; now: number },
): Identified {
  const { bearers, resource, now } = context;
  const { facts } = bearers;
  const sent = credentials.authorization === undefined ? undefined : tokenIn(credentials.authorization);
  const known = sent === undefined ? undefined : facts.tokenByHash(hash('sha256', sent, 'base64url'));
  const tokenInAuthorization = known !== undefined;
  const token =
    credentials.nulliusToken === undefined
      ? known
      : facts.tokenByHash(hash('sha256', credentials.nulliusToken, 'base64url'));
  const nobody = tokenInAuthorization ? nobodyWithToken : nobodyAtAll;
  if (token !== undefined && token.body.status === 'active' && token.body.expiresAt > now) {
    return { ...nobody, asker: { kind: 'token', tokenId: token.id } };
  }
  const value = credentials.cookie === undefined ? undefined : cookieValue(credentials.cookie, appCookieName);
  if (value === undefined) return nobody;
  const valueHash = hash('sha256', value, 'base64url');
  const cookie = bearers.byCookie(valueHash);
  if (cookie === undefined) {
    return facts.replacedAppCookieByHash(valueHash) === undefined ? nobody : { ...nobody, copiedCookieHash: valueHash };
  }
  if (cookie.resource !== resource || now >= cookie.goodUntil) return nobody;
  return tokenInAuthorization ? { ...cookie.identified, tokenInAuthorization } : cookie.identified;
}

/** The value of the one cookie called `name`; undefined when absent or sent twice (RFC 6265 leaves the order to the sender). */
export function cookieValue(header: string, name: string): string | undefined {
  let found: string | undefined;
  let equals = header.indexOf('=');
  for (let from = 0; equals >= 0 && from < header.length; ) {
    const semicolon = header.indexOf(';', from);
    const to = semicolon < 0 ? header.length : semicolon;
    if (equals < from) equals = header.indexOf('=', from);
    if (equals >= 0 && equals < to && withoutBlanks(header, { from, to: equals }) === name) {
      if (found !== undefined) return undefined;
      found = withoutBlanks(header, { from: equals + 1, to });
    }
    from = to + 1;
  }
  return found === '' ? undefined : found;
}

/**
 * The text between, without spaces and tabs at both ends. Never `trim()`, which also takes what a browser regards as part of the name, so that a
 * name which is not `__Host-` to the browser would be to us.
 */
function withoutBlanks(text: string, { from, to }: { from: number; to: number }): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const isBlank = (code: number) => code === 0x20 || code === 0x09;

/** What stands where a token would in `Authorization`: after `Bearer`, or as the password of `Basic` (git). */
function tokenIn(header: string): string | undefined {
  const space = header.indexOf(' ');
  const scheme = header.slice(0, space).toLowerCase();
  const rest = header.slice(space + 1).trim();
  if (scheme === 'bearer') return rest;
  if (scheme !== 'basic') return undefined;
  const decoded = Buffer.from(rest, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : decoded.slice(colon + 1);
}
