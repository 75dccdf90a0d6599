/** What becomes of a request header field from a client. */
export type RequestHeaderClass =
  | 'pass'
  /** Ours or a proxy's to say: dropped, whatever the client claims. */
  | 'drop'
  /** RFC 9110 7.6.1: about this connection only. */
  | 'hop'
  | 'refuse'
  | 'host'
  | 'connection'
  | 'content-length'
  | 'transfer-encoding'
  | 'cookie'
  | 'upgrade'
  | 'te'
  | 'expect'
  | 'authorization'
  | 'websocket'
  | 'service-worker';

const exact: ReadonlyMap<string, RequestHeaderClass> = new Map<string, RequestHeaderClass>([
  ['host', 'host'],
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['transfer-encoding', 'transfer-encoding'],
  ['cookie', 'cookie'],
  ['upgrade', 'upgrade'],
  ['te', 'te'],
  ['expect', 'expect'],
  ['authorization', 'authorization'],
  ['service-worker', 'service-worker'],
  ['keep-alive', 'hop'],
  ['proxy-connection', 'hop'],
  ['proxy-authenticate', 'hop'],
  ['proxy-authorization', 'hop'],
  ['trailer', 'hop'],
  ['http2-settings', 'hop'],
  ['sec-websocket-key', 'websocket'],
  ['sec-websocket-version', 'websocket'],
  ['sec-websocket-protocol', 'websocket'],
  ['sec-websocket-extensions', 'websocket'],
  ['sec-websocket-accept', 'drop'],
  ['cookie2', 'drop'],
]);

/** Spelled in `normalised` form. Frameworks that read `HTTP_X_REAL_IP` cannot tell `X-Real-IP` from `x_real.ip`. */
const dropped = new Set(['forwarded', 'x-real-ip', 'true-client-ip', 'x-client-ip', 'x-cluster-client-ip', 'via']);
const refused = new Set([
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
]);
const droppedPrefixes = ['nullius-', 'x-forwarded-', 'sec-session-', 'secure-session-', 'x-nullius-'];

/** Names that look like `exact` ones to a framework that maps every odd character to `_`. */
const lookalikes = new Set([...exact.keys()]);

const cache = new Map<string, RequestHeaderClass>();
const cacheSizeMax = 1000;
/** A client may send names as long as a whole head: those are not kept. */
const cachedNameBytesMax = 256;

/**
 * Classifies a request header name (attacker-controlled, lower-case token). Names are compared with every character that
 * is neither letter nor digit read as a hyphen, so that `nullius_assertion` and `x.forwarded.for` count as what they imitate.
 */
export function classifyRequestHeader(name: string): RequestHeaderClass {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const found = classify(name);
  if (cache.size < cacheSizeMax && name.length <= cachedNameBytesMax) cache.set(name, found);
  return found;
}

function classify(name: string): RequestHeaderClass {
  const special = exact.get(name);
  if (special !== undefined) return special;
  const normal = normaliseHeaderName(name);
  if (refused.has(normal)) return 'refuse';
  if (normal === 'nullius' || dropped.has(normal) || droppedPrefixes.some((prefix) => normal.startsWith(prefix)))
    return 'drop';
  if (normal !== name && lookalikes.has(normal)) return 'drop';
  return 'pass';
}

/** Is this another spelling of a name that only we or a proxy may say? Who drops the name itself leaves this one standing. */
export function isDisguised(name: string): boolean {
  return classifyRequestHeader(name) === 'drop' && normaliseHeaderName(name) !== name;
}

/** Lower-case, with every character but letters and digits read as a hyphen. */
export function normaliseHeaderName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
}

/** May a `Connection` field nominate this name for removal? Naming one of these is an attack on what the app relies on. */
export function isProtectedFromNomination(name: string): boolean {
  const kind = classifyRequestHeader(name);
  if (name === 'keep-alive' || name === 'te' || name === 'upgrade' || name === 'http2-settings') return false;
  if (name === 'close' || name === 'proxy-connection' || name === 'trailer') return false;
  return kind !== 'pass' || protectedNames.has(name);
}

const protectedNames = new Set([
  'origin',
  'referer',
  'accept',
  'accept-encoding',
  'content-type',
  'content-encoding',
  'content-range',
  'range',
  'if-match',
  'if-none-match',
  'user-agent',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'sec-fetch-user',
  'access-control-request-method',
  'access-control-request-headers',
  'x-csrf-token',
  'x-requested-with',
]);
