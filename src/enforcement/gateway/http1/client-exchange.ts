import type { Duplex } from 'node:stream';
import type { AnswerFields } from '../answer-fields.ts';
import type { ClientBody } from '../client-body.ts';
import type { ClientSide, TakenHandshake } from '../client-side.ts';
import { answerFields, fieldLineOf, statusLine } from './answer-head-text.ts';
import { noBody, type WireBody } from './client-body.ts';

/** The connection an exchange runs on, as far as the exchange needs it. */
export interface Wire {
  readonly writable: boolean;
  readonly needsDrain: boolean;
  /** The `Date` line. */
  readonly dateLine: string;
  /** Is the server about to close? Then this answer is the connection's last. */
  readonly isClosing: boolean;
  /**
   * Latin1 text, then bytes, which are the caller's again when it returns. What is short goes out together at the end of the turn, in
   * one piece: one record of TLS.
   */
  send(text: string, bytes: Uint8Array | null): void;
  /** The answer is out: the next request's turn, or the end of the connection. */
  answered(): void;
  destroy(): void;
  /** The socket for a tunnel, whose end is told of the server's. */
  detach(onGoingAway: () => void): Duplex;
}

/** What of the request decides how its answer is framed. */
export interface AnswerRules {
  readonly isHead: boolean;
  readonly isVersion10: boolean;
  /** False when no further request may follow on this connection. */
  readonly keepsAlive: boolean;
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean;
  readonly isUpgrade: boolean;
}

type Framing = 'none' | 'length' | 'chunked' | 'until-close';

/** One request of an HTTP/1.1 connection and its answer (RFC 9112 6.3, 9.3). */
export class ClientExchange implements ClientSide {
  readonly #wire: Wire;
  readonly #rules: AnswerRules;
  readonly #body: WireBody | null;
  #framing: Framing = 'none';
  #left = 0;
  #started = false;
  #over = false;
  #continued = false;
  #keepsAlive: boolean;
  #onDrain: (() => void) | null = null;
  #onClose: (() => void) | null = null;

  constructor(wire: Wire, { rules, body }: { readonly rules: AnswerRules; readonly body: WireBody | null }) {
    this.#wire = wire;
    this.#rules = rules;
    this.#body = body;
    this.#keepsAlive = rules.keepsAlive;
  }

  get body(): ClientBody {
    return this.#body ?? noBody;
  }
  get started(): boolean {
    return this.#started;
  }
  get closed(): boolean {
    return this.#over || !this.#wire.writable;
  }
  /** May another request follow, as the client was told? */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  sendContinue(): void {
    if (this.closed || this.#started || this.#rules.isVersion10) return;
    this.#continued = true;
    this.#wire.send('HTTP/1.1 100 Continue\r\n\r\n', null);
  }

  sendEarlyHints(links: readonly string[]): void {
    if (this.closed || this.#started || this.#rules.isVersion10) return;
    let lines = '';
    try {
      for (const link of links) lines += fieldLineOf('link', link);
    } catch {
      // Hints are optional: malformed ones are left out, the answer goes on.
      return;
    }
    this.#wire.send(`HTTP/1.1 103 Early Hints\r\n${lines}\r\n`, null);
  }

  start(status: number, fields: AnswerFields): void {
    if (this.#started || !(status >= 200 && status <= 599)) throw new Error('not the one final answer');
    const { lines, contentLength, hasDate } = 'lines' in fields ? fields : answerFields(fields);
    if (this.closed) return;
    this.#started = true;
    const { isHead, isVersion10 } = this.#rules;
    const hasLength = contentLength >= 0 && status !== 204;
    const hasBody = !isHead && status !== 204 && status !== 304;
    this.#framing = !hasBody ? 'none' : hasLength ? 'length' : isVersion10 ? 'until-close' : 'chunked';
    this.#left = hasLength ? contentLength : 0;
    // A client that was never told to go on may send its body or leave it out: what comes next could be either.
    const isInDoubt = this.#rules.expectsContinue && !this.#continued && this.#body?.reader.isWhole === false;
    if (this.#framing === 'until-close' || isInDoubt || this.#wire.isClosing) this.#keepsAlive = false;
    let head = statusLine(status) + lines;
    if (hasLength) head += `content-length: ${contentLength}\r\n`;
    else if (this.#framing === 'chunked') head += 'transfer-encoding: chunked\r\n';
    if (!hasDate) head += this.#wire.dateLine;
    this.#wire.send(`${head}${this.#keepsAlive ? '' : 'connection: close\r\n'}\r\n`, null);
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed) return true;
    if (!this.#started) throw new Error('no answer has begun');
    if (this.#framing === 'none' || chunk.byteLength === 0) return true;
    if (this.#framing === 'length') {
      this.#left -= chunk.byteLength;
      if (this.#left < 0) {
        // More than was declared would be read as the next answer.
        this.#wire.destroy();
        return true;
      }
    }
    const isChunked = this.#framing === 'chunked';
    this.#wire.send(isChunked ? `${chunk.byteLength.toString(16)}\r\n` : '', chunk);
    if (isChunked) this.#wire.send('\r\n', null);
    return !this.#wire.needsDrain;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  end(trailers: readonly string[] = []): void {
    if (this.closed) return;
    if (!this.#started) throw new Error('no answer has begun');
    if (this.#framing === 'length' && this.#left > 0) {
      // A clean end would make a truncated body look whole.
      this.#wire.destroy();
      return;
    }
    if (this.#framing === 'chunked') {
      let last = '0\r\n';
      for (let at = 0; at < trailers.length; at += 2) {
        last += fieldLineOf(trailers[at] ?? '', trailers[at + 1] ?? '');
      }
      this.#wire.send(`${last}\r\n`, null);
    }
    this.#finish();
    this.#wire.answered();
  }

  destroy(): void {
    this.#wire.destroy();
  }

  onClose(listener: () => void): void {
    this.#onClose = listener;
  }

  acceptWebSocket(headers: readonly string[], { accept, onGoingAway }: TakenHandshake): Duplex {
    if (!this.#rules.isUpgrade || accept === null || this.#started) {
      throw new Error('this exchange is no WebSocket upgrade');
    }
    const { lines } = answerFields(headers);
    const own = `upgrade: websocket\r\nconnection: Upgrade\r\n${fieldLineOf('sec-websocket-accept', accept)}`;
    this.#started = true;
    this.#wire.send(`${statusLine(101)}${own}${lines}\r\n`, null);
    this.#over = true;
    const listener = this.#onClose;
    const socket = this.#wire.detach(onGoingAway);
    if (listener !== null) socket.once('close', listener);
    return socket;
  }

  /** The connection takes bytes again. */
  drained(): void {
    this.#onDrain?.();
  }

  /** The client has gone before the answer ended. */
  gone(): void {
    if (this.#over) return;
    const sink = this.#body?.sink ?? null;
    const isBodyWhole = this.#body?.reader.isWhole ?? true;
    this.#finish();
    if (!isBodyWhole) sink?.onBodyError();
  }

  #finish(): void {
    this.#over = true;
    const listener = this.#onClose;
    this.#onClose = null;
    this.#onDrain = null;
    listener?.();
  }
}
