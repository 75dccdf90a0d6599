import type { Readable } from 'node:stream';

/**
 * A client's body as an async iterable for undici, with back-pressure and without its habit of destroying the source: the
 * connection to the client outlives a failed upload, because the answer still has to travel on it.
 */
export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #source: Readable;
  readonly #progress: (byteCount: number) => void;
  #wake: (() => void) | null = null;
  #ended = false;
  #failed = false;
  /** Set while the upstream is the one we wait for. */
  waitingForSource = false;

  constructor(source: Readable, progress: (byteCount: number) => void) {
    this.#source = source;
    this.#progress = progress;
    source.on('readable', () => this.#notify());
    source.on('end', () => {
      this.#ended = true;
      this.#notify();
    });
    const fail = () => {
      if (!this.#ended) this.#failed = true;
      this.#notify();
    };
    source.on('error', fail);
    source.on('close', fail);
    source.on('aborted', fail);
  }

  get ended(): boolean {
    return this.#ended;
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
    for (;;) {
      if (this.#failed) throw new Error('the client ended its request body early');
      const chunk: Uint8Array | null = this.#source.read();
      if (chunk !== null) {
        this.#progress(chunk.byteLength);
        yield chunk;
        continue;
      }
      if (this.#ended) return;
      this.waitingForSource = true;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.waitingForSource = false;
    }
  }
}
