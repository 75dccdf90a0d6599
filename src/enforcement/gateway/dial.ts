import { isIP, type LookupFunction, connect as netConnect, type OnReadOpts, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { getCACertificates, TLSSocket, connect as tlsConnect } from 'node:tls';
import { upstreamConnectMsMax } from './limits.ts';
import type { UpstreamTarget } from './parse-upstream.ts';
import { isLoopback, judgeAddress, mayReachLoopback } from './upstream-address.ts';

/** A connection that is idle this long is asked by TCP whether it still stands. */
const keepAliveMs = 60_000;

/** The app's address is none that we connect to. */
export class UpstreamForbiddenError extends Error {
  readonly code = 'upstream-forbidden';
  constructor(address: string) {
    super(`the upstream address \`${address}\` is not allowed`);
  }
}

class ConnectTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

export interface DialOptions {
  /** Protocols to offer over TLS, the preferred first. */
  readonly alpn?: readonly string[];
  readonly onread?: OnReadOpts;
}

type DialDone = (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void;

/**
 * Opens one connection to one app. `done` is called once, unless the socket it gives is destroyed before. Null: the address is not
 * allowed, which `done` has been told.
 */
export type Dial = (options: DialOptions, done: DialDone) => Socket | null;

export interface DialGuard {
  readonly lookup: LookupFunction;
  readonly isOwn: (address: string, port: number) => boolean;
}

/** Makes the function that connects to an app. Every address is judged after resolution, each time. */
export function dialler(
  target: UpstreamTarget,
  {
    guard,
    allowPrivate,
    ca,
  }: { readonly guard: DialGuard; readonly allowPrivate: boolean; readonly ca: readonly string[] | undefined },
): Dial {
  if (target.kind === 'unix') {
    const path = target.socketPath;
    return ({ onread }, done) => watch(netConnect(onread === undefined ? { path } : { path, onread }), done);
  }
  const mayConnect = (address: string) => {
    const verdict = judgeAddress(address);
    if (verdict === 'forbidden' || guard.isOwn(address, target.port)) return false;
    return verdict === 'public' || allowPrivate;
  };
  const address = {
    host: target.hostname,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
    lookup: guardedLookup(guard.lookup, mayConnect),
  };
  const isLiteral = isIP(target.hostname) !== 0;
  const tls = target.kind === 'https' ? tlsOptions({ isLiteral, hostname: target.hostname, ca }) : null;
  let session: Buffer | undefined;
  return ({ alpn = ['http/1.1'], onread }, done) => {
    // Literal addresses are not looked up by node:net.
    if (isLiteral && !mayConnect(target.hostname)) {
      done(new UpstreamForbiddenError(target.hostname), null);
      return null;
    }
    if (tls === null) return watch(netConnect(onread === undefined ? address : { ...address, onread }), done);
    const socket = tlsConnect({
      ...address,
      ...tls,
      ...(onread === undefined ? {} : { onread }),
      ...(session === undefined ? {} : { session }),
      ALPNProtocols: [...alpn],
    });
    socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
    socket.on('session', (newest) => {
      session = newest;
    });
    return watch(socket, done);
  };
}

function tlsOptions(options: { isLiteral: boolean; hostname: string; ca: readonly string[] | undefined }) {
  const { isLiteral, hostname, ca } = options;
  return {
    // RFC 6066 3: an address is no server name. The certificate is checked against it all the same.
    ...(isLiteral ? {} : { servername: hostname }),
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ...ca] }),
  };
}

/** Tells `done` when the socket is connected, its TLS verified, or what went wrong until then; not later than the time limit. */
function watch(socket: Socket, done: DialDone): Socket {
  let isDone = false;
  const timer = setTimeout(
    () => socket.destroy(new ConnectTimeoutError('connecting took too long')),
    upstreamConnectMsMax,
  );
  socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
    isDone = true;
    clearTimeout(timer);
    done(null, socket);
  });
  socket.once('close', () => clearTimeout(timer));
  // Later errors are for the listeners of whoever has the socket then.
  socket.on('error', (error) => {
    if (isDone) return;
    isDone = true;
    done(error, null);
  });
  return socket;
}

/** Judges what a name resolves to before a connection is made to it. */
function guardedLookup(lookup: LookupFunction, mayConnect: (address: string) => boolean): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    lookup(hostname, lookupOptions, (error, address, family) => {
      const all = typeof address === 'string' ? [address] : (address ?? []).map((entry) => entry.address);
      // One bad address among good ones is a rebinding attempt or a mistake: neither is connected to.
      const bad = error === null ? all.find((one) => !mayConnect(one)) : undefined;
      if (bad !== undefined) callback(new UpstreamForbiddenError(bad), address, family);
      else callback(error, address, family);
    });
  };
}

/** Is this address, at this port, one of our own listeners? */
export function isOwn(
  listeners: readonly { readonly host: string; readonly port: number }[],
  to: { address: string; port: number },
) {
  const samePort = listeners.filter((listener) => listener.port === to.port);
  if (samePort.length === 0) return false;
  if (samePort.some((listener) => listener.host === to.address)) return true;
  const isWildcard = samePort.some((listener) => listener.host === '0.0.0.0' || listener.host === '::');
  // All of 127/8 reaches a loopback listener's machine; another loopback address on the same port is no app's place.
  if (mayReachLoopback(to.address))
    return samePort.some(({ host }) => isLoopback(host) || host === 'localhost') || isWildcard;
  if (!isWildcard) return false;
  return Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === to.address));
}
