import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { type ClientSide, Http1Client, Http2Client } from './client-side.ts';
import * as limits from './limits.ts';
import { type ConnectionFacts, type GatewayRequest, type RequestHead, readRequest } from './read-request.ts';
import type { Refusal } from './refusal.ts';

/** One request, upgrade or extended CONNECT, read and not yet judged. */
export interface Exchange {
  /** Read once, here: the framing its body is read by is the framing that is judged and sent on. */
  readonly request: GatewayRequest | Refusal;
  readonly connection: ConnectionFacts;
  readonly client: ClientSide;
}

export interface FrontServersOptions {
  /** Takes every exchange of both servers. What it throws ends that exchange's connection, nothing else. */
  readonly onExchange: (exchange: Exchange) => void;
  /** TLS context for a server name (lower-case), or undefined: the handshake then fails. Null makes no TLS server. */
  readonly contextFor: ((servername: string) => SecureContext | undefined) | null;
  /** The certificate that answers a validator of ACME for this server name; without one `acme-tls/1` is not spoken. */
  readonly challengeFor?: ((servername: string) => SecureContext | undefined) | undefined;
  /** TLS 1.3 unless a setting allows 1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Told about protocol errors and limits hit, for metrics. */
  readonly onTrouble?: (code: string) => void;
}

export interface FrontServers {
  /** HTTP/1.1 only; the caller listens, on loopback. */
  readonly plain: Server;
  readonly tls: Http2SecureServer | null;
  /** Stops accepting, ends idle connections, destroys the rest after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Makes the client-facing servers with every limit set. Nothing listens yet. */
export function createFrontServers(options: FrontServersOptions): FrontServers {
  const plain = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.clientHeadersMsMax,
    // Bodies may take long; the sweep cuts those that stall.
    requestTimeout: 0,
    keepAliveTimeout: limits.clientKeepAliveMs,
    connectionsCheckingInterval: 2_000,
    insecureHTTPParser: false,
    requireHostHeader: false,
    noDelay: true,
  });
  const tls = options.contextFor === null ? null : createTlsServer(options, options.contextFor);
  const sockets = new Set<Socket>();
  for (const server of tls === null ? [plain] : [plain, tls]) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    serveHttp1(server as Server, options);
  }
  return { plain, tls, close: (graceMs) => closeAll({ plain, tls, sockets, graceMs }) };
}

const servedProtocols = ['h2', 'http/1.1'];
/** RFC 8737 section 6.2. */
const acmeProtocol = 'acme-tls/1';

function createTlsServer(options: FrontServersOptions, contextFor: (servername: string) => SecureContext | undefined) {
  const validations = new WeakMap<TLSSocket, SecureContext>();
  const server = createSecureServer({
    allowHTTP1: true,
    // TLS 1.3 calls this before SNICallback, TLS 1.2 after it. A connection of a validator serves nothing but its handshake.
    ALPNCallback(this: TLSSocket, { servername, protocols }: { servername: string; protocols: string[] }) {
      if (protocols.length !== 1 || protocols[0] !== acmeProtocol)
        return servedProtocols.find((protocol) => protocols.includes(protocol));
      const proof = options.challengeFor?.(String(servername).toLowerCase());
      if (proof === undefined) return undefined;
      validations.set(this, proof);
      this.setKeyCert(proof);
      return acmeProtocol;
    },
    minVersion: options.minVersion ?? 'TLSv1.3',
    handshakeTimeout: limits.tlsHandshakeMsMax,
    SNICallback(this: TLSSocket, servername: string, done: (error: Error | null, context?: SecureContext) => void) {
      const context = validations.get(this) ?? contextFor(servername.toLowerCase());
      if (context === undefined) done(new Error('unknown server name'));
      else done(null, context);
    },
    settings: {
      enableConnectProtocol: true,
      maxConcurrentStreams: limits.http2ConcurrentStreamsMax,
      maxHeaderListSize: limits.headerBytesMax,
      enablePush: false,
    },
    maxSessionMemory: limits.http2SessionMemoryMegabytesMax,
    maxHeaderListPairs: limits.headerCountMax + limits.cookieCrumbsMax + 8,
    maxOutstandingPings: limits.http2OutstandingMax,
    maxOutstandingSettings: limits.http2OutstandingMax,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    streamResetBurst: limits.http2ResetsPerWindowMax,
    streamResetRate: Math.ceil((limits.http2ResetsPerWindowMax * 1000) / limits.http2ResetWindowMs),
    unknownProtocolTimeout: limits.tlsHandshakeMsMax,
    // HTTP/1.1 side of the same port.
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.clientHeadersMsMax,
    requestTimeout: 0,
    keepAliveTimeout: limits.clientKeepAliveMs,
    connectionsCheckingInterval: 2_000,
    requireHostHeader: false,
  } as Parameters<typeof createSecureServer>[0]);
  // Without this, the `request` listener for HTTP/1.1 would also install node's HTTP/2 compatibility layer.
  server.removeAllListeners('newListener');
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) =>
    serveHttp2(stream, { headers, rawHeaders, options }),
  );
  server.on('session', (session) => watchSession(session, options));
  server.on('unknownProtocol', (socket: TLSSocket) => socket.end());
  server.on('tlsClientError', () => options.onTrouble?.('tls-client'));
  return server;
}

function serveHttp1(server: Server, options: FrontServersOptions): void {
  server.maxHeadersCount = 0;
  server.maxRequestsPerSocket = limits.clientRequestsPerConnectionMax;
  server.maxConnections = limits.clientConnectionsMax;
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    if (poisoned.has(request.socket)) return;
    if (hasDoubtfulFraming(request)) {
      options.onTrouble?.('framing');
      poisoned.add(request.socket);
      response.shouldKeepAlive = false;
      response.writeHead(400, ['content-length', '0']).end();
      return;
    }
    guard(request.socket, () =>
      options.onExchange({
        request: readRequest(http1Head(request), connectionOf(request.socket)),
        connection: connectionOf(request.socket),
        client: new Http1Client(request, response),
      }),
    );
  };
  server.on('request', serve);
  server.on('checkContinue', serve);
  server.on('checkExpectation', serve);
  server.on('upgrade', (request, socket, head) => serveUpgrade({ request, socket, head, options }));
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    if (request.httpVersionMajor === 1)
      socket.end('HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    options.onTrouble?.(error.code ?? 'client');
    if (poisoned.has(socket as Socket)) {
      socket.end();
      return;
    }
    if (socket.writable && error.code !== 'ECONNRESET') {
      const status =
        error.code === 'HPE_HEADER_OVERFLOW'
          ? '431 Request Header Fields Too Large'
          : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
            ? '408 Request Timeout'
            : '400 Bad Request';
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
    } else socket.destroy();
  });
}

function guard(socket: Duplex, run: () => void): void {
  try {
    run();
  } catch {
    // A throw in the exchange closes the gate for that connection; the process goes on for the others.
    socket.destroy();
  }
}

/** Connections whose next byte may belong to a body or to a request: nothing more is read from them. */
const poisoned = new WeakSet<Socket>();

/**
 * Is it open to two readings where this request ends? Answered here and not by `readRequest`, because nothing behind such a
 * request may be served, and the parser goes on while a caller is still writing its refusal.
 */
function hasDoubtfulFraming(request: IncomingMessage): boolean {
  const { rawHeaders } = request;
  let framings = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    // The lengths of `content-length` and `transfer-encoding`.
    if (name.length !== 14 && name.length !== 17) continue;
    const lower = name.toLowerCase();
    if (lower === 'transfer-encoding') {
      framings++;
      if (rawHeaders[at + 1] !== 'chunked' || request.httpVersionMinor === 0) return true;
    } else if (lower === 'content-length') framings++;
  }
  return framings > 1;
}

function http1Head(request: IncomingMessage): RequestHead {
  return {
    httpVersion: request.httpVersionMinor === 1 ? '1.1' : '1.0',
    method: request.method ?? '',
    target: request.url ?? '',
    authority: null,
    scheme: null,
    protocol: null,
    rawHeaders: request.rawHeaders,
    endsStream: false,
  };
}

const facts = new WeakMap<Duplex, ConnectionFacts>();

function connectionOf(socket: Socket): ConnectionFacts {
  let known = facts.get(socket);
  if (known === undefined) {
    const tls = socket instanceof TLSSocket;
    const name = tls ? socket.servername : undefined;
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
    known = { address, tls, servername: typeof name === 'string' && name !== '' ? name : null };
    facts.set(socket, known);
  }
  return known;
}

function serveUpgrade(upgrade: {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  options: FrontServersOptions;
}): void {
  const { request, socket, head, options } = upgrade;
  socket.on('error', () => options.onTrouble?.('upgrade'));
  if (head.length > limits.upgradeHeadBytesMax) {
    socket.destroy();
    return;
  }
  // Whatever answer this gets short of a tunnel, the connection ends with it: the bytes behind the handshake are never
  // read as another request.
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once('finish', () => {
    if (response.socket !== null) socket.end();
  });
  guard(socket, () =>
    options.onExchange({
      request: readRequest(http1Head(request), connectionOf(socket as Socket)),
      connection: connectionOf(socket as Socket),
      client: new Http1Client(request, response, { socket, head }),
    }),
  );
}

function serveHttp2(
  stream: ServerHttp2Stream,
  {
    headers,
    rawHeaders,
    options,
  }: { headers: IncomingHttpHeaders; rawHeaders: string[]; options: FrontServersOptions },
): void {
  stream.on('error', () => options.onTrouble?.('http2-stream'));
  const socket = stream.session?.socket;
  if (socket === undefined || stream.destroyed) return;
  let fields = 0;
  while (fields < rawHeaders.length && rawHeaders[fields]?.startsWith(':') === true) fields += 2;
  const text = (name: string) => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };
  const head: RequestHead = {
    httpVersion: '2',
    method: text(':method') ?? '',
    target: text(':path') ?? '',
    authority: text(':authority'),
    scheme: text(':scheme'),
    protocol: text(':protocol'),
    rawHeaders: rawHeaders.slice(fields),
    endsStream: stream.endAfterHeaders,
  };
  const connection = connectionOf(socket as unknown as Socket);
  try {
    options.onExchange({ request: readRequest(head, connection), connection, client: new Http2Client(stream) });
  } catch {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

/** Closes a connection whose client resets stream after stream: each reset is work done for nothing. */
function watchSession(session: ServerHttp2Session, options: FrontServersOptions): void {
  let resets = 0;
  session.setTimeout(limits.clientKeepAliveMs * 10, () => session.close());
  session.on('error', () => options.onTrouble?.('http2-session'));
  session.on('stream', (stream: ServerHttp2Stream) => {
    stream.once('aborted', () => {
      resets++;
      if (resets === 1)
        setTimeout(() => {
          resets = 0;
        }, limits.http2ResetWindowMs).unref();
      if (resets > limits.http2ResetsPerWindowMax) {
        options.onTrouble?.('http2-rapid-reset');
        session.destroy(new Error('too many resets'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
      }
    });
  });
}

async function closeAll({
  plain,
  tls,
  sockets,
  graceMs,
}: {
  plain: Server;
  tls: Http2SecureServer | null;
  sockets: Set<Socket>;
  graceMs: number;
}) {
  const closed = [plain, tls]
    .filter((server) => server?.listening === true)
    .map((server) => new Promise<void>((resolve) => server?.close(() => resolve())));
  plain.closeIdleConnections();
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await Promise.all(closed);
  clearTimeout(timer);
}
