import { classifyRequestHeader } from './header-names.ts';
import type { GatewayRequest } from './read-request.ts';

/** Our cookies, and whatever imitates them: the browser enforces `__Host-`, other clients need not. */
const ownCookiePrefix = '__host-nullius';
/** Cookies that host `id` sets itself, in the only spelling it reads. */
const signInCookiePrefix = '__Host-id_';

export interface UpstreamHeaderOptions {
  /** Headers we vouch for in this request alone: `Nullius-Decision`. Name, value in turn. */
  readonly own: readonly string[];
  /** Was `Authorization` a credential for us? Then the app does not see it. */
  readonly keepAuthorization: boolean;
  /** Host to send; the client's own when the resource says `preserveHost`. */
  readonly host: string;
  /** One of our own services: of the cookies it gets those of the sign-in site alone, which browsers send to that host only. */
  readonly ownService?: boolean;
}

/**
 * The headers an app gets, flat name and value: what the client sent minus hop-by-hop fields, minus everything only we may
 * say, plus `own`; what `forwardedFields` says comes beside them. `host` comes first. Framing fields are left to whoever writes the request, except `content-length`.
 */
export function requestHeadersFor(request: GatewayRequest, options: UpstreamHeaderOptions): string[] {
  const out: string[] = ['host', options.host];
  const { headers, nominated } = request;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const kind = classifyRequestHeader(name);
    const passes =
      kind === 'pass' || kind === 'service-worker' || (kind === 'authorization' && options.keepAuthorization);
    if (!passes || (nominated.length > 0 && nominated.includes(name))) continue;
    out.push(name, headers[at + 1] ?? '');
  }
  const cookie = options.ownService === true ? signInCookies(request.cookie) : withoutOwnCookies(request.cookie);
  if (cookie !== '') out.push('cookie', cookie);
  if (request.contentLength !== null && request.upgrade === null)
    out.push('content-length', `${request.contentLength}`);
  out.push(...options.own);
  return out;
}

/** A `Cookie` value (attacker-controlled) without the cookies that are ours. */
export function withoutOwnCookies(cookie: string): string {
  // Most apps have no cookie beside ours.
  if (!cookie.includes(';')) return isOwnCookie(cookie) ? '' : cookie;
  if (!cookie.toLowerCase().includes(ownCookiePrefix)) return cookie;
  return cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !isOwnCookie(pair))
    .join('; ');
}

/** A `Cookie` value (attacker-controlled) with nothing left of what siblings toss onto our own hosts. */
function signInCookies(cookie: string): string {
  return cookie
    .split(';')
    .map((pair) => pair.replace(/^[ \t]+/, ''))
    .filter((pair) => pair.startsWith(signInCookiePrefix))
    .join('; ');
}

/**
 * Is this cookie pair one of ours? A nameless pair counts by its value: servers that skip the leading `=` would read
 * `=__Host-nullius=x` as ours.
 */
export function isOwnCookie(pair: string): boolean {
  const start = pair.search(/[^\s="]/);
  return start >= 0 && pair.slice(start, start + ownCookiePrefix.length).toLowerCase() === ownCookiePrefix;
}
