import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type AnswerFields, pairsOf } from './answer-fields.ts';
import { type ClientBody, StreamBody } from './client-body.ts';
import type { ClientSide, TakenHandshake } from './client-side.ts';
import type { OpenConnections } from './open-connections.ts';

/** The client's half of an HTTP/2 stream. */
export class Http2Client implements ClientSide {
  readonly body: ClientBody;
  readonly #stream: ServerHttp2Stream;
  readonly #open: Pick<OpenConnections, 'addTunnel'>;
  #trailers: readonly string[] = [];
  /** Ours, because node ends the writable side of a HEAD before there is an answer. */
  #isEnded = false;
  /** The head ended the answer already. */
  #isWhole = false;
  constructor(stream: ServerHttp2Stream, open: Pick<OpenConnections, 'addTunnel'>) {
    this.body = new StreamBody(stream);
    this.#stream = stream;
    this.#open = open;
  }
  get started(): boolean {
    return this.#stream.headersSent;
  }
  get closed(): boolean {
    return this.#stream.destroyed || this.#stream.closed || this.#isEnded;
  }
  sendContinue(): void {
    if (!this.closed) this.#stream.additionalHeaders({ ':status': 100 });
  }
  sendEarlyHints(links: readonly string[]): void {
    if (!this.closed && !this.started) this.#stream.additionalHeaders({ ':status': 103, link: [...links] });
  }
  start(status: number, fields: AnswerFields, { isWhole } = { isWhole: false }): void {
    if (this.closed) return;
    const headers = pairsOf(fields);
    if (isWhole) {
      this.#isWhole = true;
      this.#stream.respond([':status', `${status}`, ...headers], { endStream: true });
      return;
    }
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
    try {
      this.#stream.sendTrailers(fields);
    } catch {
      // Node refuses some that HTTP/1.1 allows (two `ETag`); nobody above this event would catch it.
      this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    this.#stopClient();
  }
  /** RFC 9113 8.1: a client still sending is told to stop, without error. */
  #stopClient(): void {
    setImmediate(() => {
      if (!this.#stream.readableEnded && !this.#stream.endAfterHeaders && !this.#stream.closed) {
        this.#stream.close(constants.NGHTTP2_NO_ERROR);
      }
    });
  }
  write(chunk: Uint8Array): boolean {
    return this.#stream.destroyed || this.#stream.writableEnded ? true : this.#stream.write(Buffer.from(chunk));
  }
  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener);
  }
  end(trailers?: readonly string[]): void {
    this.#trailers = trailers ?? [];
    this.#isEnded = true;
    if (this.#stream.destroyed) return;
    if (this.#isWhole) this.#stopClient();
    else this.#stream.end();
  }
  destroy(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#stream.destroy();
  }
  onClose(listener: () => void): void {
    this.#stream.once('close', listener);
  }
  acceptWebSocket(headers: readonly string[], { onGoingAway }: TakenHandshake): Duplex {
    this.#stream.respond([':status', '200', ...headers]);
    this.#open.addTunnel(this.#stream, onGoingAway);
    return this.#stream;
  }
}
