import type { Socket } from 'node:net';
import type { BodySink, ClientBody } from '../client-body.ts';

/** What becomes of a body on its way. */
export interface BodyWatcher {
  /** Before so many bytes are written; it may stop the writer. */
  onBodySent(byteCount: number): void;
  /** The client ended it early, or sent more or less than it declared: the app must not take it for whole. */
  onBodyBroken(): void;
}

/** Sends a client's body (not trusted) to an app, as fast as the app takes it. */
export class BodyWriter implements BodySink {
  readonly #source: ClientBody;
  readonly #socket: Socket;
  readonly #watcher: BodyWatcher;
  /** -1: chunked. */
  #left: number;
  #isBlocked = false;
  #isOver = false;
  #isWritten = false;
  readonly #onDrain = () => {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    if (!this.#isOver) this.#source.resume();
  };

  constructor(source: ClientBody, options: { socket: Socket; contentLength: number | null; watcher: BodyWatcher }) {
    this.#source = source;
    this.#socket = options.socket;
    this.#watcher = options.watcher;
    this.#left = options.contentLength ?? -1;
  }

  /** Has all of it been handed to the socket? */
  get isWritten(): boolean {
    return this.#isWritten;
  }

  get waitsForSource(): boolean {
    return !this.#isOver && !this.#isBlocked;
  }

  start(): void {
    this.#socket.on('drain', this.#onDrain);
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
    const socket = this.#socket;
    if (this.#left >= 0) {
      this.#left -= chunk.byteLength;
      return socket.write(chunk);
    }
    socket.cork();
    socket.write(`${chunk.byteLength.toString(16)}\r\n`, 'latin1');
    socket.write(chunk);
    const flows = socket.write('\r\n', 'latin1');
    socket.uncork();
    return flows;
  }

  onBodyEnd(): void {
    if (this.#isOver) return;
    if (this.#left > 0) {
      this.#break();
      return;
    }
    if (this.#left < 0) this.#socket.write('0\r\n\r\n', 'latin1');
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
    this.#socket.off('drain', this.#onDrain);
  }
}
