import type { Readable } from 'node:stream';

/** Takes a request body as it comes in. Exactly one of `onBodyEnd` and `onBodyError` is called, as the last. */
export interface BodySink {
  /** Attacker-controlled bytes, never overwritten afterwards: they may be kept. */
  onBodyData(chunk: Buffer): void;
  onBodyEnd(): void;
  /** The client went away, or the body's framing is broken: what came is not the whole body. */
  onBodyError(): void;
}

/** A request body that nobody has asked for yet. */
export interface ClientBody {
  /** Begins to read; called at most once. Before, nothing but a bounded read-ahead is taken from the client. */
  start(sink: BodySink): void;
  /** After it, at most the rest of one read from the socket still comes. */
  pause(): void;
  resume(): void;
}

/** The body of an HTTP/2 stream. */
export class StreamBody implements ClientBody {
  readonly #stream: Readable;
  constructor(stream: Readable) {
    this.#stream = stream;
  }
  start(sink: BodySink): void {
    const stream = this.#stream;
    let isOver = false;
    const fail = () => {
      if (isOver) return;
      isOver = true;
      sink.onBodyError();
    };
    stream.on('data', (chunk: Buffer) => sink.onBodyData(chunk));
    stream.on('end', () => {
      if (isOver) return;
      isOver = true;
      sink.onBodyEnd();
    });
    for (const event of ['error', 'close', 'aborted']) stream.on(event, fail);
    if (stream.destroyed) fail();
  }
  pause(): void {
    this.#stream.pause();
  }
  resume(): void {
    this.#stream.resume();
  }
}

/** A small body as a whole; undefined when it is larger than `bytesMax` or did not come whole. The rest is left unread. */
export function readWholeBody(body: ClientBody, bytesMax: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let byteCount = 0;
    body.start({
      onBodyData: (chunk) => {
        byteCount += chunk.byteLength;
        if (byteCount <= bytesMax) {
          chunks.push(chunk);
          return;
        }
        body.pause();
        resolve(undefined);
      },
      onBodyEnd: () => {
        const [first] = chunks;
        if (byteCount > bytesMax) resolve(undefined);
        // Most small bodies come in one piece.
        else resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
      },
      onBodyError: () => resolve(undefined),
    });
  });
}
