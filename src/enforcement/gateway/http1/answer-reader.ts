import { headerBytesMax, interimAnswersMax } from '../limits.ts';
import type { Cleaning } from '../response-headers.ts';
import type { AnswerSink } from '../upstream-request.ts';
import { type AnswerFraming, AnswerHead } from './answer-head.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';
import { MessageError } from './message-error.ts';

/** What an answer is read for. */
export interface AnswerReaderOptions {
  readonly method: string;
  readonly cleaning: Cleaning;
  readonly sink: AnswerSink;
}

/** The first characters of any answer; other protocols are told by their greeting, without waiting for a head that never ends. */
const beginning = Buffer.from('HTTP/1.');
const endOfHead = Buffer.from('\r\n\r\n');
const decodedBytes = 64 * 1024;
/** Where the coding of chunks is taken off: the sink keeps nothing of it. */
const decoded = Buffer.allocUnsafeSlow(decodedBytes);
const CR = 0x0d;
const LF = 0x0a;

/**
 * Reads one answer of an app (RFC 9112, not trusted) from bytes that may be cut anywhere: interim answers, head, body, trailers.
 * What has two readings throws MessageError. Nothing of the buffers it is given is kept.
 */
export class AnswerReader {
  readonly #method: string;
  readonly #cleaning: Cleaning;
  readonly #sink: AnswerSink;
  /** What came of a head that is not whole yet, in a buffer that doubles. */
  #partial: Buffer | null = null;
  #partialBytes = 0;
  #interims = 0;
  /** Did an interim answer say that the connection ends with this one? */
  #isLast = false;
  #state: 'head' | Exclude<AnswerFraming, 'none'> | 'done' = 'head';
  #head: AnswerHead | null = null;
  #left = 0;
  #chunked: ChunkedDecoder | null = null;
  #stopped = false;
  #began = false;

  constructor({ method, cleaning, sink }: AnswerReaderOptions) {
    this.#method = method;
    this.#cleaning = cleaning;
    this.#sink = sink;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Has any byte of the answer come? */
  get began(): boolean {
    return this.#began;
  }

  /** The head, once it is whole. */
  get head(): AnswerHead | null {
    return this.#head;
  }

  /** Field lines behind a chunked body, each with CRLF; whole when `done`. */
  get trailerText(): string {
    return this.#chunked?.trailerText ?? '';
  }

  /** Nothing more is told to the sink. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads `input` up to `to` and gives how far it came: less than everything only when `done` or stopped. */
  push(input: Buffer, to: number): number {
    this.#began ||= to > 0;
    let at = 0;
    while (this.#state === 'head' && at < to && !this.#stopped) at = this.#readHead(input, { from: at, to });
    if (this.#stopped || at >= to) return at;
    switch (this.#state) {
      case 'length': {
        const end = Math.min(to, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#state = 'done';
        this.#sink.onData(input.subarray(at, end));
        return end;
      }
      case 'until-close':
        this.#sink.onData(input.subarray(at, to));
        return to;
      case 'chunked':
        return this.#readChunked(input, { from: at, to });
      default:
        return at;
    }
  }

  /** The app has closed its side: an answer that ends that way is whole now, every other one throws. */
  finish(): void {
    if (this.#state === 'until-close') this.#state = 'done';
    if (this.#state !== 'done') throw new MessageError('the connection ended inside an answer');
  }

  #readHead(input: Buffer, { from, to }: { from: number; to: number }): number {
    if (this.#partial === null) {
      const end = indexOfHeadEnd(input, { from, to });
      if (end >= 0) {
        this.#onHead(input, { from, to: end + 2 });
        return end + 4;
      }
    }
    return this.#readPartialHead(input, { from, to });
  }

  #readPartialHead(input: Buffer, { from, to }: { from: number; to: number }): number {
    const before = this.#partialBytes;
    const taken = Math.min(to - from, headerBytesMax - before);
    const partial = this.#roomFor(before + taken);
    input.copy(partial, before, from, from + taken);
    // The end may have begun in what came before.
    const searchFrom = Math.max(0, before - 3);
    const end = indexOfHeadEnd(partial, { from: searchFrom, to: before + taken });
    if (end >= 0) {
      this.#partial = null;
      this.#partialBytes = 0;
      this.#onHead(partial, { from: 0, to: end + 2 });
      return from + (end + 4 - before);
    }
    this.#partialBytes = before + taken;
    if (this.#partialBytes >= headerBytesMax) throw new MessageError('a head too large');
    refuseOtherProtocols(partial, { from: before, to: this.#partialBytes });
    return to;
  }

  #roomFor(byteCount: number): Buffer {
    const old = this.#partial;
    if (old !== null && old.length >= byteCount) return old;
    const room = Buffer.allocUnsafe(Math.min(headerBytesMax, Math.max(1024, byteCount * 2)));
    old?.copy(room, 0, 0, this.#partialBytes);
    this.#partial = room;
    return room;
  }

  #onHead(bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }): void {
    if (to - from > headerBytesMax) throw new MessageError('a head too large');
    const head = new AnswerHead(bytes, { from, to, cleaning: this.#cleaning });
    const framing = head.framing(this.#method);
    if (head.status < 200) {
      this.#onInterim(head);
      return;
    }
    this.#head = head;
    this.#left = head.contentLength;
    if (framing === 'chunked') this.#chunked = new ChunkedDecoder();
    if (framing === 'until-close' || this.#isLast) head.keepsAlive = false;
    this.#state = framing === 'none' || (framing === 'length' && this.#left === 0) ? 'done' : framing;
    this.#sink.onHead(head);
  }

  #onInterim(head: AnswerHead): void {
    // Nobody asked to switch: what follows would be another protocol's bytes.
    if (head.status === 101) throw new MessageError('a switch of protocols that was not asked for');
    if (++this.#interims > interimAnswersMax) throw new MessageError('too many interim answers');
    this.#isLast ||= !head.keepsAlive;
    if (head.status === 103 && head.links.length > 0) this.#sink.onEarlyHints(head.links);
  }

  /** One read's chunks go on as one piece. */
  #readChunked(input: Buffer, { from, to }: { from: number; to: number }): number {
    const decoder = this.#chunked;
    if (decoder === null) throw new MessageError('chunks without a head');
    const out = to - from <= decodedBytes ? decoded : Buffer.allocUnsafe(to - from);
    const { at, written } = decoder.decode(input, { from, to, out });
    if (decoder.done) this.#state = 'done';
    if (written > 0) this.#sink.onData(out.subarray(0, written));
    return at;
  }
}

/** Where CRLF CRLF begins, between the bounds; -1 when it is not there whole. */
function indexOfHeadEnd(input: Buffer, { from, to }: { from: number; to: number }): number {
  const end = input.indexOf(endOfHead, from);
  return end >= 0 && end + 4 <= to ? end : -1;
}

/** What can no longer become a head is not waited for: other protocols' greetings, bare line feeds. */
function refuseOtherProtocols(head: Buffer, { from, to }: { from: number; to: number }): void {
  for (let at = from; at < to; at++) {
    const byte = head[at];
    if (at < beginning.length ? byte !== beginning[at] : byte === LF && head[at - 1] !== CR) {
      throw new MessageError('not an HTTP/1 answer');
    }
  }
}
