import { BackOff } from './back-off.ts';
import type { Dial } from './dial.ts';
import { Http1Pool } from './http1/pool.ts';
import { Http2Upstream } from './http2-upstream.ts';
import type { UpstreamTarget } from './parse-upstream.ts';
import type { UpstreamExchange, UpstreamHandler, UpstreamRequest, UpstreamSender } from './upstream-request.ts';

/** How long the app may take to close the connection that only asked. */
const goodbyeMs = 1_000;

class ProtocolChangedError extends Error {
  readonly code = 'upstream-closed';
}

/**
 * An app over TLS. A first connection asks what it speaks (ALPN, RFC 7301): HTTP/2 or HTTP/1.1. Asked
 * again after a connection could not be made.
 */
export class TlsUpstream implements UpstreamSender {
  readonly #dial: Dial;
  readonly #backOff = new BackOff();
  readonly #http1: Http1Pool;
  readonly #http2: Http2Upstream;
  #spoken: UpstreamSender | null = null;
  #asking: Promise<UpstreamSender> | null = null;

  constructor(target: UpstreamTarget, dial: Dial) {
    this.#dial = dial;
    this.#http1 = new Http1Pool((options, done) =>
      dial({ ...options, alpn: ['http/1.1'] }, (...result) => {
        if (result[0] !== null) this.#spoken = null;
        done(...result);
      }),
    );
    const dialHttp2: Dial = (options, done) =>
      dial(options, (error, socket) => {
        if (error === null && 'alpnProtocol' in socket && socket.alpnProtocol === 'h2') {
          done(null, socket);
          return;
        }
        this.#spoken = null;
        socket?.destroy();
        done(error ?? new ProtocolChangedError('the app speaks HTTP/2 no more'), null);
      });
    this.#http2 = new Http2Upstream(target, dialHttp2, this.#backOff);
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamExchange {
    if (this.#spoken !== null) return this.#spoken.send(request, handler);
    const waiting = new WaitingExchange(handler);
    if (this.#asking === null && this.#backOff.error !== null) {
      waiting.fail(this.#backOff.error);
      return waiting;
    }
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    this.#asking.then(
      (sender) => waiting.begin(() => sender.send(request, handler)),
      (error: unknown) => waiting.fail(error),
    );
    return waiting;
  }

  #ask(): Promise<UpstreamSender> {
    return new Promise<UpstreamSender>((resolve, reject) => {
      this.#dial({ alpn: ['http/1.1', 'h2'] }, (error, socket) => {
        if (error !== null) {
          this.#backOff.failed(error);
          reject(error);
          return;
        }
        const speaksHttp2 = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
        // Ended and not cut off, or the app would note a failed handshake.
        socket.resume().end();
        const timer = setTimeout(() => socket.destroy(), goodbyeMs);
        socket.once('close', () => clearTimeout(timer));
        this.#spoken = speaksHttp2 ? this.#http2 : this.#http1;
        resolve(this.#spoken);
      });
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#http1.close(), this.#http2.close()]);
  }
}

/** An exchange for which it is not known yet how it will be sent. */
class WaitingExchange implements UpstreamExchange {
  readonly #handler: UpstreamHandler;
  #begun: UpstreamExchange | null = null;
  #isOver = false;

  constructor(handler: UpstreamHandler) {
    this.#handler = handler;
  }

  begin(send: () => UpstreamExchange): void {
    if (this.#isOver) return;
    try {
      this.#begun = send();
    } catch (error) {
      this.fail(error);
    }
  }
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onUpstreamError(error, false);
  }
  get waitsForBody(): boolean {
    return this.#begun?.waitsForBody === true;
  }
  pause(): void {
    this.#begun?.pause();
  }
  resume(): void {
    this.#begun?.resume();
  }
  abort(): void {
    this.#isOver = true;
    this.#begun?.abort();
  }
}
