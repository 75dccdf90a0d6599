import type { BodySink, ClientBody } from '../client-body.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';
import { MessageError } from './message-error.ts';
import { readFields } from './request-head.ts';

const empty = Buffer.alloc(0);

/** Fields that would change what the head said; RFC 9110 6.5.1 allows none of them in a trailer section. */
const notInTrailers = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Finds the end of one request body (RFC 9112 6, 7) and takes its coding off. Attacker-controlled; throws MessageError. */
export class BodyReader {
  readonly #decoder: ChunkedDecoder | null;
  #left: number;
  /** Position behind what the last `read` took. */
  end = 0;

  /** `length` in bytes, or null for the chunked coding. */
  constructor(length: number | null) {
    this.#decoder = length === null ? new ChunkedDecoder() : null;
    this.#left = length ?? 0;
  }

  get isWhole(): boolean {
    return this.#decoder === null ? this.#left === 0 : this.#decoder.done;
  }

  /** The content in `bytes` from `from` on, perhaps empty. What is behind the body is not touched. */
  read(bytes: Buffer, from: number): Buffer {
    if (this.#decoder === null) {
      this.end = Math.min(bytes.length, from + this.#left);
      this.#left -= this.end - from;
      return bytes.subarray(from, this.end);
    }
    const out = Buffer.allocUnsafe(bytes.length - from);
    const { at, written } = this.#decoder.decode(bytes, { from, to: bytes.length, out });
    this.end = at;
    if (this.#decoder.done) checkTrailers(this.#decoder.trailerText);
    return written === 0 ? empty : out.subarray(0, written);
  }
}

/** Trailers are read as strictly as headers, and then left out: nothing in them was there to be judged. */
function checkTrailers(text: string): void {
  if (text === '') return;
  const bytes = Buffer.from(`${text}\r\n`, 'latin1');
  const names: string[] = [];
  const end = readFields(bytes, { from: 0, limit: bytes.length, names });
  if (end !== bytes.length || names.some((name) => notInTrailers.has(name))) {
    throw new MessageError('a trailer section that is not allowed');
  }
}

/** A body as its taker sees it; the connection reads it. */
export class WireBody implements ClientBody {
  readonly reader: BodyReader;
  readonly #wake: () => void;
  sink: BodySink | null = null;
  isPaused = false;

  /** `wake` is called when reading may go on. */
  constructor(length: number | null, wake: () => void) {
    this.reader = new BodyReader(length);
    this.#wake = wake;
  }
  start(sink: BodySink): void {
    this.sink = sink;
    this.#wake();
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.#wake();
  }
}

/** The body of a request that has none. */
export const noBody: ClientBody = {
  start: (sink) => sink.onBodyEnd(),
  pause: () => {},
  resume: () => {},
};
