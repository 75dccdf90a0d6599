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
  // Network error logging would tell the app of requests to `/.nullius/`, and goes on when the app is gone.
  'nel',
  'report-to',
  'set-cookie2',
  'refresh-session',
  'nullius',
]);
const droppedPrefixes = ['nullius-', 'sec-session-', 'secure-session-'];

/** Fields whose exact name has a meaning of its own; a lookalike (`content_length`) has none and is dropped. */
const exact = [
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'content-type',
  'link',
  'set-cookie',
  'service-worker-allowed',
] as const;

/** A field name of an app's answer, read once. */
export interface FieldName {
  /** Lower-case. */
  readonly name: string;
  readonly kind: 'pass' | 'drop' | (typeof exact)[number];
}

/** What a field name means, remembered by its spelling: app servers send the same few names over and over. */
const known = new Map<string, FieldName>();
const knownSizeMax = 1000;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

/** Reads a field name (not trusted); undefined when it is no token (RFC 9110 5.1). */
export function fieldNameOf(raw: string): FieldName | undefined {
  const remembered = known.get(raw);
  if (remembered !== undefined) return remembered;
  if (!token.test(raw)) return undefined;
  const name = raw.toLowerCase();
  const field = { name, kind: kindOf(name) };
  // A copy of its own: a slice would keep the whole head it was cut from.
  if (known.size < knownSizeMax) known.set(Buffer.from(raw, 'latin1').toString('latin1'), field);
  return field;
}

function kindOf(name: string): FieldName['kind'] {
  const special = exact.find((one) => one === name);
  if (special !== undefined) return special;
  const normal = normaliseHeaderName(name);
  const isDropped =
    dropped.has(normal) || exact.some((one) => one === normal && one !== 'content-type' && one !== 'link');
  return isDropped || droppedPrefixes.some((prefix) => normal.startsWith(prefix)) ? 'drop' : 'pass';
}

export interface Cleaning {
  /** Our own value for answers over TLS, or null. */
  readonly strictTransportSecurity: string | null;
  /** One of our own services, which may set our cookies. */
  readonly ownService: boolean;
}

/**
 * The headers a client gets from an app (whose answer is not trusted): hop-by-hop fields and everything that would reach
 * beyond the app are left out. One field after another is looked at as it is read.
 */
export class AnswerCleaner {
  readonly #ownService: boolean;
  #setCookieCount = 0;

  constructor({ ownService }: Cleaning) {
    this.#ownService = ownService;
  }

  /** The value that the client gets; undefined when it is not to get the field. */
  clean({ kind }: FieldName, value: string): string | undefined {
    switch (kind) {
      case 'pass':
      case 'content-type':
      case 'content-length':
      case 'link':
        return value;
      case 'set-cookie':
        if (this.#setCookieCount++ >= setCookieCountMax) return undefined;
        return this.#ownService ? value : cleanSetCookie(value);
      case 'service-worker-allowed':
        return isHarmlessScope(value) ? value : undefined;
      default:
        return undefined;
    }
  }
}

/** The headers of an answer as another parser read it, flat, cleaned for the client. Names that are no tokens are left out. */
export function responseHeadersFor(raw: readonly string[], cleaning: Cleaning): string[] {
  const cleaner = new AnswerCleaner(cleaning);
  const { strictTransportSecurity } = cleaning;
  const list = strictTransportSecurity === null ? [] : ['strict-transport-security', strictTransportSecurity];
  for (let at = 0; at < raw.length; at += 2) {
    const field = fieldNameOf(raw[at] ?? '');
    const value = field === undefined ? undefined : cleaner.clean(field, raw[at + 1] ?? '');
    if (field !== undefined && value !== undefined) list.push(field.name, value);
  }
  return list;
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
