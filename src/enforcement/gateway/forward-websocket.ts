import { randomBytes } from 'node:crypto';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ForwardHandle, ForwardOptions, ForwardOutcome } from './forward-request.ts';
import { headerBytesMax, upstreamHeadersMsMax, websocketCloseMs, websocketIdleMsMax } from './limits.ts';
import { type Refusal, refuse } from './refusal.ts';
import { responseHeadersFor } from './response-headers.ts';
import type { Swept } from './sweep.ts';
import { refusalForError } from './upstream-error.ts';
import { closeFrame, FrameBoundary } from './websocket-frames.ts';
import { isValidSwitch, readWebSocketOffer, type WebSocketOffer, websocketAccept } from './websocket-handshake.ts';

/**
 * Carries a WebSocket: opening handshake on a new connection to the app, and, once that has validly switched, frames both
 * ways untouched. The client may have come by HTTP/1.1 Upgrade or HTTP/2 extended CONNECT; the app speaks HTTP/1.1.
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
  #upstreamRequest: ClientRequest | null = null;
  #upstreamSocket: Duplex | null = null;
  #clientSocket: Duplex | null = null;
  #lastTick: number;
  #status = 0;
  #bytesUp = 0;
  #bytesDown = 0;
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
    if (upstream.target.kind === 'h2c') {
      this.#fail(refuse([501, 'bad-upgrade'], 'This app speaks HTTP/2 only and takes no WebSockets.'));
      return;
    }
    if (client.closed) {
      this.#finish({ ended: 'client-gone', refusal: null, cutReason: null });
      return;
    }
    this.#slot = sweep.add(this);
    client.onClose(() => this.#onClientClose());
    upstream.dial({}, (error, socket) => {
      if (error !== null) this.#fail(refusalForError(error));
      else if (this.#ended) socket.destroy();
      else this.#guard(() => this.#shakeHands(socket, offer));
    });
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
    upstream.unpipe(client);
    // The app learns by a broken connection; a frame put in between the client's would need a boundary we do not track.
    upstream.destroy();
    if (!this.#toClient.isBetweenFrames || client.destroyed) {
      this.#destroyBoth();
      return;
    }
    client.end(closeFrame(reason, null));
    client.resume();
    const timer = setTimeout(() => this.#destroyBoth(), websocketCloseMs);
    client.once('close', () => clearTimeout(timer));
  }

  sweep(_tick: number, sinceMs: (tick: number) => number): void {
    const idleMs = sinceMs(this.#lastTick);
    if (this.#status === 0 && idleMs >= upstreamHeadersMsMax) {
      this.#fail(refuse([504, 'upstream-timeout'], 'The app did not answer in time.'));
    } else if (idleMs >= websocketIdleMsMax) this.cut('idle for too long');
  }

  #shakeHands(socket: Socket, offer: WebSocketOffer): void {
    const { headers, request } = this.#options;
    const key = randomBytes(16).toString('base64');
    const handshake = [
      ...headers,
      'connection',
      'Upgrade',
      'upgrade',
      'websocket',
      'sec-websocket-version',
      '13',
      'sec-websocket-key',
      key,
      ...(offer.protocols.length > 0 ? ['sec-websocket-protocol', offer.protocols.join(', ')] : []),
      ...(offer.extensions === null ? [] : ['sec-websocket-extensions', offer.extensions]),
    ];
    const upstreamRequest = httpRequest({
      method: 'GET',
      path: request.target,
      headers: handshake,
      setDefaultHeaders: false,
      createConnection: () => socket,
      maxHeaderSize: headerBytesMax,
    });
    this.#upstreamRequest = upstreamRequest;
    upstreamRequest.on('upgrade', (answer, upstreamSocket, head) =>
      this.#guard(() => this.#onSwitch({ answer, upstreamSocket, head, key, offer })),
    );
    upstreamRequest.on('response', (answer) => this.#guard(() => this.#onOtherAnswer(answer)));
    upstreamRequest.on('error', (error) => this.#fail(refusalForError(error)));
    upstreamRequest.end();
  }

  #onSwitch(switched: {
    answer: IncomingMessage;
    upstreamSocket: Duplex;
    head: Buffer;
    key: string;
    offer: WebSocketOffer;
  }): void {
    const { answer, upstreamSocket, head, key, offer } = switched;
    this.#upstreamSocket = upstreamSocket;
    upstreamSocket.on('error', () => this.#onTunnelClose());
    if (this.#ended) {
      upstreamSocket.destroy();
      return;
    }
    if (!isValidSwitch(answer, { key, offer })) {
      this.#fail(refuse([502, 'upstream-broken'], 'The app did not complete the WebSocket handshake.'));
      return;
    }
    const { client, strictTransportSecurity, ownService } = this.#options;
    const headers = responseHeadersFor(answer.rawHeaders, {
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
    const clientSocket = client.acceptWebSocket(accepted, offer.key === null ? null : websocketAccept(offer.key));
    this.#tunnel(clientSocket, { upstreamSocket, head });
  }

  #tunnel(clientSocket: Duplex, { upstreamSocket, head }: { upstreamSocket: Duplex; head: Buffer }): void {
    this.#clientSocket = clientSocket;
    if (head.length > 0) upstreamSocket.unshift(head);
    const { sweep } = this.#options;
    upstreamSocket.on('data', (chunk: Buffer) => {
      this.#bytesDown += chunk.length;
      this.#lastTick = sweep.tick;
      this.#toClient.push(chunk);
    });
    clientSocket.on('data', (chunk: Buffer) => {
      this.#bytesUp += chunk.length;
      this.#lastTick = sweep.tick;
    });
    clientSocket.on('error', () => this.#onTunnelClose());
    clientSocket.once('close', () => this.#onTunnelClose());
    upstreamSocket.once('close', () => this.#onTunnelClose());
    upstreamSocket.pipe(clientSocket);
    clientSocket.pipe(upstreamSocket);
  }

  /** The app declined: its answer goes to the client like any other, and the connection is not used again. */
  #onOtherAnswer(answer: IncomingMessage): void {
    const { client, request, strictTransportSecurity, ownService } = this.#options;
    const status = answer.statusCode ?? 502;
    // Over extended CONNECT any 2xx would mean success (RFC 8441 5).
    if (request.httpVersion === '2' && status < 300) {
      answer.destroy();
      this.#fail(refuse([502, 'upstream-broken'], 'The app did not switch to WebSocket.'));
      return;
    }
    this.#status = status;
    client.start(
      status,
      responseHeadersFor(answer.rawHeaders, { strictTransportSecurity, ownService: ownService ?? false }),
    );
    client.onDrain(() => answer.resume());
    answer.on('data', (chunk: Buffer) => {
      this.#bytesDown += chunk.length;
      this.#lastTick = this.#options.sweep.tick;
      if (!client.write(chunk)) answer.pause();
    });
    answer.on('end', () => {
      if (this.#ended) return;
      this.#finish({ ended: 'complete', refusal: null, cutReason: null });
      client.end();
    });
    answer.on('error', (error) => this.#fail(refusalForError(error)));
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
    this.#upstreamRequest?.destroy();
  }

  #fail(refusal: Refusal): void {
    if (this.#ended) return;
    const { client, answerRefusal } = this.#options;
    const { started } = client;
    if (!started) this.#status = refusal.status;
    this.#finish({ ended: 'upstream-failed', refusal, cutReason: null });
    this.#upstreamRequest?.destroy();
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
    this.#upstreamRequest?.destroy();
    this.#upstreamSocket?.destroy();
    this.#options.client.destroy();
  }
}
