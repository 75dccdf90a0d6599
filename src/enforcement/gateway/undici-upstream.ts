import type { Socket } from 'node:net';
import type { Dispatcher, Pool } from 'undici';
import type { Dial } from './dial.ts';
import { answerTrailersFor } from './http1/answer-trailers.ts';
import { headerBytesMax, upstreamKeepAliveMs } from './limits.ts';
import type { UpstreamTarget } from './parse-upstream.ts';
import { RequestBody } from './request-body.ts';
import { responseHeadersFor } from './response-headers.ts';
import { codeOf } from './upstream-error.ts';
import type { UpstreamExchange, UpstreamHandler, UpstreamRequest, UpstreamSender } from './upstream-request.ts';

/** Apps that speak HTTP/2, over TLS or in clear text by prior knowledge. The library is loaded on first use. */
export class UndiciUpstream implements UpstreamSender {
  readonly #target: UpstreamTarget;
  readonly #dial: Dial;
  #opening: Promise<Pool> | null = null;
  #pool: Pool | null = null;

  constructor(target: UpstreamTarget, dial: Dial) {
    this.#target = target;
    this.#dial = dial;
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamExchange {
    const exchange = new UndiciExchange(request, handler);
    if (this.#pool !== null) exchange.dispatch(this.#pool);
    else {
      this.#opening ??= this.#open();
      this.#opening.then(
        (pool) => exchange.dispatch(pool),
        (error: unknown) => exchange.fail(error),
      );
    }
    return exchange;
  }

  async #open(): Promise<Pool> {
    const undici = await import('undici');
    const { kind, hostname, port } = this.#target;
    const host = hostname.includes(':') ? `[${hostname}]` : hostname;
    this.#pool = new undici.Pool(`${kind === 'https' ? 'https' : 'http'}://${host}:${port}`, {
      connect: (_options, callback) => this.#connect(callback),
      // Bounded by who counts the exchanges: a queue inside the pool would let event streams starve everything behind them.
      connections: null,
      pipelining: 1,
      keepAliveTimeout: upstreamKeepAliveMs,
      keepAliveMaxTimeout: upstreamKeepAliveMs,
      maxHeaderSize: headerBytesMax,
      // The sweep in forward-request.ts knows who keeps whom waiting; the pool does not.
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: true,
      ...(kind === 'h2c' ? { h2Options: { useH2c: true } } : {}),
    });
    return this.#pool;
  }

  #connect(callback: (...result: [null, Socket] | [Error, null]) => void): void {
    this.#dial({ alpn: ['http/1.1', 'h2'] }, (error, socket) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      // How undici is told what the connection speaks.
      if (this.#target.kind === 'h2c') Object.assign(socket, { alpnProtocol: 'h2' });
      callback(null, socket);
    });
  }

  async close(): Promise<void> {
    if (this.#opening === null) return;
    await this.#opening.then(
      (pool) => pool.destroy(),
      () => undefined,
    );
  }
}

class UndiciExchange implements UpstreamExchange, Dispatcher.DispatchHandler {
  readonly #request: UpstreamRequest;
  readonly #handler: UpstreamHandler;
  readonly #body: RequestBody | null;
  #controller: Dispatcher.DispatchController | null = null;
  #isOver = false;

  constructor(request: UpstreamRequest, handler: UpstreamHandler) {
    this.#request = request;
    this.#handler = handler;
    this.#body =
      request.body === null
        ? null
        : new RequestBody(request.body, {
            onBodySent: (byteCount) => handler.onBodySent(byteCount),
            onBodyBroken: () => this.#breakBody(),
          });
  }

  dispatch(pool: Pool): void {
    if (this.#isOver) return;
    const { target, method, headers, takesTrailers } = this.#request;
    try {
      pool.dispatch(
        {
          path: target,
          method,
          // gRPC servers insist on `te: trailers`; it is hop-by-hop, so it is said anew.
          headers: takesTrailers ? [...headers, 'te', 'trailers'] : (headers as string[]),
          body: this.#body as unknown as null,
          idempotent: false,
        },
        this,
      );
    } catch (error) {
      this.fail(error);
    }
  }

  get waitsForBody(): boolean {
    return this.#body?.waitingForSource === true;
  }
  pause(): void {
    this.#controller?.pause();
  }
  resume(): void {
    this.#controller?.resume();
  }
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.abort(new Error('ended'));
    this.#body?.stop();
  }
  #breakBody(): void {
    if (this.#isOver) return;
    this.abort();
    this.#handler.onBodyBroken();
  }
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.stop();
    this.#handler.onUpstreamError(error, this.#body === null && isStale(error));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('ended before it began'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    parsed: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#isOver) return;
    if (status < 200) {
      const links = parsed['link'];
      if (status === 103 && links !== undefined) {
        this.#handler.onEarlyHints(Array.isArray(links) ? links : [links]);
      }
      return;
    }
    const type = parsed['content-type'];
    this.#handler.onHead({
      status,
      headers: responseHeadersFor(flattenRaw(controller.rawHeaders ?? parsed), this.#request.cleaning),
      contentType: typeof type === 'string' ? type : '',
    });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#handler.onData(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const trailers = answerTrailersFor(flattenRaw(controller.rawTrailers ?? []));
    // An app may have answered before it had the whole body.
    this.#body?.stop();
    this.#handler.onAnswerEnd(trailers);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.fail(error);
  }
}

/** Did a kept-alive connection turn out dead? */
function isStale(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
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
