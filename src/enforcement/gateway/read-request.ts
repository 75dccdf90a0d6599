import type { AccessAction } from '#foundation/model';
import { classifyRequestHeader, isProtectedFromNomination } from './header-names.ts';
import { cookieCrumbsMax, headerCountMax, nominationsMax } from './limits.ts';
import { type Authority, readAuthority } from './read-authority.ts';
import { readContentLength } from './read-content-length.ts';
import { type ParsedPath, readPath } from './read-path.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';

/** A request as the listener handed it over. Everything in it is attacker-controlled. */
export interface RequestHead {
  readonly httpVersion: '1.0' | '1.1' | '2';
  readonly method: string;
  /** HTTP/1.1 request target, or `:path`. */
  readonly target: string;
  /** `:authority`, `:scheme` and `:protocol`; null in HTTP/1. */
  readonly authority: string | null;
  readonly scheme: string | null;
  readonly protocol: string | null;
  /** Name, value, name, value …, pseudo-headers left out. */
  readonly rawHeaders: readonly string[];
  /** HTTP/2: did the header frame end the stream? Then there is no body. */
  readonly endsStream: boolean;
}

/** What the socket itself says; nothing here is claimed by the client but `servername`. */
export interface ConnectionFacts {
  readonly address: string;
  readonly tls: boolean;
  /** The name in TLS server name indication, or null. */
  readonly servername: string | null;
  /** Only where a listener asks for one, and the client showed one that can be read. */
  readonly certificate?: ClientCertificate;
}

/**
 * A certificate by which a client proved in the handshake that it holds a key. Nobody asked who issued it: its dates are what the client
 * says, and only the key names anybody.
 */
export interface ClientCertificate {
  /** SHA-256 (base64url) of its SubjectPublicKeyInfo. */
  readonly keyHash: string;
  readonly validFrom: number;
  readonly validTo: number;
}

/** A request with exactly one reading. */
export interface GatewayRequest extends ParsedPath {
  readonly method: string;
  readonly action: AccessAction;
  readonly tls: boolean;
  readonly address: string;
  readonly host: string;
  readonly port: number | null;
  readonly httpVersion: '1.0' | '1.1' | '2';
  /** Lower-case names and raw values in turn, as received. */
  readonly headers: readonly string[];
  /** All `Cookie` fields, joined as RFC 9113 8.2.3 says; empty when there is none. */
  readonly cookie: string;
  readonly authorization: string | null;
  /** Declared length of the body; null when chunked, or HTTP/2 without a length. */
  readonly contentLength: number | null;
  readonly hasBody: boolean;
  /** May the client's connection carry another request after this one (RFC 9112 9.3)? True for HTTP/2. */
  readonly keepsAlive: boolean;
  readonly expectsContinue: boolean;
  /** Does the client take trailer fields (`TE: trailers`)? */
  readonly takesTrailers: boolean;
  readonly upgrade: 'websocket' | null;
  /** The browser fetches this as a service worker's main script. */
  readonly isServiceWorkerScript: boolean;
  /** Lower-case names that `Connection` nominated: dropped on forwarding. */
  readonly nominated: readonly string[];
}

/** RFC 9110 and RFC 5789. Unknown methods are refused: what they do cannot be judged. */
const actions: ReadonlyMap<string, AccessAction> = new Map<string, AccessAction>([
  ['GET', 'read'],
  ['HEAD', 'read'],
  ['OPTIONS', 'read'],
  ['POST', 'write'],
  ['PUT', 'write'],
  ['PATCH', 'write'],
  ['DELETE', 'delete'],
]);

interface HeaderScan {
  headers: string[];
  hosts: number;
  host: string;
  cookie: string;
  authorization: string | null;
  contentLength: number | null;
  chunked: boolean;
  expectsContinue: boolean;
  takesTrailers: boolean;
  upgrade: string | null;
  nominated: string[];
  closes: boolean;
  isServiceWorkerScript: boolean;
}

/**
 * Reads a request strictly (RFC 9110, 9112, 9113): host, method, path, framing. The answer is a value to judge and
 * forward, or the refusal to give: 400, 405, 414, 421, 431, 501. Never throws on any input.
 */
export function readRequest(head: RequestHead, connection: ConnectionFacts): GatewayRequest | Refusal {
  const scan = scanHeaders(head);
  if (isRefusal(scan)) return scan;
  const upgrade = readUpgrade(head, scan);
  if (typeof upgrade === 'object' && upgrade !== null) return upgrade;
  const action = upgrade === 'websocket' ? 'connect' : actions.get(head.method);
  if (action === undefined) return refuseMethod(head.method);
  const address = readTargetAuthority(head, scan);
  if (isRefusal(address)) return address;
  const misdirected = checkServername(address, connection);
  if (misdirected !== undefined) return misdirected;
  const parsed = readPath(address.target);
  if (isRefusal(parsed)) return parsed;
  return {
    target: parsed.target,
    segments: parsed.segments,
    path: parsed.path,
    query: parsed.query,
    hasEncodedSlash: parsed.hasEncodedSlash,
    method: upgrade === 'websocket' ? 'GET' : head.method,
    action,
    tls: connection.tls,
    address: connection.address,
    host: address.host,
    port: address.port,
    httpVersion: head.httpVersion,
    headers: scan.headers,
    cookie: scan.cookie,
    authorization: scan.authorization,
    contentLength: scan.contentLength,
    hasBody: upgrade === null && !head.endsStream && (scan.chunked || (scan.contentLength ?? 0) > 0),
    keepsAlive: head.httpVersion === '2' || (head.httpVersion === '1.1' && !scan.closes),
    expectsContinue: scan.expectsContinue,
    takesTrailers: scan.takesTrailers,
    upgrade,
    isServiceWorkerScript: scan.isServiceWorkerScript,
    nominated: scan.nominated,
  };
}

function refuseMethod(method: string): Refusal {
  if (method === 'TRACE' || method === 'CONNECT')
    return refuse([405, 'bad-method'], `\`${method}\` is not served here.`);
  return refuse([501, 'bad-method'], 'This request method is not known here.');
}

const tooManyHeaders = refuse([431, 'too-many-headers'], `The request has more than ${headerCountMax} header fields.`);

function scanHeaders(head: RequestHead): HeaderScan | Refusal {
  const raw = head.rawHeaders;
  if (raw.length > (headerCountMax + cookieCrumbsMax) * 2) return tooManyHeaders;
  const scan: HeaderScan = {
    headers: new Array<string>(raw.length),
    hosts: 0,
    host: '',
    cookie: '',
    authorization: null,
    contentLength: null,
    chunked: head.httpVersion === '2',
    expectsContinue: false,
    takesTrailers: false,
    upgrade: null,
    nominated: [],
    closes: false,
    isServiceWorkerScript: false,
  };
  let fieldCount = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    const value = raw[at + 1] ?? '';
    scan.headers[at] = name;
    scan.headers[at + 1] = value;
    if (name !== 'cookie') fieldCount++;
    const refusal = takeHeader(scan, { name, value, head });
    if (refusal !== undefined) return refusal;
  }
  return fieldCount > headerCountMax ? tooManyHeaders : scan;
}

interface Field {
  readonly name: string;
  readonly value: string;
  readonly head: RequestHead;
}

function takeHeader(scan: HeaderScan, { name, value, head }: Field): Refusal | undefined {
  switch (classifyRequestHeader(name)) {
    case 'pass':
    case 'drop':
    case 'websocket':
      return undefined;
    case 'cookie':
      scan.cookie = scan.cookie === '' ? value : `${scan.cookie}; ${value}`;
      return undefined;
    case 'host':
      scan.hosts++;
      scan.host = value;
      return undefined;
    case 'authorization':
      if (scan.authorization !== null)
        return refuse([400, 'bad-header'], 'The request has two `Authorization` fields.');
      scan.authorization = value;
      return undefined;
    case 'service-worker':
      scan.isServiceWorkerScript = true;
      return undefined;
    case 'expect':
      if (value.toLowerCase() !== '100-continue')
        return refuse([417, 'bad-header'], 'Only `Expect: 100-continue` is served.');
      scan.expectsContinue = head.httpVersion === '1.1';
      return undefined;
    case 'te':
      scan.takesTrailers = /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value);
      return head.httpVersion === '2' && value.toLowerCase() !== 'trailers'
        ? refuse([400, 'bad-header'], 'HTTP/2 allows only `TE: trailers`.')
        : undefined;
    case 'refuse':
      return refuse([400, 'method-override'], `The header \`${name}\` is refused: it would change what was judged.`);
    default:
      return takeConnectionHeader(scan, { name, value, head });
  }
}

/** Framing and hop-by-hop fields: in HTTP/2 only `content-length` may exist (RFC 9113 8.2.2). */
function takeConnectionHeader(scan: HeaderScan, { name, value, head }: Field): Refusal | undefined {
  const isHttp2 = head.httpVersion === '2';
  if (name === 'content-length') {
    const length = readContentLength(value);
    if (length === undefined || scan.contentLength !== null || (scan.chunked && !isHttp2))
      return badFraming('`Content-Length`');
    scan.contentLength = length;
    return undefined;
  }
  if (
    isHttp2 &&
    (name === 'connection' ||
      name === 'transfer-encoding' ||
      name === 'upgrade' ||
      name === 'keep-alive' ||
      name === 'proxy-connection')
  ) {
    return refuse([400, 'bad-framing'], `HTTP/2 has no \`${name}\` field.`);
  }
  if (name === 'transfer-encoding') {
    if (value !== 'chunked' || scan.chunked || scan.contentLength !== null || head.httpVersion !== '1.1') {
      return badFraming('`Transfer-Encoding`');
    }
    scan.chunked = true;
    return undefined;
  }
  if (name === 'upgrade') {
    if (scan.upgrade !== null) return refuse([400, 'bad-upgrade'], 'The request has two `Upgrade` fields.');
    scan.upgrade = value;
    return undefined;
  }
  if (name === 'connection') return takeNominations(scan, value);
  return undefined;
}

function badFraming(field: string): Refusal {
  return refuse([400, 'bad-framing'], `The request's ${field} is malformed, repeated or contradicted.`);
}

function takeNominations(scan: HeaderScan, value: string): Refusal | undefined {
  const lower = value.toLowerCase();
  if (lower === 'keep-alive') return undefined;
  const parts = lower.split(',', nominationsMax + 1);
  if (scan.nominated.length + parts.length > nominationsMax) {
    return refuse([400, 'bad-header'], 'The `Connection` field names too many headers.');
  }
  for (const part of parts) {
    const name = part.trim();
    if (name === '') continue;
    if (name === 'close') {
      scan.closes = true;
      continue;
    }
    if (isProtectedFromNomination(name)) {
      return refuse([400, 'bad-header'], 'The `Connection` field names a header that must reach the app.');
    }
    scan.nominated.push(name);
  }
  return undefined;
}

/** RFC 6455 4.2.1 over HTTP/1.1, RFC 8441 over HTTP/2. Any other upgrade is refused, h2c above all. */
function readUpgrade(head: RequestHead, scan: HeaderScan): 'websocket' | null | Refusal {
  if (head.httpVersion === '2') {
    if (head.protocol === null) return null;
    if (head.method === 'CONNECT' && head.protocol === 'websocket') return 'websocket';
    return refuse([501, 'bad-upgrade'], 'Only WebSocket is served over extended CONNECT.');
  }
  if (scan.upgrade === null) return null;
  const valid =
    head.httpVersion === '1.1' &&
    head.method === 'GET' &&
    scan.upgrade.toLowerCase() === 'websocket' &&
    scan.nominated.includes('upgrade') &&
    !scan.chunked &&
    scan.contentLength === null;
  return valid
    ? 'websocket'
    : refuse([400, 'bad-upgrade'], 'Only a WebSocket upgrade of a GET without a body is served.');
}

type Target = Authority & { readonly target: string };

function readTargetAuthority(head: RequestHead, scan: HeaderScan): Target | Refusal {
  const badHost = refuse([400, 'bad-host'], 'The request must name exactly one valid host.');
  if (scan.hosts > 1) return badHost;
  if (head.httpVersion === '2') {
    // RFC 9113 8.3.1: a Host field may stand beside `:authority` only when it says the same.
    const named = readAuthority(head.authority ?? scan.host);
    if (named === undefined) return badHost;
    if (head.authority !== null && scan.hosts === 1 && !isSame(named, readAuthority(scan.host))) return badHost;
    return { ...named, target: head.target };
  }
  const named = scan.hosts === 1 ? readAuthority(scan.host) : undefined;
  if (named === undefined) return badHost;
  if (head.target.charCodeAt(0) === 0x2f) return { host: named.host, port: named.port, target: head.target };
  return readAbsoluteTarget(head.target, named) ?? badHost;
}

/** RFC 9112 3.2.2. The authority in the target must be the one in Host, or the two could be judged apart. */
function readAbsoluteTarget(target: string, named: Authority): Target | undefined {
  const scheme = /^https?:\/\//i.exec(target);
  if (scheme === null) return undefined;
  const rest = target.slice(scheme[0].length);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  if (!isSame(named, readAuthority(authority))) return undefined;
  const path = end < 0 ? '/' : rest.slice(end);
  return path.startsWith('/') ? { ...named, target: path } : undefined;
}

function isSame(one: Authority, other: Authority | undefined): boolean {
  return other !== undefined && one.host === other.host && one.port === other.port;
}

/** RFC 9110 7.4: a connection opened for one host must not speak for another, though one certificate names both. */
function checkServername(named: Authority, connection: ConnectionFacts): Refusal | undefined {
  if (!connection.tls) return undefined;
  if (connection.servername?.toLowerCase() === named.host) return undefined;
  return refuse([421, 'misdirected'], 'The TLS server name and the host of the request differ. Open a new connection.');
}
