import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { Http2Exchange } from './http2-exchange.ts';
import { answerFieldCountMax, headerBytesMax, http2ConcurrentStreamsMax, upstreamKeepAliveMs } from './limits.ts';
import { outliveStreams } from './outlive-streams.ts';

/** Speaks HTTP/2 over a connection to an app. Nothing is shown for an error of it as a whole: each of its streams is told, too. */
export function openClientSession(socket: Socket): ClientHttp2Session {
  // The authority is said request by request; this one is only how the library wants to be called.
  const session = connect('http://upstream.invalid', {
    createConnection: () => socket,
    maxHeaderListPairs: answerFieldCountMax,
    settings: { enablePush: false, maxHeaderListSize: headerBytesMax },
  });
  outliveStreams(session);
  session.on('error', () => undefined);
  return session;
}

/**
 * Calls `then` when the app ends its answer with END_STREAM. A reset with NO_ERROR ends a stream as END_STREAM does, for the library. But
 * then it is closed already when its end is pushed, and half an answer must not pass as a whole one.
 */
export function noteWholeEnd(stream: ClientHttp2Stream, then: () => void): void {
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null && !stream.closed && !stream.destroyed) then();
    return push(chunk, encoding);
  };
}

/** Fields as they came, without `:status`. */
export function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (!name.startsWith(':')) fields.push(name, raw[at + 1] ?? '');
  }
  return fields;
}

/** A connection to an app that speaks HTTP/2, from when it stands. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  #streamCount = 0;
  readonly #onUnused: () => void;
  #isUsed = false;
  #hasWorked = false;
  #idle: NodeJS.Timeout | undefined;

  /**
   * `onClose` is told whether the app ever spoke HTTP/2: its settings come before anything else (RFC 9113 3.4). `onUnused`: the last stream
   * has ended before that, and unless another begins now the connection ends in a while.
   */
  constructor(
    socket: Socket,
    {
      onWorks,
      onUnused,
      onClose,
    }: {
      readonly onWorks: () => void;
      readonly onUnused: () => void;
      readonly onClose: (hasWorked: boolean) => void;
    },
  ) {
    this.#onUnused = onUnused;
    this.#session = openClientSession(socket);
    this.#session.once('close', () => {
      clearTimeout(this.#idle);
      onClose(this.#hasWorked);
    });
    this.#session.once('remoteSettings', () => {
      this.#hasWorked = true;
      onWorks();
    });
  }

  /** May it carry one more? Not after a GOAWAY (RFC 9113 6.8), nor above what the app takes at once. */
  get isFree(): boolean {
    const { closed, destroyed, remoteSettings } = this.#session;
    // The library would keep to itself what the app does not take, until others have ended.
    const appTakes = this.#hasWorked ? (remoteSettings?.maxConcurrentStreams ?? http2ConcurrentStreamsMax) : 1;
    return !closed && !destroyed && this.#streamCount < Math.min(appTakes, http2ConcurrentStreamsMax);
  }

  /** Sends a request on a stream of its own. */
  carry(exchange: Http2Exchange): void {
    clearTimeout(this.#idle);
    const wasUsed = this.#isUsed;
    this.#isUsed = true;
    this.#streamCount++;
    exchange.begin(this.#session, { wasUsed, onStreamClose: () => this.#onStreamClose() });
  }

  #onStreamClose(): void {
    this.#streamCount--;
    if (this.#streamCount > 0) return;
    clearTimeout(this.#idle);
    if (!this.#hasWorked) this.#onUnused();
    if (this.#streamCount > 0) return;
    this.#idle = setTimeout(() => this.#session.close(), upstreamKeepAliveMs).unref();
  }

  destroy(): void {
    this.#session.destroy();
  }
}
