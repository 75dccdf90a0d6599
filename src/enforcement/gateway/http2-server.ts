import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { connectionFactsOf } from './connection-facts.ts';
import type { Exchange } from './exchange.ts';
import { Http2Client } from './http2-client.ts';
import * as limits from './limits.ts';
import type { OpenConnections } from './open-connections.ts';
import { outliveStreams } from './outlive-streams.ts';
import { type RequestHead, readRequest } from './read-request.ts';

const servedProtocols = ['h2', 'http/1.1'];
/** RFC 8737 section 6.2. */
const acmeProtocol = 'acme-tls/1';

/** What streams of HTTP/2 are served with. */
export interface Http2Options {
  readonly onExchange: (exchange: Exchange) => void;
  readonly onTrouble: (code: string) => void;
  /** Where sessions and tunnels are kept track of. */
  readonly open: OpenConnections;
}

export interface TlsServerOptions extends Http2Options {
  /** Takes a TLS connection that speaks HTTP/1.1. */
  readonly onHttp1: (socket: TLSSocket) => void;
  readonly contextFor: (servername: string) => SecureContext | undefined;
  readonly challengeFor: ((servername: string) => SecureContext | undefined) | undefined;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Asks every client for a certificate and takes any, or none: what a key may do is for whoever judges the request. */
  readonly asksForCertificate: boolean;
}

/** The limits of every HTTP/2 connection; node's type library lacks some of these names. */
export const http2Settings = {
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
  // An app may say `X-Content-Type-Options: nosniff` twice, as it may over HTTP/1.1; requests are judged by readRequest.
  strictSingleValueFields: false,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  streamResetBurst: limits.http2ResetsPerWindowMax,
  streamResetRate: Math.ceil((limits.http2ResetsPerWindowMax * 1000) / limits.http2ResetWindowMs),
};

/** The TLS listener: names and certificates, protocol by ALPN, HTTP/2 (RFC 9113) with every limit set. */
export function createTlsServer(options: TlsServerOptions): Http2SecureServer {
  const validations = new WeakMap<TLSSocket, SecureContext>();
  const server = createSecureServer({
    // HTTP/1.1 has a server of its own; node hands such connections over as `unknownProtocol`.
    allowHTTP1: false,
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
    minVersion: options.minVersion,
    requestCert: options.asksForCertificate,
    rejectUnauthorized: false,
    handshakeTimeout: limits.tlsHandshakeMsMax,
    noDelay: true,
    SNICallback(this: TLSSocket, servername: string, done: (error: Error | null, context?: SecureContext) => void) {
      const context = validations.get(this) ?? options.contextFor(servername.toLowerCase());
      if (context === undefined) done(new Error('unknown server name'));
      else done(null, context);
    },
    ...http2Settings,
  } as Parameters<typeof createSecureServer>[0]);
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) =>
    serveStream(stream, { headers, rawHeaders, options }),
  );
  server.on('session', (session) => {
    if (session.alpnProtocol === 'h2') watchSession(session, options);
    // The handshake was all that a validator came for.
    else session.destroy();
  });
  server.on('unknownProtocol', (socket: TLSSocket) => options.onHttp1(socket));
  server.on('tlsClientError', () => options.onTrouble('tls-client'));
  return server;
}

interface Http2Request {
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly options: Http2Options;
}

/** Hands one stream over as an exchange. */
export function serveStream(stream: ServerHttp2Stream, { headers, rawHeaders, options }: Http2Request): void {
  stream.on('error', () => options.onTrouble('http2-stream'));
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
  const connection = connectionFactsOf(socket as unknown as Socket);
  try {
    const client = new Http2Client(stream, options.open);
    options.onExchange({ request: readRequest(head, connection), connection, client });
  } catch {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

/** Closes a connection whose client resets stream after stream: each reset is work done for nothing. */
export function watchSession(session: ServerHttp2Session, options: Pick<Http2Options, 'onTrouble' | 'open'>): void {
  outliveStreams(session);
  options.open.addHttp2(session);
  let resets = 0;
  session.setTimeout(limits.clientKeepAliveMs * 10, () => session.close());
  session.on('error', () => options.onTrouble('http2-session'));
  session.on('stream', (stream: ServerHttp2Stream) => {
    stream.once('aborted', () => {
      resets++;
      if (resets === 1)
        setTimeout(() => {
          resets = 0;
        }, limits.http2ResetWindowMs).unref();
      if (resets > limits.http2ResetsPerWindowMax) {
        options.onTrouble('http2-rapid-reset');
        session.destroy(new Error('too many resets'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
      }
    });
  });
}
