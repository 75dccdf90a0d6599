import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ClientBody, StreamBody } from './client-body.ts';

/** The client's half of an exchange, the same for HTTP/1.1 and HTTP/2. Headers are flat: name, value, name, value. */
export interface ClientSide {
  readonly body: ClientBody;
  /** Has an answer begun? Then no other can be given. */
  readonly started: boolean;
  /** Has the client gone, or the answer ended? */
  readonly closed: boolean;
  /** Asks for the body, once it is known to be wanted (RFC 9110 10.1.1). */
  sendContinue(): void;
  sendEarlyHints(links: readonly string[]): void;
  start(status: number, headers: readonly string[]): void;
  /** False: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean;
  onDrain(listener: () => void): void;
  end(trailers?: readonly string[]): void;
  /** Ends both directions at once, in whatever state: HTTP/2 resets the stream, HTTP/1.1 destroys the connection. */
  destroy(): void;
  /** Called once, when the answer has ended or the client has gone. */
  onClose(listener: () => void): void;
  /**
   * Completes an opening handshake and gives the raw byte stream. `accept` is the value of `Sec-WebSocket-Accept`, null
   * over HTTP/2. Throws when the exchange is no upgrade.
   */
  acceptWebSocket(headers: readonly string[], accept: string | null): Duplex;
}

/** How long the rest of an unwanted body is read and thrown away, so that the client can take the answer. */
const lingerMs = 1_000;

/** A whole body up to this size goes out in one write with its head. */
const oneWriteBytesMax = 16 * 1024;

/** What node hands over with an `upgrade` event. */
export interface UpgradedSocket {
  readonly socket: Duplex;
  /** Bytes the client sent behind its handshake. They go nowhere unless the app switches. */
  readonly head: Buffer;
}

export class Http1Client implements ClientSide {
  readonly body: ClientBody;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #upgrade: UpgradedSocket | null;
  #contentLength = -1;
  /** The whole body, held until `end`, which follows in the same turn. */
  #wholeBody: string | null = null;
  constructor(request: IncomingMessage, response: ServerResponse, upgrade: UpgradedSocket | null = null) {
    this.body = new StreamBody(request);
    this.#request = request;
    this.#response = response;
    this.#upgrade = upgrade;
  }
  get started(): boolean {
    return this.#response.headersSent;
  }
  get closed(): boolean {
    // A pipelined response has no socket until its turn comes, so the request's is asked.
    return this.#response.destroyed || this.#response.writableEnded || this.#request.socket.destroyed;
  }
  sendContinue(): void {
    this.#response.writeContinue();
  }
  sendEarlyHints(links: readonly string[]): void {
    if (this.#request.httpVersionMinor !== 1 || this.#response.headersSent) return;
    try {
      this.#response.writeEarlyHints({ link: [...links] });
    } catch {
      // Hints are optional: links that node finds malformed are left out, the answer goes on.
    }
  }
  start(status: number, headers: readonly string[]): void {
    this.#response.writeHead(status, headers as string[]);
    const at = headers.indexOf('content-length');
    if (at >= 0 && at % 2 === 0) this.#contentLength = Number(headers[at + 1]);
  }
  write(chunk: Uint8Array): boolean {
    if (chunk.byteLength === this.#contentLength && chunk.byteLength <= oneWriteBytesMax) {
      // Node joins head and body into one write only for strings; latin1 keeps every byte as it is.
      this.#wholeBody = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
      return true;
    }
    return this.#response.write(chunk);
  }
  onDrain(listener: () => void): void {
    this.#response.on('drain', listener);
  }
  end(trailers?: readonly string[]): void {
    if (trailers !== undefined && trailers.length > 0) {
      const pairs: [string, string][] = [];
      for (let at = 0; at < trailers.length; at += 2) pairs.push([trailers[at] ?? '', trailers[at + 1] ?? '']);
      this.#response.addTrailers(pairs);
    }
    if (this.#wholeBody === null) this.#response.end();
    else this.#response.end(this.#wholeBody, 'latin1');
    if (!this.#request.complete) this.#linger();
  }
  #linger(): void {
    const { socket } = this.#request;
    this.#request.on('error', () => {});
    this.#request.resume();
    const timer = setTimeout(() => {
      if (!this.#request.complete) socket?.destroy();
    }, lingerMs);
    timer.unref();
    this.#request.once('close', () => clearTimeout(timer));
  }
  destroy(): void {
    const socket = this.#response.socket ?? this.#request.socket;
    socket?.destroy();
  }
  onClose(listener: () => void): void {
    (this.#upgrade?.socket ?? this.#response).once('close', listener);
  }
  acceptWebSocket(headers: readonly string[], accept: string | null): Duplex {
    if (this.#upgrade === null || accept === null) throw new Error('this exchange is no WebSocket upgrade');
    const { socket, head } = this.#upgrade;
    this.#response.writeHead(101, [
      'connection',
      'Upgrade',
      'upgrade',
      'websocket',
      'sec-websocket-accept',
      accept,
      ...headers,
    ]);
    this.#response.flushHeaders();
    this.#response.detachSocket(socket as Socket);
    if (head.length > 0) socket.unshift(head);
    return socket;
  }
}

export class Http2Client implements ClientSide {
  readonly body: ClientBody;
  readonly #stream: ServerHttp2Stream;
  #trailers: readonly string[] = [];
  constructor(stream: ServerHttp2Stream) {
    this.body = new StreamBody(stream);
    this.#stream = stream;
  }
  get started(): boolean {
    return this.#stream.headersSent;
  }
  get closed(): boolean {
    return this.#stream.destroyed || this.#stream.closed || this.#stream.writableEnded;
  }
  sendContinue(): void {
    if (!this.closed) this.#stream.additionalHeaders({ ':status': 100 });
  }
  sendEarlyHints(links: readonly string[]): void {
    if (!this.closed && !this.started) this.#stream.additionalHeaders({ ':status': 103, link: [...links] });
  }
  start(status: number, headers: readonly string[]): void {
    if (this.closed) return;
    // Trailers are asked for when the data has been written; none are sent when the list is empty.
    this.#stream.respond([':status', `${status}`, ...headers], { waitForTrailers: true });
    this.#stream.once('wantTrailers', () => this.#sendTrailers());
  }
  #sendTrailers(): void {
    const fields: Record<string, string | string[]> = Object.create(null);
    for (let at = 0; at < this.#trailers.length; at += 2) {
      const name = this.#trailers[at] ?? '';
      const value = this.#trailers[at + 1] ?? '';
      const earlier = fields[name];
      fields[name] = earlier === undefined ? value : [...(Array.isArray(earlier) ? earlier : [earlier]), value];
    }
    this.#stream.sendTrailers(fields);
    // RFC 9113 8.1: a client still sending is told to stop, without error.
    setImmediate(() => {
      if (!this.#stream.readableEnded && !this.#stream.endAfterHeaders && !this.#stream.closed) {
        this.#stream.close(constants.NGHTTP2_NO_ERROR);
      }
    });
  }
  write(chunk: Uint8Array): boolean {
    return this.#stream.destroyed ? true : this.#stream.write(chunk);
  }
  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener);
  }
  end(trailers?: readonly string[]): void {
    this.#trailers = trailers ?? [];
    if (this.#stream.destroyed) return;
    this.#stream.end();
  }
  destroy(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#stream.destroy();
  }
  onClose(listener: () => void): void {
    this.#stream.once('close', listener);
  }
  acceptWebSocket(headers: readonly string[]): Duplex {
    this.#stream.respond([':status', '200', ...headers]);
    return this.#stream;
  }
}
