import { BackOff } from './back-off.ts';
import type { Dial } from './dial.ts';
import { Http2Connection } from './http2-connection.ts';
import { Http2Exchange } from './http2-exchange.ts';
import type { UpstreamTarget } from './parse-upstream.ts';
import type { UpstreamExchange, UpstreamHandler, UpstreamRequest, UpstreamSender } from './upstream-request.ts';

class NotHttp2Error extends Error {
  readonly code = 'upstream-closed';
}

/**
 * Apps that speak HTTP/2 (RFC 9113), over TLS or in clear text by prior knowledge. Requests share connections as far as the app
 * lets them; how many there are is bounded by who counts the exchanges.
 */
export class Http2Upstream implements UpstreamSender {
  readonly #dial: Dial;
  readonly #scheme: 'http' | 'https';
  readonly #backOff: BackOff;
  readonly #connections = new Set<Http2Connection>();
  /** Sent as soon as the app says how many the connection that is being opened takes; the first one before. */
  #waiting: Http2Exchange[] = [];
  #isOpening = false;

  constructor(target: UpstreamTarget, dial: Dial, backOff = new BackOff()) {
    this.#dial = dial;
    this.#backOff = backOff;
    this.#scheme = target.kind === 'https' ? 'https' : 'http';
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamExchange {
    const exchange = new Http2Exchange({ request, scheme: this.#scheme }, handler);
    const free = request.onNewConnection ? undefined : this.#free();
    if (free !== undefined) free.carry(exchange);
    else if (this.#backOff.error !== null) exchange.fail(this.#backOff.error, false);
    else {
      this.#waiting.push(exchange);
      if (!this.#isOpening) this.#open();
    }
    return exchange;
  }

  #free(): Http2Connection | undefined {
    for (const connection of this.#connections) if (connection.isFree) return connection;
    return undefined;
  }

  #open(): void {
    this.#isOpening = true;
    this.#dial({ alpn: ['h2'] }, (error, socket) => {
      if (error !== null) {
        this.#failOpening(error);
        return;
      }
      const connection = new Http2Connection(socket, {
        onWorks: () => {
          this.#backOff.worked();
          this.#isOpening = false;
          this.#carryWaiting(connection);
          if (this.#waiting.length > 0) this.#open();
        },
        onClose: (hasWorked) => {
          this.#connections.delete(connection);
          if (!hasWorked) this.#failOpening(new NotHttp2Error('the app closed the connection before it spoke HTTP/2'));
        },
      });
      this.#connections.add(connection);
      this.#carryWaiting(connection);
    });
  }

  #carryWaiting(connection: Http2Connection): void {
    while (this.#waiting.length > 0 && connection.isFree) {
      const next = this.#waiting.shift();
      if (next !== undefined && !next.isOver) connection.carry(next);
    }
  }

  #failOpening(error: Error): void {
    this.#isOpening = false;
    this.#backOff.failed(error);
    for (const exchange of this.#waiting.splice(0)) exchange.fail(error, false);
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
  }
}
