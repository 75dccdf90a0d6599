import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Exchange } from '../exchange.ts';
import {
  clientBodyIdleMsMax,
  clientHeadersMsMax,
  clientKeepAliveMs,
  clientLingerMs,
  clientReadAheadBytesMax,
  clientRequestsPerConnectionMax,
  headerBytesMax,
} from '../limits.ts';
import { type ConnectionFacts, readRequest } from '../read-request.ts';
import { isRefusal } from '../refusal.ts';
import type { Sweep, Swept } from '../sweep.ts';
import type { AnswerDate } from './answer-date.ts';
import { statusLine } from './answer-head-text.ts';
import { WireBody } from './client-body.ts';
import { ClientExchange, type Wire } from './client-exchange.ts';
import { flushSoon } from './flush-soon.ts';
import { readInto } from './read-into.ts';
import { type HeadReading, readRequestHead } from './request-head.ts';

/** What a connection needs of its server. */
export interface ConnectionNeeds {
  readonly onExchange: (exchange: Exchange) => void;
  readonly onTrouble: (code: string) => void;
  /** Called once, when the connection is closed or has become a tunnel. */
  readonly onGone: (connection: ClientConnection) => void;
  /** Told of the tunnel it has become, and what to call when the server is about to close. */
  readonly onTunnel: (tunnel: Duplex, onGoingAway: () => void) => void;
  readonly sweep: Sweep;
  readonly date: AnswerDate;
}

/**
 * `head`: a request may come. `exchange`: one is being answered. `rest`: it is answered, and what is left of its body is read and
 * thrown away. `closing`: our side has ended, and nothing that comes is looked at. `gone`: closed, or a tunnel.
 */
type State = 'head' | 'exchange' | 'rest' | 'closing' | 'gone';

const nothing = Buffer.alloc(0);
const headEnd = Buffer.from('\r\n\r\n', 'latin1');

/** Up to this much is copied together into one write; larger pieces go out as they are. */
const joinedBytesMax = 16 * 1024;
const readBytes = 64 * 1024;
/** What every connection reads into, one at a time: what is not used up when its turn ends is copied (`#own`). */
const readBuffer = Buffer.allocUnsafeSlow(readBytes);

/**
 * One client's HTTP/1.1 connection (RFC 9112). Requests are read strictly and one at a time: the next is not looked at before the
 * answer to the last is out, so what stands behind a request can never be mistaken for part of it. Whatever is malformed, and whatever
 * `readRequest` refuses, is the connection's last.
 */
export class ClientConnection implements Wire, Swept {
  readonly #socket: Socket;
  readonly #facts: ConnectionFacts;
  readonly #needs: ConnectionNeeds;
  /** Where the sweep has it. */
  readonly #slot: number;
  #state: State = 'head';
  /** Bytes that came and are not used yet, from `#at` on. */
  #bytes: Buffer = nothing;
  #at = 0;
  /** What is to be sent at the end of the turn, latin1. */
  #unsent = '';
  /** Are they in the buffer that all connections read into? */
  #isBorrowed = false;
  #exchange: ClientExchange | null = null;
  #body: WireBody | null = null;
  #requestCount = 0;
  #isLast = false;
  #isRunning = false;
  /** When the state was entered; in `head`, also when the first byte of a head came. */
  #since: number;
  #isHeadBegun = false;
  #backlog = 0;

  constructor(socket: Socket, { facts, needs }: { readonly facts: ConnectionFacts; readonly needs: ConnectionNeeds }) {
    this.#socket = socket;
    this.#facts = facts;
    this.#needs = needs;
    this.#since = needs.sweep.tick;
    socket.on('data', this.#onData);
    readInto(socket, readBuffer, this.#onRead);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    this.#slot = needs.sweep.add(this);
  }

  get writable(): boolean {
    return this.#socket.writable;
  }
  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }
  get dateLine(): string {
    return this.#needs.date.line;
  }
  get isClosing(): boolean {
    return this.#isLast;
  }

  /** Lets the answer in progress be the last; an idle connection is closed at once. */
  closeSoon(): void {
    this.#isLast = true;
    if (this.#state === 'head' && !this.#isHeadBegun) this.#endOutput();
  }

  send(text: string, bytes: Uint8Array | null): void {
    const socket = this.#socket;
    if (!socket.writable) return;
    const isDue = this.#unsent !== '';
    this.#unsent += text;
    if (this.#unsent.length + (bytes?.byteLength ?? 0) > joinedBytesMax) {
      socket.cork();
      this.flush();
      if (bytes !== null) socket.write(Buffer.from(bytes));
      socket.uncork();
      return;
    }
    if (bytes !== null) this.#unsent += latin1Of(bytes);
    if (!isDue && this.#unsent !== '') flushSoon(this);
  }

  /** Sends what has gathered. */
  flush(): void {
    const text = this.#unsent;
    if (text === '') return;
    this.#unsent = '';
    if (this.#socket.writable) this.#socket.write(text, 'latin1');
  }

  answered(): void {
    const isLast = this.#isLast || this.#exchange?.keepsAlive !== true;
    this.#exchange = null;
    if (this.#state === 'gone') return;
    if (isLast) this.#endOutput();
    else this.#enter(this.#body === null ? 'head' : 'rest');
    this.#run();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  detach(onGoingAway: () => void): Duplex {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    // Flows again as soon as the tunnel pipes it.
    socket.pause();
    this.flush();
    this.#own();
    const rest = this.#bytes.subarray(this.#at);
    this.#leave();
    if (rest.length > 0) socket.unshift(rest);
    this.#needs.onTunnel(socket, onGoingAway);
    return socket;
  }

  sweep(_tick: number, sinceMs: (tick: number) => number): void {
    const backlog = this.#socket.writableLength;
    if (backlog !== this.#backlog) {
      // The client takes what was sent, however slowly.
      this.#backlog = backlog;
      if (backlog > 0 && this.#state !== 'exchange') this.#since = this.#needs.sweep.tick;
    }
    if (sinceMs(this.#since) < this.#patienceMs(backlog)) return;
    if (this.#state === 'head' && this.#isHeadBegun) this.#refuse(408, 'head-timeout');
    else this.#socket.destroy();
  }

  #patienceMs(backlog: number): number {
    if (this.#state === 'exchange') return Number.POSITIVE_INFINITY;
    if (backlog > 0) return clientBodyIdleMsMax;
    if (this.#state !== 'head') return clientLingerMs;
    return this.#isHeadBegun || this.#requestCount === 0 ? clientHeadersMsMax : clientKeepAliveMs;
  }

  /** What comes while the socket flows is taken past the stream's buffer, its event and its tick. Everything else goes the stream's way. */
  readonly #onRead = (byteCount: number): boolean => {
    const socket = this.#socket;
    const chunk = readBuffer.subarray(0, byteCount);
    if (this.#state === 'gone' || socket.readableFlowing !== true || socket.readableLength > 0) {
      return socket.push(Buffer.from(chunk));
    }
    this.#take(chunk, true);
    return true;
  };

  readonly #onData = (chunk: Buffer): void => this.#take(chunk, false);

  #take(chunk: Buffer, isBorrowed: boolean): void {
    if (this.#state === 'closing') return;
    const isAlone = this.#at === this.#bytes.length;
    this.#bytes = isAlone ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
    this.#isBorrowed = isAlone && isBorrowed;
    // Only what is new can end a head that was begun before.
    const from = this.#bytes.length - chunk.length;
    this.#at = 0;
    if (this.#isHeadBegun && this.#bytes.length < headerBytesMax) {
      if (this.#bytes.indexOf(headEnd, Math.max(0, from - headEnd.length)) < 0) {
        this.#own();
        return;
      }
    }
    this.#run();
  }

  /** Before anything may be read again, or anyone else gets what is left. */
  #own(): void {
    if (!this.#isBorrowed) return;
    this.#bytes = Buffer.from(this.#bytes.subarray(this.#at));
    this.#at = 0;
    this.#isBorrowed = false;
  }

  readonly #onDrain = (): void => {
    this.#exchange?.drained();
    this.#run();
  };

  /** The client sends nothing more. With a request under way that is how a client that went away looks. */
  readonly #onEnd = (): void => {
    if (this.#state === 'exchange') this.#breakOff();
    else if (this.#state === 'head' && this.#isHeadBegun) this.#refuse(400, 'head-cut-off');
    else this.#endOutput();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => this.#needs.onTrouble(error.code ?? 'client');

  readonly #onClose = (): void => {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#leave();
    exchange?.gone();
  };

  #leave(): void {
    this.#state = 'gone';
    this.#unsent = '';
    this.#bytes = nothing;
    this.#at = 0;
    this.#body = null;
    this.#needs.sweep.delete(this.#slot, this);
    this.#needs.onGone(this);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#since = this.#needs.sweep.tick;
    this.#isHeadBegun = false;
  }

  /** Uses what has come as far as it goes. Never twice at a time: a request answered at once ends inside its own call. */
  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#at < this.#bytes.length && this.#step());
    } finally {
      this.#isRunning = false;
    }
    if (this.#state === 'gone') return;
    if (this.#at === this.#bytes.length) {
      // Used up: an idle connection must not hold what it read last, up to 128 KiB.
      this.#bytes = nothing;
      this.#at = 0;
      this.#isBorrowed = false;
    } else this.#own();
    const isBodyPaused = this.#state === 'exchange' && this.#body?.isPaused === true;
    const isFull = isBodyPaused || this.#bytes.length - this.#at >= clientReadAheadBytesMax;
    if (isFull !== this.#socket.isPaused()) {
      if (isFull) this.#socket.pause();
      else this.#socket.resume();
    }
  }

  /** False when nothing can be done before something else happens. */
  #step(): boolean {
    if (this.#state === 'head') return !this.#socket.writableNeedDrain && this.#stepHead();
    const body = this.#body;
    if (body === null) return false;
    if (this.#state === 'exchange' && (body.sink === null || body.isPaused)) return false;
    return this.#stepBody(body);
  }

  #stepHead(): boolean {
    const head = readRequestHead(this.#bytes, { from: this.#at, bytesMax: headerBytesMax });
    if (typeof head === 'object') {
      this.#begin(head);
      return true;
    }
    if (head === 'too-large') this.#refuse(431, head);
    else if (head === 'malformed') this.#refuse(400, 'malformed-head');
    else if (!this.#isHeadBegun) {
      this.#isHeadBegun = true;
      // The first head's time has run since the connection was opened.
      if (this.#requestCount > 0) this.#since = this.#needs.sweep.tick;
    }
    return false;
  }

  #begin(head: HeadReading): void {
    this.#at = head.end;
    this.#requestCount++;
    const request = readRequest(head, this.#facts);
    const isRefused = isRefusal(request);
    // Where a refused request ends is not known, or was never ours to say.
    const isUpgrade = !isRefused && request.upgrade !== null;
    const hasBody = !isRefused && request.hasBody;
    // What follows an upgrade that was declined may be meant for the other protocol.
    const mayGoOn = !isRefused && !isUpgrade && request.keepsAlive;
    this.#body = hasBody ? new WireBody(request.contentLength, () => this.#run()) : null;
    const client = new ClientExchange(this, {
      body: this.#body,
      rules: {
        isHead: head.method === 'HEAD',
        isVersion10: head.httpVersion === '1.0',
        keepsAlive: mayGoOn && this.#requestCount < clientRequestsPerConnectionMax,
        expectsContinue: hasBody && request.expectsContinue,
        isUpgrade,
      },
    });
    this.#exchange = client;
    this.#enter('exchange');
    try {
      this.#needs.onExchange({ request, connection: this.#facts, client });
    } catch {
      // A throw in the exchange closes the gate for that connection; the process goes on for the others.
      this.#socket.destroy();
    }
  }

  #stepBody(body: WireBody): boolean {
    const { reader } = body;
    // Content goes on without a copy, and is held where the app takes it slowly.
    this.#own();
    let content: Buffer;
    try {
      content = reader.read(this.#bytes, this.#at);
    } catch {
      this.#breakBody();
      return false;
    }
    this.#at = reader.end;
    const { isWhole } = reader;
    if (isWhole) this.#body = null;
    const sink = this.#state === 'exchange' ? body.sink : null;
    if (content.length > 0) sink?.onBodyData(content);
    if (isWhole && this.#state === 'exchange') sink?.onBodyEnd();
    if (isWhole && this.#state === 'rest') this.#enter('head');
    return true;
  }

  /** The body's end cannot be told: the exchange is over, and the client hears why if it heard nothing yet. */
  #breakBody(): void {
    const exchange = this.#exchange;
    const hasStarted = exchange === null || exchange.started;
    this.#exchange = null;
    exchange?.gone();
    if (hasStarted) {
      this.#needs.onTrouble('malformed-body');
      this.#breakOff();
    } else this.#refuse(400, 'malformed-body');
  }

  /** Closes in the middle of what the client does; answers that ended in this turn are the client's all the same. */
  #breakOff(): void {
    this.flush();
    this.#socket.destroy();
  }

  /** Answers what is no request. Nothing behind it is read. */
  #refuse(status: number, code: string): void {
    this.#needs.onTrouble(code);
    this.flush();
    if (this.#socket.writable) {
      const own = `connection: close\r\ncontent-length: 0\r\n${this.dateLine}\r\n`;
      this.#socket.write(statusLine(status) + own, 'latin1');
    }
    this.#endOutput();
  }

  /**
   * Ends our side and lets the client take what was sent: closed at once with bytes unread, TCP would take the answer back
   * (RFC 9112 9.6).
   */
  #endOutput(): void {
    this.flush();
    this.#enter('closing');
    this.#bytes = nothing;
    this.#at = 0;
    this.#body = null;
    this.#socket.end();
    if (this.#socket.isPaused()) this.#socket.resume();
  }
}

function latin1Of(bytes: Uint8Array): string {
  if (Buffer.isBuffer(bytes)) return bytes.toString('latin1');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
