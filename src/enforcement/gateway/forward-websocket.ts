import type { Duplex } from 'node:stream';
import type { ForwardHandle, ForwardOptions, ForwardOutcome } from './forward-request.ts';
import { withKept } from './http1/kept-fields.ts';
import { upstreamHeadersMsMax, websocketCloseMs, websocketIdleMsMax } from './limits.ts';
import { type Refusal, refuse } from './refusal.ts';
import { responseHeadersFor } from './response-headers.ts';
import { type Swept, sweepPeriodMs } from './sweep.ts';
import { refusalForError } from './upstream-error.ts';
import { closeFrame, FrameBoundary, goingAway, policyViolation } from './websocket-frames.ts';
import { readWebSocketOffer, type WebSocketOffer, websocketAccept } from './websocket-handshake.ts';
import { type OtherAnswer, openToApp, type WebSocketToApp } from './websocket-to-app.ts';

/**
 * Carries a WebSocket: opening handshake on a new connection to the app, and, once that has validly switched, frames both
 * ways untouched. The client may have come by HTTP/1.1 Upgrade or HTTP/2 extended CONNECT, and so may the app be asked.
 */
export function forwardWebSocket(options: ForwardOptions): ForwardHandle {
  const forward = new WebSocketForward(options);
  forward.begin();
  return forward;
}

class WebSocketForward implements ForwardHandle, Swept {
  readonly #options: ForwardOptions;
  #slot = -1;
  readonly #toClient = new FrameBoundary();
  #toApp: WebSocketToApp | null = null;
  #upstreamSocket: Duplex | null = null;
  #clientSocket: Duplex | null = null;
  #lastTick: number;
  #status = 0;
  #bytesUp = 0;
  #bytesDown = 0;
  /** Why the client shall be told to go: at the next end of a frame towards it, or it was told. */
  #farewell: string | null = null;
  /** When it was told. */
  #farewellTick: number | null = null;
  #ended = false;

  constructor(options: ForwardOptions) {
    this.#options = options;
    this.#lastTick = options.sweep.tick;
  }

  begin(): void {
    const { client, request, sweep, upstream } = this.#options;
    const offer = readWebSocketOffer(request);
    if ('refused' in offer) {
      this.#fail(offer);
      return;
    }
    if (client.closed) {
      this.#finish({ ended: 'client-gone', refusal: null, cutReason: null });
      return;
    }
    this.#slot = sweep.add(this);
    client.onClose(() => this.#onClientClose());
    const { headers, kept } = this.#options;
    this.#toApp = openToApp(
      { target: request.target, headers: withKept(headers, kept), offer },
      {
        to: upstream,
        handler: {
          onSwitch: (socket, rawHeaders) => this.#guard(() => this.#onSwitch(socket, { rawHeaders, offer })),
          onInvalid: () =>
            this.#fail(refuse([502, 'upstream-broken'], 'The app did not complete the WebSocket handshake.')),
          onUnsupported: () =>
            this.#fail(refuse([501, 'bad-upgrade'], 'This app speaks HTTP/2 only and takes no WebSockets.')),
          onOtherAnswer: (answer) => this.#guard(() => this.#onOtherAnswer(answer)),
          onError: (error) => this.#fail(refusalForError(error)),
        },
      },
    );
    // It may have ended while it was being opened.
    if (this.#ended) this.#toApp.destroy();
  }

  cut(reason: string): void {
    if (this.#ended) return;
    const client = this.#clientSocket;
    const upstream = this.#upstreamSocket;
    this.#finish({ ended: 'cut', refusal: null, cutReason: reason });
    if (client === null || upstream === null) {
      this.#destroyBoth();
      return;
    }
    client.unpipe(upstream);
    // The app learns by a broken connection; a frame put in between the client's would need a boundary we do not track.
    upstream.destroy();
    if (!this.#mayTakeFrame() || client.destroyed) {
      this.#destroyBoth();
      return;
    }
    client.end(closeFrame(policyViolation, reason));
    client.resume();
    const timer = setTimeout(() => this.#destroyBoth(), websocketCloseMs);
    client.once('close', () => clearTimeout(timer));
  }

  sweep(_tick: number, sinceMs: (tick: number) => number): void {
    if (this.#farewellTick !== null) {
      // The tick may have been nearly over when it was noted.
      if (sinceMs(this.#farewellTick) < websocketCloseMs + sweepPeriodMs) return;
      this.#finish({ ended: 'complete', refusal: null, cutReason: null });
      this.#destroyBoth();
      return;
    }
    const idleMs = sinceMs(this.#lastTick);
    if (this.#status === 0 && idleMs >= upstreamHeadersMsMax) {
      this.#fail(refuse([504, 'upstream-timeout'], 'The app did not answer in time.'));
    } else if (idleMs >= websocketIdleMsMax) {
      if (this.#mayTakeFrame()) this.#goAway('idle for too long');
      else this.cut('idle for too long');
    }
  }

  #mayTakeFrame(): boolean {
    return this.#toClient.isBetweenFrames && !this.#toClient.hasClosed && this.#farewellTick === null;
  }

  /**
   * Ends without a no behind it, in the protocol's order: the client is told with 1001 once the frame on its way to it is whole, and
   * what it says then, its own close frame before all, reaches the app. Until that is over, `cut` still works.
   */
  #goAway(words: string): void {
    if (this.#ended || this.#farewell !== null) return;
    this.#farewell = words;
    this.#sayFarewell();
  }

  #sayFarewell(): void {
    const client = this.#clientSocket;
    if (client === null || this.#farewell === null || this.#farewellTick !== null || !this.#toClient.isBetweenFrames)
      return;
    if (this.#mayTakeFrame()) client.write(closeFrame(goingAway, this.#farewell));
    this.#farewellTick = this.#options.sweep.tick;
    // What the app says from here on goes nowhere; that it ends must be heard.
    this.#upstreamSocket?.resume();
  }

  #onSwitch(
    upstreamSocket: Duplex,
    { rawHeaders, offer }: { readonly rawHeaders: readonly string[]; readonly offer: WebSocketOffer },
  ): void {
    this.#upstreamSocket = upstreamSocket;
    upstreamSocket.on('error', () => this.#onTunnelClose());
    if (this.#ended) {
      upstreamSocket.destroy();
      return;
    }
    const { client, strictTransportSecurity, ownService } = this.#options;
    const headers = responseHeadersFor(rawHeaders, {
      strictTransportSecurity,
      ownService: ownService ?? false,
    });
    const accepted: string[] = [];
    for (let at = 0; at < headers.length; at += 2) {
      const name = (headers[at] ?? '').toLowerCase();
      if (name !== 'sec-websocket-accept' && name !== 'content-length') accepted.push(name, headers[at + 1] ?? '');
    }
    const { ownSetCookie } = this.#options;
    if (ownSetCookie !== undefined && ownSetCookie !== null) accepted.push('set-cookie', ownSetCookie);
    this.#status = offer.key === null ? 200 : 101;
    const clientSocket = client.acceptWebSocket(accepted, {
      accept: offer.key === null ? null : websocketAccept(offer.key),
      onGoingAway: () => this.#goAway('the gateway is closing'),
    });
    this.#tunnel(clientSocket, upstreamSocket);
  }

  #tunnel(clientSocket: Duplex, upstreamSocket: Duplex): void {
    this.#clientSocket = clientSocket;
    const { sweep } = this.#options;
    upstreamSocket.on('data', (chunk: Buffer) => {
      this.#bytesDown += chunk.length;
      this.#lastTick = sweep.tick;
      this.#passDown(chunk);
    });
    clientSocket.on('drain', () => upstreamSocket.resume());
    upstreamSocket.once('end', () => clientSocket.end());
    clientSocket.on('data', (chunk: Buffer) => {
      this.#bytesUp += chunk.length;
      this.#lastTick = sweep.tick;
    });
    clientSocket.on('error', () => this.#onTunnelClose());
    clientSocket.once('close', () => this.#onTunnelClose());
    upstreamSocket.once('close', () => this.#onTunnelClose());
    for (const socket of [clientSocket, upstreamSocket]) socket.once('end', () => this.#onHalfClose());
    clientSocket.pipe(upstreamSocket);
    this.#sayFarewell();
  }

  /** Bytes of the app. Not piped: once the client shall go, only the frame that was begun is still passed on. */
  #passDown(chunk: Buffer): void {
    const client = this.#clientSocket;
    if (client === null || this.#ended || this.#farewellTick !== null) return;
    let passed = chunk;
    if (this.#farewell === null) this.#toClient.push(chunk);
    else passed = chunk.subarray(0, this.#toClient.pushRestOfFrame(chunk));
    if (!client.write(passed)) this.#upstreamSocket?.pause();
    this.#sayFarewell();
  }

  /** The app declined: its answer goes to the client like any other, and the connection is not used again. */
  #onOtherAnswer({ status, rawHeaders, body, isWhole }: OtherAnswer): void {
    if (this.#ended) return;
    const { client, request, strictTransportSecurity, ownService } = this.#options;
    // Over extended CONNECT any 2xx would mean success (RFC 8441 5).
    if (request.httpVersion === '2' && status < 300) {
      body.destroy();
      this.#fail(refuse([502, 'upstream-broken'], 'The app did not switch to WebSocket.'));
      return;
    }
    this.#status = status;
    client.start(status, responseHeadersFor(rawHeaders, { strictTransportSecurity, ownService: ownService ?? false }));
    client.onDrain(() => body.resume());
    body.on('data', (chunk: Buffer) => {
      if (this.#ended) return;
      this.#bytesDown += chunk.length;
      this.#lastTick = this.#options.sweep.tick;
      if (!client.write(chunk)) body.pause();
    });
    body.on('end', () => {
      if (this.#ended) return;
      if (!isWhole()) {
        this.#fail(refuse([502, 'upstream-broken'], 'The app broke its answer off.'));
        return;
      }
      this.#finish({ ended: 'complete', refusal: null, cutReason: null });
      client.end();
      // Over HTTP/2 our half of the stream is still open, and with it the connection.
      this.#toApp?.destroy();
    });
    body.on('error', (error) => this.#fail(refusalForError(error)));
  }

  /**
   * What an app answers may be well-formed for node:http and still nothing we can pass on, a status of 999 for one. Thrown out of a
   * socket's callback, that would end the process.
   */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(refusalForError(error));
    }
  }

  /** WebSockets are never half open for long: whoever has nothing more to say is about to close (RFC 6455 7.1.1). */
  #onHalfClose(): void {
    if (!this.#ended) setTimeout(() => this.#onTunnelClose(), websocketCloseMs).unref();
  }

  #onTunnelClose(): void {
    if (this.#ended) return;
    this.#finish({ ended: 'complete', refusal: null, cutReason: null });
    // Let what was piped last leave before the sockets go.
    for (const socket of [this.#clientSocket, this.#upstreamSocket]) {
      if (socket === null || socket.destroyed) continue;
      socket.end();
      const timer = setTimeout(() => socket.destroy(), websocketCloseMs);
      socket.once('close', () => clearTimeout(timer));
    }
  }

  #onClientClose(): void {
    if (this.#ended || this.#clientSocket !== null) return;
    this.#finish({ ended: 'client-gone', refusal: null, cutReason: null });
    this.#toApp?.destroy();
  }

  #fail(refusal: Refusal): void {
    if (this.#ended) return;
    const { client, answerRefusal } = this.#options;
    const { started } = client;
    if (!started) this.#status = refusal.status;
    this.#finish({ ended: 'upstream-failed', refusal, cutReason: null });
    this.#toApp?.destroy();
    this.#upstreamSocket?.destroy();
    if (started) client.destroy();
    else answerRefusal(refusal);
  }

  #finish(end: Pick<ForwardOutcome, 'ended' | 'refusal' | 'cutReason'>): void {
    this.#ended = true;
    this.#options.sweep.delete(this.#slot, this);
    this.#options.onEnd({ ...end, status: this.#status, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown });
  }

  #destroyBoth(): void {
    this.#toApp?.destroy();
    this.#upstreamSocket?.destroy();
    this.#options.client.destroy();
  }
}
