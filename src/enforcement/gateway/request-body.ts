import type { BodySink, ClientBody } from './client-body.ts';
import type { BodyWatcher } from './http1/body-writer.ts';

/**
 * A client's body as an async iterable for undici, with back-pressure. The connection to the client outlives a failed upload,
 * because the answer still has to travel on it.
 */
export class RequestBody implements AsyncIterable<Uint8Array>, BodySink {
  readonly #source: ClientBody;
  readonly #watcher: BodyWatcher;
  /** What came in one read: the source is paused while anything waits here. */
  readonly #chunks: Buffer[] = [];
  #wake: (() => void) | null = null;
  #ended = false;
  #failed = false;
  /** Set while the client is the one we wait for. */
  waitingForSource = false;

  constructor(source: ClientBody, watcher: BodyWatcher) {
    this.#source = source;
    this.#watcher = watcher;
  }

  onBodyData(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#source.pause();
    this.#notify();
  }

  onBodyEnd(): void {
    this.#ended = true;
    this.#notify();
  }

  onBodyError(): void {
    this.#failed = true;
    this.#notify();
    this.#watcher.onBodyBroken();
  }

  /** Lets a pending read end: the upstream side is over. */
  stop(): void {
    this.#failed = true;
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    this.#source.start(this);
    for (;;) {
      if (this.#failed) throw new Error('the client ended its request body early');
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#watcher.onBodySent(chunk.byteLength);
        yield chunk;
        continue;
      }
      if (this.#ended) return;
      this.waitingForSource = true;
      this.#source.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.waitingForSource = false;
    }
  }
}
