import type { Dispatcher } from 'undici';
import type { ClientSide } from './client-side.ts';
import { forwardWebSocket } from './forward-websocket.ts';
import {
  clientBodyIdleMsMax,
  staleRetriesMax,
  streamIdleMsMax,
  upstreamBodyIdleMsMax,
  upstreamHeadersMsMax,
} from './limits.ts';
import { isCrossOrigin, refuseServiceWorker } from './navigation.ts';
import type { GatewayRequest } from './read-request.ts';
import { type Refusal, refuse } from './refusal.ts';
import { RequestBody } from './request-body.ts';
import { withoutOwnCookies } from './request-headers.ts';
import { responseHeadersFor } from './response-headers.ts';
import type { Sweep, Swept } from './sweep.ts';
import type { Upstream } from './upstream.ts';
import { isStaleConnection, refusalForError } from './upstream-error.ts';

/** How a forwarded exchange ended. */
export interface ForwardOutcome {
  /**
   * `complete`: the answer went through whole. `client-gone`, `client-slow`: the client's doing. `cut`: ours.
   * `refused`: not even begun. `upstream-failed`: see `refusal`; when it came before the answer began, the client got it as the answer.
   */
  readonly ended: 'complete' | 'client-gone' | 'client-slow' | 'upstream-failed' | 'refused' | 'cut';
  /** Status the client got, 0 for none. */
  readonly status: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly refusal: Refusal | null;
  /** Why it was cut, as given to `cut`. */
  readonly cutReason: string | null;
}

/** A running exchange. */
export interface ForwardHandle {
  /** Ends both sides at once. `reason` goes to WebSocket peers (close code 1008) and into the outcome. */
  cut(reason: string): void;
}

export interface ForwardOptions {
  readonly request: GatewayRequest;
  readonly client: ClientSide;
  /** As `requestHeadersFor` made them: flat, `host` first. */
  readonly headers: readonly string[];
  readonly upstream: Upstream;
  /** One of our own services (`id`, `console`): it may set our cookies. */
  readonly ownService?: boolean;
  /** A `Set-Cookie` of the gateway's own, added to the answer after the app's headers were cleaned. */
  readonly ownSetCookie?: string | null;
  readonly sweep: Sweep;
  /** Our own value for answers over TLS, or null. */
  readonly strictTransportSecurity: string | null;
  /** Longest body the route takes, bytes; null for no limit. */
  readonly bodyBytesMax: number | null;
  /** Writes an error answer to a client that has none yet. */
  readonly answerRefusal: (refusal: Refusal) => void;
  /** Called exactly once. */
  readonly onEnd: (outcome: ForwardOutcome) => void;
}

/** Methods that may be sent again when a kept-alive connection had died unseen: safe ones, without a body. */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Sends a judged request to its app and streams the answer back, with back-pressure both ways and without buffering.
 * Redirects are passed on, never followed. Every failure before the answer begins becomes a 502, 503 or 504.
 */
export function forwardRequest(options: ForwardOptions): ForwardHandle {
  const { exchanges } = options.upstream;
  const refusal =
    exchanges.count >= exchanges.max
      ? refuse([503, 'upstream-busy'], 'The app has too many requests in progress.')
      : options.ownService === true
        ? undefined
        : (refuseServiceWorker(options.request) ?? refuseCrossOriginWebSocket(options.request));
  if (refusal !== undefined) return answerAtOnce(options, refusal);
  exchanges.count++;
  const onEnd = (outcome: ForwardOutcome) => {
    exchanges.count--;
    options.onEnd(outcome);
  };
  return start({ ...options, onEnd });
}

function answerAtOnce(options: ForwardOptions, refusal: Refusal): ForwardHandle {
  options.onEnd({ ended: 'refused', status: refusal.status, bytesUp: 0, bytesDown: 0, refusal, cutReason: null });
  options.answerRefusal(refusal);
  return { cut: () => options.client.destroy() };
}

/**
 * A page of another origin opens a socket with our cookie: browsers ask no permission for that, and a sibling app's host is
 * the same site, so `SameSite` does not help. Programs with tokens send no `Origin` and pass.
 */
function refuseCrossOriginWebSocket(request: GatewayRequest): Refusal | undefined {
  if (request.upgrade === null || !isCrossOrigin(request)) return undefined;
  if (withoutOwnCookies(request.cookie) === request.cookie) return undefined;
  return refuse([403, 'cross-origin'], 'A page of another origin may not open a WebSocket here.');
}

function start(options: ForwardOptions): ForwardHandle {
  if (options.request.upgrade === 'websocket') return forwardWebSocket(options);
  const forward = new HttpForward(options);
  forward.begin();
  return forward;
}

class HttpForward implements ForwardHandle, Swept, Dispatcher.DispatchHandler {
  readonly #options: ForwardOptions;
  readonly #body: RequestBody | null;
  #controller: Dispatcher.DispatchController | null = null;
  #lastTick: number;
  #retries = 0;
  #status = 0;
  #bytesUp = 0;
  #bytesDown = 0;
  #isStream = false;
  #blockedByClient = false;
  #listensToDrain = false;
  #ended = false;

  constructor(options: ForwardOptions) {
    this.#options = options;
    this.#lastTick = options.sweep.tick;
    this.#body = options.request.hasBody
      ? new RequestBody(options.client.body, (byteCount) => this.#onBodyChunk(byteCount))
      : null;
  }

  begin(): void {
    const { client, sweep, request, bodyBytesMax } = this.#options;
    if (client.closed) {
      this.#finish({ ended: 'client-gone', refusal: null, cutReason: null });
      return;
    }
    if (bodyBytesMax !== null && (request.contentLength ?? 0) > bodyBytesMax) {
      this.#fail(refuse([413, 'body-too-large'], `The body is larger than ${bodyBytesMax} bytes.`));
      return;
    }
    sweep.add(this);
    client.onClose(() => this.#onClientClose());
    if (request.expectsContinue && this.#body !== null) client.sendContinue();
    this.#dispatch();
  }

  cut(reason: string): void {
    if (this.#ended) return;
    this.#finish({ ended: 'cut', refusal: null, cutReason: reason });
    this.#destroyBoth();
  }

  sweep(_tick: number, sinceMs: (tick: number) => number): void {
    const idleMs = sinceMs(this.#lastTick);
    if (idleMs < upstreamHeadersMsMax && idleMs < clientBodyIdleMsMax) return;
    const waitsForClient = this.#blockedByClient || (this.#body?.waitingForSource === true && this.#status === 0);
    if (waitsForClient) {
      if (idleMs >= clientBodyIdleMsMax) this.#endSlowClient();
    } else if (this.#status === 0) {
      if (idleMs >= upstreamHeadersMsMax) {
        this.#fail(refuse([504, 'upstream-timeout'], 'The app did not answer in time.'));
      }
    } else if (idleMs >= (this.#isStream ? streamIdleMsMax : upstreamBodyIdleMsMax)) {
      this.#fail(refuse([504, 'upstream-timeout'], 'The app stopped sending its answer.'));
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(new Error('ended before it began'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    parsed: Record<string, string | string[] | undefined>,
  ): void {
    const { client, strictTransportSecurity, ownService, sweep } = this.#options;
    this.#lastTick = sweep.tick;
    if (this.#ended) return;
    if (status < 200) {
      const links = parsed['link'];
      if (status === 103 && links !== undefined) client.sendEarlyHints(Array.isArray(links) ? links : [links]);
      return;
    }
    const { headers } = responseHeadersFor(flattenRaw(controller.rawHeaders ?? parsed), {
      strictTransportSecurity,
      ownService: ownService ?? false,
    });
    const type = parsed['content-type'];
    this.#isStream = typeof type === 'string' && /^(?:text\/event-stream|application\/grpc)/i.test(type);
    this.#status = status;
    const { ownSetCookie } = this.#options;
    client.start(status, ownSetCookie == null ? headers : [...headers, 'set-cookie', ownSetCookie]);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#lastTick = this.#options.sweep.tick;
    this.#bytesDown += chunk.byteLength;
    if (!this.#options.client.write(chunk)) {
      this.#blockedByClient = true;
      controller.pause();
      this.#waitForDrain();
    }
  }

  /** Most answers never wait, so the listener is set when the first one does. */
  #waitForDrain(): void {
    if (this.#listensToDrain) return;
    this.#listensToDrain = true;
    const { client, sweep } = this.#options;
    client.onDrain(() => {
      this.#blockedByClient = false;
      this.#lastTick = sweep.tick;
      this.#controller?.resume();
    });
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#ended) return;
    const trailers = flattenRaw(controller.rawTrailers ?? []);
    const cleaned = trailers.length === 0 ? [] : trailersFor(trailers);
    const { client } = this.#options;
    this.#finish({ ended: 'complete', refusal: null, cutReason: null });
    client.end(cleaned);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#ended) return;
    const { request } = this.#options;
    const stale = isStaleConnection(error) && this.#status === 0 && this.#body === null;
    if (stale && this.#retries < staleRetriesMax && repeatable.has(request.method)) {
      this.#retries++;
      this.#dispatch();
      return;
    }
    this.#fail(refusalForError(error));
  }

  #dispatch(): void {
    const { request, headers, upstream } = this.#options;
    this.#controller = null;
    try {
      upstream.pool.dispatch(
        {
          path: request.target,
          method: request.method,
          headers:
            request.takesTrailers && speaksHttp2(upstream) ? [...headers, 'te', 'trailers'] : (headers as string[]),
          body: this.#body as unknown as null,
          idempotent: false,
        },
        this,
      );
    } catch (error) {
      this.#fail(refusalForError(error));
    }
  }

  #onBodyChunk(byteCount: number): void {
    const { bodyBytesMax, sweep } = this.#options;
    this.#bytesUp += byteCount;
    this.#lastTick = sweep.tick;
    if (bodyBytesMax !== null && this.#bytesUp > bodyBytesMax) {
      this.#fail(refuse([413, 'body-too-large'], `The body is larger than ${bodyBytesMax} bytes.`));
    }
  }

  #onClientClose(): void {
    if (this.#ended) return;
    this.#finish({ ended: 'client-gone', refusal: null, cutReason: null });
    this.#abortUpstream();
  }

  #endSlowClient(): void {
    const { client, answerRefusal } = this.#options;
    const refusal = refuse([408, 'client-timeout'], 'The request body came too slowly.');
    this.#finish({ ended: 'client-slow', refusal, cutReason: null });
    this.#abortUpstream();
    if (client.started) client.destroy();
    else answerRefusal(refusal);
  }

  /** The app failed, or is not to be had: an error answer if none began, else a visible break. */
  #fail(refusal: Refusal): void {
    if (this.#ended) return;
    const { client, answerRefusal } = this.#options;
    const started = client.started;
    if (!started) this.#status = refusal.status;
    this.#finish({ ended: 'upstream-failed', refusal, cutReason: null });
    this.#abortUpstream();
    // Ending a half-sent answer cleanly would make a truncated body look whole.
    if (started) client.destroy();
    else answerRefusal(refusal);
  }

  #finish(end: Pick<ForwardOutcome, 'ended' | 'refusal' | 'cutReason'>): void {
    this.#ended = true;
    this.#options.sweep.delete(this);
    this.#options.onEnd({ ...end, status: this.#status, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown });
  }

  #abortUpstream(): void {
    this.#controller?.abort(new Error('ended'));
    this.#body?.stop();
  }

  #destroyBoth(): void {
    this.#abortUpstream();
    this.#options.client.destroy();
  }
}

/** gRPC servers insist on `te: trailers`; it is hop-by-hop, so it is said anew, and only where HTTP/2 may be spoken. */
function speaksHttp2(upstream: Upstream): boolean {
  return upstream.target.kind === 'h2c' || upstream.target.kind === 'https';
}

function flattenRaw(raw: unknown): string[] {
  if (Array.isArray(raw))
    return raw.map((part: Buffer | string) => (typeof part === 'string' ? part : part.toString('latin1')));
  const flat: string[] = [];
  for (const [name, value] of Object.entries((raw ?? {}) as Record<string, string | string[] | undefined>)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) flat.push(name, one);
  }
  return flat;
}

/** Trailer fields must not carry framing, routing, cookies or anything ours (RFC 9110 6.5.1). */
function trailersFor(raw: readonly string[]): string[] {
  const { headers } = responseHeadersFor(raw, { strictTransportSecurity: null, ownService: false });
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? '').toLowerCase();
    if (name === 'set-cookie' || name === 'content-length' || name === 'host') continue;
    kept.push(name, headers[at + 1] ?? '');
  }
  return kept;
}
