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
  readonly #waiting = new Set<Http2Exchange>();
  #isOpening = false;

  constructor(target: UpstreamTarget, dial: Dial, backOff = new BackOff()) {
    this.#dial = dial;
    this.#backOff = backOff;
    this.#scheme = target.kind === 'https' ? 'https' : 'http';
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamExchange {
    const scheme = this.#scheme;
    // Who goes away while it waits leaves nothing here: an app that hangs could be asked without end.
    const onAbort = () => void this.#waiting.delete(exchange);
    const exchange: Http2Exchange = new Http2Exchange({ request, scheme, onAbort }, handler);
    const free = request.onNewConnection ? undefined : this.#free();
    if (free !== undefined) free.carry(exchange);
    else if (this.#backOff.error !== null) exchange.fail(this.#backOff.error, false);
    else {
      this.#waiting.add(exchange);
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
          if (this.#waiting.size > 0) this.#open();
        },
        onUnused: () => this.#carryWaiting(connection),
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
    for (const next of this.#waiting) {
      if (!connection.isFree) return;
      this.#waiting.delete(next);
      connection.carry(next);
    }
  }

  #failOpening(error: Error): void {
    this.#isOpening = false;
    this.#backOff.failed(error);
    const failed = [...this.#waiting];
    this.#waiting.clear();
    for (const exchange of failed) exchange.fail(error, false);
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
  }
}
