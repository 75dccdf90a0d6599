import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type Dial, dialler, isOwn } from './dial.ts';
import { Http1Pool } from './http1/pool.ts';
import { Http2Upstream } from './http2-upstream.ts';
import { upstreamExchangesMax } from './limits.ts';
import type { UpstreamTarget } from './parse-upstream.ts';
import { TlsUpstream } from './tls-upstream.ts';
import type { UpstreamSender } from './upstream-request.ts';

export interface UpstreamsOptions {
  /** Addresses our own listeners have: never an upstream. Asked at connect time. */
  readonly ownListeners: () => readonly { readonly host: string; readonly port: number }[];
  /** PEM certificates that may vouch for upstreams besides the system's. */
  readonly ca?: readonly string[];
  readonly lookup?: LookupFunction;
  readonly exchangesMax?: number;
}

/** The ways to all apps, each made on first use. */
export interface Upstreams {
  upstreamFor(target: UpstreamTarget, options: { readonly allowPrivate: boolean }): Upstream;
  close(): Promise<void>;
}

/** The ways to one app. */
export interface Upstream {
  readonly target: UpstreamTarget;
  /** Sends requests over kept-alive connections: HTTP/1.1 by our own client, HTTP/2 by Node's. */
  readonly sender: UpstreamSender;
  /** A new connection of its own, HTTP/1.1, for WebSocket tunnels. */
  readonly dial: Dial;
  /** Exchanges in progress, kept by forwardRequest, and how many there may be. */
  readonly exchanges: { count: number; readonly max: number };
}

/** Makes the ways to apps. Addresses are judged after resolution, for each connection, so that a name cannot move later. */
export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const known = new Map<string, Upstream>();
  /** The same by the target itself, which stands as long as its resource does: no name is put together for each request. */
  const byTarget = {
    anywhere: new WeakMap<UpstreamTarget, Upstream>(),
    publicOnly: new WeakMap<UpstreamTarget, Upstream>(),
  };
  const guard = {
    lookup: options.lookup ?? (systemLookup as LookupFunction),
    isOwn: (address: string, port: number) => isOwn(options.ownListeners(), { address, port }),
  };
  return {
    upstreamFor(target, { allowPrivate }) {
      const standing = allowPrivate ? byTarget.anywhere : byTarget.publicOnly;
      const found = standing.get(target);
      if (found !== undefined) return found;
      const key = `${target.kind} ${target.socketPath} ${target.hostname} ${target.port} ${allowPrivate}`;
      let upstream = known.get(key);
      if (upstream === undefined) {
        const dial = dialler(target, { guard, allowPrivate, ca: options.ca });
        upstream = {
          target,
          sender: senderFor(target, dial),
          dial,
          exchanges: { count: 0, max: options.exchangesMax ?? upstreamExchangesMax },
        };
        known.set(key, upstream);
      }
      standing.set(target, upstream);
      return upstream;
    },
    async close() {
      await Promise.all([...known.values()].map(({ sender }) => sender.close()));
      known.clear();
      byTarget.anywhere = new WeakMap();
      byTarget.publicOnly = new WeakMap();
    },
  };
}

function senderFor(target: UpstreamTarget, dial: Dial): UpstreamSender {
  if (target.kind === 'https') return new TlsUpstream(target, dial);
  return target.kind === 'h2c' ? new Http2Upstream(target, dial) : new Http1Pool(dial);
}
