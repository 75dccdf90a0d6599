import type { Socket } from 'node:net';
import type { Dial } from '../dial.ts';
import type { UpstreamExchange, UpstreamHandler, UpstreamRequest } from '../upstream-request.ts';
import { AnswerReader } from './answer-reader.ts';
import { readAnswerTrailers } from './answer-trailers.ts';
import { BodyWriter } from './body-writer.ts';
import { flushSoon } from './flush-soon.ts';
import type { BodyFraming } from './request-text.ts';

/**
 * A body means nothing here (RFC 9110 9.3.1, 9.3.2, 9.3.5) or hardly ever, so an app may leave it unread and take it for its next
 * request. The answer to that must not reach whoever asks next.
 */
const bodyMeansNothing = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

const readBytes = 64 * 1024;
/**
 * What every connection reads into, one at a time. Whoever is given bytes of it copies what it keeps (`AnswerSink`), before
 * anything else is read.
 */
const readBuffer = Buffer.allocUnsafeSlow(readBytes);

/** The app closed or lost the connection before its answer was whole. */
export class UpstreamClosedError extends Error {
  readonly code = 'upstream-closed';
}

/** Where a connection goes between requests. */
export interface ConnectionOwner {
  /** It can carry another request. */
  release(connection: Http1Connection): void;
  /** It is closed, or about to be. */
  forget(connection: Http1Connection): void;
}

/** A request with its text, ready to be written. */
export interface PreparedRequest {
  readonly request: UpstreamRequest;
  readonly text: string;
  readonly framing: BodyFraming;
}

/** One request and its answer, from before there is a connection until both are over. */
export class Http1Exchange implements UpstreamExchange {
  readonly prepared: PreparedRequest;
  readonly handler: UpstreamHandler;
  connection: Http1Connection | null = null;
  #isOver = false;
  #isPaused = false;

  constructor(prepared: PreparedRequest, handler: UpstreamHandler) {
    this.prepared = prepared;
    this.handler = handler;
  }

  /** True until it has ended in any way; the one who makes it false tells the handler. */
  get isOver(): boolean {
    return this.#isOver;
  }
  get isPaused(): boolean {
    return this.#isPaused;
  }
  get waitsForBody(): boolean {
    return this.connection?.waitsForBody === true;
  }
  pause(): void {
    if (this.#isOver || this.#isPaused) return;
    this.#isPaused = true;
    this.connection?.pause();
  }
  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    this.connection?.resume();
  }
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.connection?.destroy();
  }
  /** Marks it ended; false when it was already. */
  end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    return true;
  }
  breakBody(): void {
    if (!this.end()) return;
    this.connection?.destroy();
    this.handler.onBodyBroken();
  }
  fail(error: unknown, isStale: boolean): void {
    if (this.end()) this.handler.onUpstreamError(error, isStale);
  }
}

/** A connection to an app, HTTP/1.1, one request at a time. Where its framing is in doubt it is destroyed. */
export class Http1Connection {
  readonly #owner: ConnectionOwner;
  #socket: Socket | null = null;
  #exchange: Http1Exchange | null = null;
  #reader: AnswerReader | null = null;
  #body: BodyWriter | null = null;
  /** A request that goes out at the end of the turn, latin1. */
  #unsent = '';
  #isUsed = false;
  #isClosed = false;
  /** For the owner: until when it may lie idle, in its own measure. */
  idleUntilTick = 0;
  /** What the app said in `Keep-Alive: timeout=` last, seconds. */
  keepAliveSeconds = Number.POSITIVE_INFINITY;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
  }

  get isUsable(): boolean {
    return !this.#isClosed && this.#socket?.writable === true;
  }

  get waitsForBody(): boolean {
    return this.#body?.waitsForSource === true;
  }

  /** Connects, then carries its first request. */
  open(dial: Dial, exchange: Http1Exchange): void {
    exchange.connection = this;
    this.#exchange = exchange;
    // Bytes come here past the stream's own buffer.
    const onread = { buffer: readBuffer, callback: (byteCount: number) => this.#onRead(byteCount) };
    this.#socket = dial({ onread }, (error, socket) => {
      if (error !== null) {
        this.close(error);
        return;
      }
      this.#socket = socket;
      socket.on('end', () => this.#onEnd());
      socket.on('error', (trouble) => this.close(trouble));
      socket.on('close', () => this.close(new UpstreamClosedError('the connection was lost')));
      this.carry(exchange);
    });
  }

  /** Writes a request and waits for its answer. */
  carry(exchange: Http1Exchange): void {
    const socket = this.#socket;
    if (socket === null) throw new Error('a connection without a socket carries nothing');
    const { request, text, framing } = exchange.prepared;
    const { method, cleaning, body, contentLength } = request;
    exchange.connection = this;
    this.#exchange = exchange;
    this.#reader = new AnswerReader({ method, cleaning, sink: exchange.handler });
    if (body === null || framing === 'none') {
      this.#unsent = text;
      flushSoon(this);
      return;
    }
    // Head and what has come of the body leave together.
    socket.cork();
    socket.write(text, 'latin1');
    this.#body = new BodyWriter(body, {
      into: socket,
      contentLength,
      framing: 'message',
      watcher: {
        onBodySent: (byteCount) => exchange.handler.onBodySent(byteCount),
        onBodyBroken: () => exchange.breakBody(),
      },
    });
    this.#body.start();
    process.nextTick(() => socket.uncork());
  }

  flush(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (text !== '') this.#socket?.write(text, 'latin1');
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Ends it without telling anyone. */
  destroy(): void {
    this.#exchange = null;
    this.close(null);
  }

  #onRead(byteCount: number): boolean {
    const exchange = this.#exchange;
    const reader = this.#reader;
    if (exchange === null || reader === null) {
      // Nobody asked: these bytes must not become the answer to whoever asks next.
      this.destroy();
      return true;
    }
    if (this.#unsent !== '') {
      // What came before the request went out is no answer to it.
      this.close(new UpstreamClosedError('the app spoke before it was asked'));
      return true;
    }
    let at: number;
    try {
      at = reader.push(readBuffer, byteCount);
      if (reader.done && !exchange.isOver) this.#complete(exchange, { reader, hasExcess: at < byteCount });
    } catch (error) {
      this.close(error);
    }
    return true;
  }

  #onEnd(): void {
    const exchange = this.#exchange;
    const reader = this.#reader;
    if (exchange === null || reader === null || exchange.isOver) {
      this.destroy();
      return;
    }
    try {
      reader.finish();
      this.#complete(exchange, { reader, hasExcess: true });
    } catch {
      this.close(new UpstreamClosedError('the app closed the connection'));
    }
  }

  /** The answer is whole. Only a connection on which nothing is left over either way is kept. */
  #complete(exchange: Http1Exchange, { reader, hasExcess }: { reader: AnswerReader; hasExcess: boolean }): void {
    const trailers = readAnswerTrailers(reader.trailerText);
    const { head } = reader;
    const isBodyWritten = this.#body?.isWritten !== false;
    const isBodyRead = this.#body === null || !bodyMeansNothing.has(exchange.prepared.request.method);
    const isKept = head?.keepsAlive === true && isBodyWritten && isBodyRead && !hasExcess && this.isUsable;
    exchange.end();
    this.#exchange = null;
    this.#reader = null;
    if (isKept) {
      this.#body = null;
      this.#isUsed = true;
      this.keepAliveSeconds = head.keepAliveSeconds;
      if (exchange.isPaused) this.#socket?.resume();
      this.#owner.release(this);
    } else this.close(null);
    exchange.handler.onAnswerEnd(trailers);
  }

  /** Ends it; the exchange on it, if any, fails with `error`. */
  close(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unsent = '';
    const exchange = this.#exchange;
    const isStale = this.#isUsed && this.#reader?.began === false;
    this.#exchange = null;
    this.#reader?.stop();
    this.#reader = null;
    this.#body?.stop();
    this.#owner.forget(this);
    this.#socket?.destroy();
    exchange?.fail(error, isStale);
  }
}
