import type { Writable } from 'node:stream';
import type { BodySink, ClientBody } from '../client-body.ts';

/** What becomes of a body on its way. */
export interface BodyWatcher {
  /** Before so many bytes are written; it may stop the writer. */
  onBodySent(byteCount: number): void;
  /** The client ended it early, or sent more or less than it declared: the app must not take it for whole. */
  onBodyBroken(): void;
}

export interface BodyWriterOptions {
  readonly into: Writable;
  /** Bytes the client declared, or null. */
  readonly contentLength: number | null;
  /** HTTP/1.1 frames it itself, chunked when its length is not known; an HTTP/2 stream just ends. */
  readonly framing: 'message' | 'stream';
  readonly watcher: BodyWatcher;
}

/** Sends a client's body (not trusted) to an app, as fast as the app takes it. */
export class BodyWriter implements BodySink {
  readonly #source: ClientBody;
  readonly #into: Writable;
  readonly #watcher: BodyWatcher;
  readonly #framing: 'message' | 'stream';
  /** -1: nobody knows. */
  #left: number;
  #isBlocked = false;
  #isOver = false;
  #isWritten = false;
  readonly #onDrain = () => {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    if (!this.#isOver) this.#source.resume();
  };

  constructor(source: ClientBody, options: BodyWriterOptions) {
    this.#source = source;
    this.#into = options.into;
    this.#framing = options.framing;
    this.#watcher = options.watcher;
    this.#left = options.contentLength ?? -1;
  }

  /** Has all of it been handed to the socket? */
  get isWritten(): boolean {
    return this.#isWritten;
  }

  get #isChunked(): boolean {
    return this.#framing === 'message' && this.#left < 0;
  }

  get waitsForSource(): boolean {
    return !this.#isOver && !this.#isBlocked;
  }

  start(): void {
    this.#into.on('drain', this.#onDrain);
    this.#source.start(this);
  }

  /** Takes nothing more from the client. */
  stop(): void {
    if (this.#isOver) return;
    this.#end();
    this.#source.pause();
  }

  onBodyData(chunk: Buffer): void {
    // An empty chunk would end a chunked body.
    if (this.#isOver || chunk.byteLength === 0) return;
    this.#watcher.onBodySent(chunk.byteLength);
    if (this.#isOver) return;
    if (this.#left >= 0 && chunk.byteLength > this.#left) {
      this.#break();
      return;
    }
    if (!this.#write(chunk)) {
      this.#isBlocked = true;
      this.#source.pause();
    }
  }

  #write(chunk: Buffer): boolean {
    const into = this.#into;
    if (this.#left >= 0) this.#left -= chunk.byteLength;
    if (!this.#isChunked) return into.write(chunk);
    into.cork();
    into.write(`${chunk.byteLength.toString(16)}\r\n`, 'latin1');
    into.write(chunk);
    const flows = into.write('\r\n', 'latin1');
    into.uncork();
    return flows;
  }

  onBodyEnd(): void {
    if (this.#isOver) return;
    if (this.#left > 0) {
      this.#break();
      return;
    }
    if (this.#framing === 'stream') this.#into.end();
    else if (this.#isChunked) this.#into.write('0\r\n\r\n', 'latin1');
    this.#end();
    this.#isWritten = true;
  }

  onBodyError(): void {
    if (!this.#isOver) this.#break();
  }

  #break(): void {
    this.stop();
    this.#watcher.onBodyBroken();
  }

  #end(): void {
    this.#isOver = true;
    this.#into.off('drain', this.#onDrain);
  }
}
