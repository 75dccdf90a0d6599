import { type ClientHttp2Session, connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { Http2Exchange } from './http2-exchange.ts';
import { answerFieldCountMax, headerBytesMax, http2ConcurrentStreamsMax, upstreamKeepAliveMs } from './limits.ts';
import { outliveStreams } from './outlive-streams.ts';

/** A connection to an app that speaks HTTP/2, from when it stands. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  #streamCount = 0;
  #isUsed = false;
  #hasWorked = false;
  #idle: NodeJS.Timeout | undefined;

  /** `onClose` is told whether the app ever spoke HTTP/2: its settings come before anything else (RFC 9113 3.4). */
  constructor(
    socket: Socket,
    { onWorks, onClose }: { readonly onWorks: () => void; readonly onClose: (hasWorked: boolean) => void },
  ) {
    // The authority is said request by request; this one is only how the library wants to be called.
    this.#session = connect('http://upstream.invalid', {
      createConnection: () => socket,
      maxHeaderListPairs: answerFieldCountMax,
      settings: { enablePush: false, maxHeaderListSize: headerBytesMax },
    });
    outliveStreams(this.#session);
    // Each of its streams is told, too.
    this.#session.on('error', () => undefined);
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
    const appTakes = remoteSettings?.maxConcurrentStreams ?? http2ConcurrentStreamsMax;
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
    this.#idle = setTimeout(() => this.#session.close(), upstreamKeepAliveMs).unref();
  }

  destroy(): void {
    this.#session.destroy();
  }
}
