import type { Dial } from '../dial.ts';
import { upstreamKeepAliveMs } from '../limits.ts';
import type { UpstreamHandler, UpstreamRequest, UpstreamSender } from '../upstream-request.ts';
import { type ConnectionOwner, Http1Connection, Http1Exchange, UpstreamClosedError } from './connection.ts';
import { bodyFramingOf, requestText } from './request-text.ts';

const tickMs = 1_000;

/**
 * Kept-alive connections to one app, the last used first. How many there are is bounded by who counts the exchanges; how long they
 * are kept idle, by one slow tick for all of them.
 */
export class Http1Pool implements UpstreamSender, ConnectionOwner {
  readonly #dial: Dial;
  readonly #idle: Http1Connection[] = [];
  readonly #all = new Set<Http1Connection>();
  #tick = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(dial: Dial) {
    this.#dial = dial;
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): Http1Exchange {
    const framing = bodyFramingOf(request);
    const exchange = new Http1Exchange({ request, text: requestText(request, framing), framing }, handler);
    const kept = request.onNewConnection ? undefined : this.#takeIdle();
    if (kept === undefined) this.#open(exchange);
    else kept.carry(exchange);
    return exchange;
  }

  #takeIdle(): Http1Connection | undefined {
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (kept.isUsable) return kept;
      kept.destroy();
    }
    return undefined;
  }

  #open(exchange: Http1Exchange): void {
    const connection = new Http1Connection(this);
    this.#all.add(connection);
    connection.open(this.#dial, exchange);
  }

  release(connection: Http1Connection): void {
    // An app that closes idle connections early must not get a request just then.
    const keptMs = Math.min(upstreamKeepAliveMs, connection.keepAliveSeconds * 1000 - tickMs);
    const ticks = Math.floor(keptMs / tickMs);
    if (ticks < 1) {
      connection.destroy();
      return;
    }
    connection.idleUntilTick = this.#tick + ticks;
    this.#idle.push(connection);
    this.#timer ??= setInterval(() => this.#sweep(), tickMs).unref();
  }

  forget(connection: Http1Connection): void {
    this.#all.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #sweep(): void {
    this.#tick++;
    for (const connection of this.#idle.filter(({ idleUntilTick }) => idleUntilTick <= this.#tick)) {
      connection.destroy();
    }
    if (this.#idle.length > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  async close(): Promise<void> {
    for (const connection of [...this.#all]) connection.close(new UpstreamClosedError('the gateway is closing'));
  }
}
