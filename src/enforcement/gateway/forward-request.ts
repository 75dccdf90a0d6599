import { pairsOf } from './answer-fields.ts';
import type { ClientSide } from './client-side.ts';
import { forwardWebSocket } from './forward-websocket.ts';
import type { KeptFields } from './http1/kept-fields.ts';
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
import { withoutOwnCookies } from './request-headers.ts';
import type { Sweep, Swept } from './sweep.ts';
import type { Upstream } from './upstream.ts';
import { refusalForError } from './upstream-error.ts';
import type { UpstreamAnswer, UpstreamExchange, UpstreamHandler } from './upstream-request.ts';

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
  /** Ends both sides at once: the answer is no. `reason` goes to WebSocket clients (close code 1008) and into the outcome. */
  cut(reason: string): void;
}

export interface ForwardOptions {
  readonly request: GatewayRequest;
  readonly client: ClientSide;
  /** As `requestHeadersFor` made them: flat, `host` first. */
  readonly headers: readonly string[];
  /** Beside them, those of ours that many requests carry. */
  readonly kept: readonly KeptFields[];
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
  if (options.request.upgrade === 'websocket') {
    const onEnd = (outcome: ForwardOutcome) => {
      exchanges.count--;
      options.onEnd(outcome);
    };
    return forwardWebSocket({ ...options, onEnd });
  }
  const forward = new HttpForward(options);
  forward.begin();
  return forward;
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

/** Ends exactly once, and is one of its upstream's exchanges until then. */
class HttpForward implements ForwardHandle, Swept, UpstreamHandler {
  readonly #options: ForwardOptions;
  #exchange: UpstreamExchange | null = null;
  #lastTick: number;
  #slot = -1;
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
    this.#slot = sweep.add(this);
    client.onClose(() => this.#onClientClose());
    if (request.expectsContinue && request.hasBody) client.sendContinue();
    this.#send();
  }

  cut(reason: string): void {
    if (this.#ended) return;
    this.#finish({ ended: 'cut', refusal: null, cutReason: reason });
    this.#destroyBoth();
  }

  sweep(_tick: number, sinceMs: (tick: number) => number): void {
    const idleMs = sinceMs(this.#lastTick);
    if (idleMs < upstreamHeadersMsMax && idleMs < clientBodyIdleMsMax) return;
    const waitsForClient = this.#blockedByClient || (this.#exchange?.waitsForBody === true && this.#status === 0);
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

  onEarlyHints(links: readonly string[]): void {
    this.#lastTick = this.#options.sweep.tick;
    if (!this.#ended) this.#options.client.sendEarlyHints(links);
  }

  onHead({ status, fields, contentType, isWhole = false }: UpstreamAnswer): void {
    const { client, ownSetCookie, sweep } = this.#options;
    if (this.#ended) return;
    this.#lastTick = sweep.tick;
    this.#isStream = contentType !== '' && /^(?:text\/event-stream|application\/grpc)/i.test(contentType);
    this.#status = status;
    const sent = ownSetCookie == null ? fields : [...pairsOf(fields), 'set-cookie', ownSetCookie];
    client.start(status, sent, { isWhole });
  }

  onData(chunk: Buffer): void {
    if (this.#ended) return;
    this.#lastTick = this.#options.sweep.tick;
    this.#bytesDown += chunk.byteLength;
    if (!this.#options.client.write(chunk)) {
      this.#blockedByClient = true;
      this.#exchange?.pause();
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
      this.#exchange?.resume();
    });
  }

  onAnswerEnd(trailers: readonly string[]): void {
    if (this.#ended) return;
    this.#finish({ ended: 'complete', refusal: null, cutReason: null });
    this.#options.client.end(trailers);
  }

  onUpstreamError(error: unknown, isStale: boolean): void {
    if (this.#ended) return;
    const { request } = this.#options;
    if (isStale && !request.hasBody && this.#retries < staleRetriesMax && repeatable.has(request.method)) {
      this.#retries++;
      this.#send();
      return;
    }
    this.#fail(refusalForError(error));
  }

  onBodySent(byteCount: number): void {
    const { bodyBytesMax, sweep } = this.#options;
    this.#bytesUp += byteCount;
    this.#lastTick = sweep.tick;
    if (bodyBytesMax !== null && this.#bytesUp > bodyBytesMax) {
      this.#fail(refuse([413, 'body-too-large'], `The body is larger than ${bodyBytesMax} bytes.`));
    }
  }

  onBodyBroken(): void {
    if (this.#ended) return;
    this.#finish({ ended: 'client-gone', refusal: null, cutReason: null });
    this.#options.client.destroy();
  }

  #send(): void {
    const { request, headers, kept, upstream, client, strictTransportSecurity, ownService } = this.#options;
    try {
      this.#exchange = upstream.sender.send(
        {
          method: request.method,
          target: request.target,
          headers,
          kept,
          body: request.hasBody ? client.body : null,
          contentLength: request.contentLength,
          takesTrailers: request.takesTrailers,
          cleaning: { strictTransportSecurity, ownService: ownService ?? false },
          onNewConnection: this.#retries > 0,
        },
        this,
      );
      // It may have ended while it was being sent.
      if (this.#ended) this.#exchange.abort();
    } catch (error) {
      this.#fail(refusalForError(error));
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
    const { sweep, upstream, onEnd } = this.#options;
    sweep.delete(this.#slot, this);
    upstream.exchanges.count--;
    onEnd({ ...end, status: this.#status, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown });
  }

  #abortUpstream(): void {
    this.#exchange?.abort();
  }

  #destroyBoth(): void {
    this.#abortUpstream();
    this.#options.client.destroy();
  }
}
