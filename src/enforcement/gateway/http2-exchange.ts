import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { answerTrailersFor } from './http1/answer-trailers.ts';
import { BodyWriter } from './http1/body-writer.ts';
import { withKept } from './http1/kept-fields.ts';
import { MessageError } from './http1/message-error.ts';
import { noteWholeEnd, withoutPseudo } from './http2-connection.ts';
import { interimAnswersMax } from './limits.ts';
import { responseHeadersFor } from './response-headers.ts';
import type { UpstreamExchange, UpstreamHandler, UpstreamRequest } from './upstream-request.ts';

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

/** The app reset the stream, or its connection was lost, before its answer was whole. */
class StreamClosedError extends Error {
  readonly code = 'upstream-closed';
}

export interface ExchangeCarrier {
  /** Has the connection carried others before? */
  readonly wasUsed: boolean;
  readonly onStreamClose: () => void;
}

/** One request to an app that speaks HTTP/2, and its answer (not trusted), from before there is a connection. */
export class Http2Exchange implements UpstreamExchange {
  readonly #request: UpstreamRequest;
  readonly #scheme: 'http' | 'https';
  readonly #handler: UpstreamHandler;
  readonly #onAbort: () => void;
  #stream: ClientHttp2Stream | null = null;
  #body: BodyWriter | null = null;
  #trailers: readonly string[] = [];
  #interimCount = 0;
  #hasAnswer = false;
  /** The app ended its answer with END_STREAM, and did not just stop. */
  #isWhole = false;
  #isOver = false;
  #isPaused = false;

  constructor(
    sent: { request: UpstreamRequest; scheme: 'http' | 'https'; onAbort: () => void },
    handler: UpstreamHandler,
  ) {
    this.#onAbort = sent.onAbort;
    this.#request = sent.request;
    this.#scheme = sent.scheme;
    this.#handler = handler;
  }

  /** Sends the request over this session. */
  begin(session: ClientHttp2Session, { wasUsed, onStreamClose }: ExchangeCarrier): void {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(this.#fields(), { endStream: this.#request.body === null });
    } catch (error) {
      onStreamClose();
      this.fail(error, false);
      return;
    }
    this.#stream = stream;
    noteWholeEnd(stream, () => {
      this.#isWhole = true;
    });
    stream.on('headers', (fields) => this.#guard(() => this.#onInterim(fields[':status'], fields['link'])));
    stream.on('response', (fields, flags, raw) =>
      this.#guard(() => this.#onResponse(fields, { raw, isWhole: (flags & NGHTTP2_FLAG_END_STREAM) !== 0 })),
    );
    stream.on('data', (chunk: Buffer) => {
      if (!this.#isOver) this.#guard(() => this.#handler.onData(chunk));
    });
    stream.on('trailers', (_fields, _flags, raw) =>
      this.#guard(() => {
        this.#trailers = answerTrailersFor(withoutPseudo(raw));
      }),
    );
    stream.on('end', () => this.#guard(() => this.#onEnd()));
    stream.on('error', (error) => this.fail(error, this.#isStale(wasUsed)));
    stream.on('close', () => {
      this.fail(new StreamClosedError('the app ended the stream'), this.#isStale(wasUsed));
      onStreamClose();
    });
    if (this.#isPaused) stream.pause();
    this.#sendBody(stream);
  }

  #fields(): readonly string[] {
    const { method, target, headers, kept, takesTrailers } = this.#request;
    // `host` comes first, and is said as `:authority` (RFC 9113 8.3.1).
    const [, authority = '', ...rest] = withKept(headers, kept);
    const pseudo = [':method', method, ':scheme', this.#scheme, ':authority', authority, ':path', target];
    // gRPC servers insist on `te: trailers`; it is hop-by-hop, so it is said anew.
    return takesTrailers ? [...pseudo, ...rest, 'te', 'trailers'] : [...pseudo, ...rest];
  }

  #sendBody(stream: ClientHttp2Stream): void {
    const { body, contentLength } = this.#request;
    if (body === null) return;
    this.#body = new BodyWriter(body, {
      into: stream,
      contentLength,
      framing: 'stream',
      watcher: {
        onBodySent: (byteCount) => this.#handler.onBodySent(byteCount),
        onBodyBroken: () => this.#breakBody(),
      },
    });
    this.#body.start();
  }

  #onInterim(status: number | undefined, links: string | string[] | undefined): void {
    this.#interimCount++;
    if (this.#interimCount > interimAnswersMax) throw new MessageError('too many interim answers');
    if (this.#isOver || status !== 103 || links === undefined) return;
    this.#handler.onEarlyHints(Array.isArray(links) ? links : [links]);
  }

  #onResponse(
    fields: IncomingHttpHeaders & IncomingHttpStatusHeader,
    { raw, isWhole }: { readonly raw: readonly string[]; readonly isWhole: boolean },
  ): void {
    if (this.#isOver) return;
    const status = fields[':status'] ?? 0;
    if (status < 200 || status > 599) throw new MessageError('a status that is none');
    this.#hasAnswer = true;
    const sent = responseHeadersFor(withoutPseudo(raw), this.#request.cleaning);
    this.#handler.onHead({ status, fields: sent, contentType: fields['content-type'] ?? '', isWhole });
  }

  #onEnd(): void {
    if (this.#isOver) return;
    if (!this.#isWhole || !this.#hasAnswer) {
      this.#break(new StreamClosedError('the app ended its answer early'));
      return;
    }
    this.#isOver = true;
    // It may have answered before it had the whole body.
    this.#body?.stop();
    if (this.#body !== null && !this.#body.isWritten) this.#stream?.close(NGHTTP2_NO_ERROR);
    this.#handler.onAnswerEnd(this.#trailers);
  }

  /** What an app answers may be well-formed and still nothing that can be passed on. Thrown out of an event it would end the process. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    this.#stream?.close(NGHTTP2_CANCEL);
    this.fail(error, false);
  }

  #breakBody(): void {
    if (this.#isOver) return;
    this.abort();
    this.#handler.onBodyBroken();
  }

  /** Has the app not seen it, as far as anyone can tell? REFUSED_STREAM says so itself (RFC 9113 8.7). */
  #isStale(wasUsed: boolean): boolean {
    if (this.#hasAnswer) return false;
    return this.#stream?.rstCode === NGHTTP2_REFUSED_STREAM || (wasUsed && this.#request.body === null);
  }

  fail(error: unknown, isStale: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.stop();
    this.#handler.onUpstreamError(error, isStale);
  }

  get waitsForBody(): boolean {
    return this.#body?.waitsForSource === true;
  }
  pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }
  resume(): void {
    this.#isPaused = false;
    this.#stream?.resume();
  }
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.stop();
    this.#stream?.close(NGHTTP2_CANCEL);
    this.#onAbort();
  }
}
