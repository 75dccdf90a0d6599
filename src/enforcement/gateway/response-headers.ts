import { normaliseHeaderName } from './header-names.ts';
import { setCookieCountMax } from './limits.ts';
import { readPath } from './read-path.ts';
import { isRefusal } from './refusal.ts';
import { isOwnCookie } from './request-headers.ts';

/** Not the app's to say, or about the connection behind us only. */
const dropped = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  'alt-svc',
  'clear-site-data',
  'strict-transport-security',
  'public-key-pins',
  'public-key-pins-report-only',
  'set-cookie2',
  'refresh-session',
  'nullius',
]);
const droppedPrefixes = ['nullius-', 'sec-session-', 'secure-session-'];

/** What a field name means, remembered: app servers send the same few names over and over. */
const kinds = new Map<string, 'pass' | 'drop' | 'set-cookie' | 'service-worker-allowed' | 'content-length'>();
const kindsSizeMax = 1000;

function kindOf(name: string) {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const normal = normaliseHeaderName(name);
  const kind =
    normal === 'set-cookie' || normal === 'service-worker-allowed' || normal === 'content-length'
      ? normal
      : dropped.has(normal) || droppedPrefixes.some((prefix) => normal.startsWith(prefix))
        ? 'drop'
        : 'pass';
  if (kinds.size < kindsSizeMax) kinds.set(name, kind);
  return kind;
}

export interface ClientHeaders {
  /** Lower-case name and value in turn. */
  readonly headers: string[];
  readonly contentLength: string | null;
}

/**
 * The headers a client gets from an app (whose answer is not trusted): hop-by-hop fields and everything that would reach
 * beyond the app are taken out. `strictTransportSecurity` is our own value for answers over TLS, or null;
 * `ownService` is set for `id` and `console`, which may set our cookies.
 */
export function responseHeadersFor(
  raw: readonly string[],
  {
    strictTransportSecurity,
    ownService,
  }: { readonly strictTransportSecurity: string | null; readonly ownService: boolean },
): ClientHeaders {
  const headers: string[] = [];
  let contentLength: string | null = null;
  let setCookieCount = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    const kind = kindOf(name);
    if (kind === 'pass') headers.push(name, value);
    else if (kind === 'set-cookie' && setCookieCount++ < setCookieCountMax) {
      const cookie = ownService ? value : cleanSetCookie(value);
      if (cookie !== undefined) headers.push('set-cookie', cookie);
    } else if (kind === 'service-worker-allowed' && isHarmlessScope(value)) headers.push(name, value);
    else if (kind === 'content-length') {
      contentLength = value;
      headers.push('content-length', value);
    }
  }
  if (strictTransportSecurity !== null) headers.push('strict-transport-security', strictTransportSecurity);
  return { headers, contentLength };
}

/**
 * An app's `Set-Cookie` (not trusted): undefined when it would set one of our cookies or a nameless one. `Domain` is taken
 * out, so that a cookie stays on the app's own host and cannot be tossed onto its siblings (RFC 6265bis 8.6).
 */
export function cleanSetCookie(value: string): string | undefined {
  const parts = value.split(';');
  const pair = (parts[0] ?? '').trim();
  const equals = pair.indexOf('=');
  if (equals <= 0 || isOwnCookie(pair)) return undefined;
  let changed = false;
  const kept = parts.filter((part, index) => {
    const isDomain = index > 0 && /^\s*domain\s*(?:=|$)/i.test(part);
    changed ||= isDomain;
    return !isDomain;
  });
  return changed ? kept.join(';') : value;
}

const ownPath = '/.nullius/';

/** Does this widened service worker scope stay clear of our own endpoints? Scopes match by string prefix. */
function isHarmlessScope(scope: string): boolean {
  const parsed = readPath(scope);
  if (isRefusal(parsed) || parsed.query !== '' || parsed.target.includes('%')) return false;
  return !ownPath.startsWith(parsed.target) && !parsed.target.startsWith('/.nullius');
}
