import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { getCACertificates } from 'node:tls';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import { headerBytesMax, upstreamConnectMsMax, upstreamExchangesMax, upstreamKeepAliveMs } from './limits.ts';
import { readAuthority } from './read-authority.ts';
import { judgeAddress } from './upstream-address.ts';

/** Where an app is, parsed once from the resource's `upstream`. */
export interface UpstreamTarget {
  readonly kind: 'http' | 'https' | 'h2c' | 'unix';
  /** Host name or address without brackets; empty for sockets. */
  readonly hostname: string;
  readonly port: number;
  readonly socketPath: string;
  /** `Host` for the app when the client's own is not preserved. */
  readonly authority: string;
}

/** Reads `http://host:port`, `https://host`, `h2c://host:port` or `unix:/path`; undefined for anything else. */
export function parseUpstream(text: string): UpstreamTarget | undefined {
  if (text.startsWith('unix:/')) {
    return { kind: 'unix', hostname: '', port: 0, socketPath: text.slice(5), authority: 'localhost' };
  }
  const match = /^(https?|h2c):\/\/([^/?#]+)\/?$/.exec(text);
  const authority = readAuthority(match?.[2] ?? '');
  if (match === null || authority === undefined) return undefined;
  const hostname = readHostname(authority.host);
  if (hostname === undefined) return undefined;
  const kind = match[1] === 'https' ? 'https' : match[1] === 'h2c' ? 'h2c' : 'http';
  const port = authority.port ?? (kind === 'https' ? 443 : 80);
  const written = authority.port === null ? authority.host : `${authority.host}:${authority.port}`;
  return { kind, hostname, port, socketPath: '', authority: written };
}

/**
 * The host as the pool's URL parser will read it: to it `2130706433`, `0x7f.1` and `127.1` are `127.0.0.1`, an address that is
 * connected to without being looked up, and so must be judged as the address it is. Undefined: it takes it for none.
 */
function readHostname(host: string): string | undefined {
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : undefined;
}

export class UpstreamForbiddenError extends Error {
  readonly code = 'upstream-forbidden';
  constructor(address: string) {
    super(`the upstream address \`${address}\` is not allowed`);
  }
}

export interface UpstreamsOptions {
  /** Addresses our own listeners have: never an upstream. Asked at connect time. */
  readonly ownListeners: () => readonly { readonly host: string; readonly port: number }[];
  /** PEM certificates that may vouch for upstreams besides the system's. */
  readonly ca?: readonly string[];
  readonly lookup?: LookupFunction;
  readonly exchangesMax?: number;
}

/** One pool of kept-alive connections per upstream, made on first use. */
export interface Upstreams {
  upstreamFor(target: UpstreamTarget, options: { readonly allowPrivate: boolean }): Upstream;
  close(): Promise<void>;
}

/** The ways to one app. */
export interface Upstream {
  readonly target: UpstreamTarget;
  readonly pool: Dispatcher;
  /** A new connection of its own, HTTP/1.1, for WebSocket tunnels. */
  readonly connect: buildConnector.connector;
  /** Exchanges in progress, kept by forwardRequest, and how many there may be. */
  readonly exchanges: { count: number; readonly max: number };
}

/** Makes the pools. Addresses are judged after resolution, for each connection, so that a name cannot move later. */
export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const known = new Map<string, Upstream>();
  const guard: Guard = {
    lookup: options.lookup ?? (systemLookup as LookupFunction),
    isOwn: (address, port) => isOwn(options.ownListeners(), { address, port }),
  };
  return {
    upstreamFor(target, { allowPrivate }) {
      const key = `${target.kind} ${target.socketPath} ${target.hostname} ${target.port} ${allowPrivate}`;
      let upstream = known.get(key);
      if (upstream === undefined) {
        const connector = (allowH2: boolean) =>
          guardedConnector(target, { guard, allowPrivate, ca: options.ca, allowH2 });
        upstream = {
          target,
          pool: openPool(target, connector(target.kind === 'https')),
          connect: connector(false),
          exchanges: { count: 0, max: options.exchangesMax ?? upstreamExchangesMax },
        };
        known.set(key, upstream);
      }
      return upstream;
    },
    async close() {
      await Promise.all([...known.values()].map(({ pool }) => pool.destroy()));
      known.clear();
    },
  };
}

function openPool(target: UpstreamTarget, connect: buildConnector.connector): Pool {
  const host = target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname || 'localhost';
  const origin =
    target.kind === 'unix'
      ? 'http://localhost'
      : `${target.kind === 'https' ? 'https' : 'http'}://${host}:${target.port}`;
  return new Pool(origin, {
    connect,
    // Bounded by `exchanges`: a queue inside the pool would let event streams starve everything behind them.
    connections: null,
    pipelining: 1,
    keepAliveTimeout: upstreamKeepAliveMs,
    keepAliveMaxTimeout: upstreamKeepAliveMs,
    maxHeaderSize: headerBytesMax,
    // The sweep in forward-request.ts knows who keeps whom waiting; the pool does not.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: target.kind === 'https' || target.kind === 'h2c',
    ...(target.kind === 'h2c' ? { h2Options: { useH2c: true } } : {}),
  });
}

interface Guard {
  readonly lookup: LookupFunction;
  readonly isOwn: (address: string, port: number) => boolean;
}

interface ConnectorOptions {
  readonly guard: Guard;
  readonly allowPrivate: boolean;
  readonly allowH2: boolean;
  readonly ca: readonly string[] | undefined;
}

function guardedConnector(target: UpstreamTarget, options: ConnectorOptions): buildConnector.connector {
  const { guard, allowPrivate } = options;
  if (target.kind === 'unix') return buildConnector({ socketPath: target.socketPath, timeout: upstreamConnectMsMax });
  const mayConnect = (address: string) => {
    const verdict = judgeAddress(address);
    if (verdict === 'forbidden' || guard.isOwn(address, target.port)) return false;
    return verdict === 'public' || allowPrivate;
  };
  const lookup: LookupFunction = (hostname, lookupOptions, callback) => {
    guard.lookup(hostname, lookupOptions, (error, address, family) => {
      const all = typeof address === 'string' ? [address] : (address ?? []).map((entry) => entry.address);
      // One bad address among good ones is a rebinding attempt or a mistake: neither is connected to.
      const bad = error === null ? all.find((one) => !mayConnect(one)) : undefined;
      if (bad !== undefined) callback(new UpstreamForbiddenError(bad), address, family);
      else callback(error, address, family);
    });
  };
  const connect = buildConnector({
    lookup,
    timeout: upstreamConnectMsMax,
    allowH2: options.allowH2,
    ...(options.ca === undefined ? {} : { ca: [...getCACertificates('default'), ...options.ca] }),
    ...(target.kind === 'h2c' ? { useH2c: true } : {}),
  } as buildConnector.BuildOptions);
  return (connectOptions, callback) => {
    // Literal addresses are not looked up by node:net.
    if (isIP(target.hostname) !== 0 && !mayConnect(target.hostname)) {
      callback(new UpstreamForbiddenError(target.hostname), null);
      return;
    }
    connect(connectOptions, callback);
  };
}

function isOwn(
  listeners: readonly { readonly host: string; readonly port: number }[],
  to: { address: string; port: number },
) {
  const samePort = listeners.filter((listener) => listener.port === to.port);
  if (samePort.length === 0) return false;
  if (samePort.some((listener) => listener.host === to.address)) return true;
  const isWildcard = samePort.some((listener) => listener.host === '0.0.0.0' || listener.host === '::');
  const isLoopback = judgeAddress(to.address) === 'private' && /^(?:127\.|::1$|::ffff:(?:127\.|7f))/i.test(to.address);
  // All of 127/8 reaches a loopback listener's machine; another loopback address on the same port is no app's place.
  if (isLoopback)
    return (
      samePort.some(
        (listener) => listener.host.startsWith('127.') || listener.host === '::1' || listener.host === 'localhost',
      ) || isWildcard
    );
  if (!isWildcard) return false;
  return Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === to.address));
}
