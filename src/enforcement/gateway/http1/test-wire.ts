// A connection without a network: bytes go in as a test cuts them, and what was read comes out.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Exchange } from '../exchange.ts';
import { isRefusal } from '../refusal.ts';
import { AnswerDate } from './answer-date.ts';
import { ClientConnection } from './client-connection.ts';

/** One request as a reader understood it. */
export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: number;
  /** Lower-case names and values in turn. */
  readonly headers: readonly string[];
  body: string;
  isWhole: boolean;
}

export interface Trace {
  readonly requests: ReadRequest[];
  /** What was sent back, latin1. */
  output: string;
  /** Was something read that is no request, or none that may be served? */
  isRefused: boolean;
  /** Every trouble the connection told of. */
  readonly troubles: string[];
}

class WireSocket extends Duplex {
  output = '';
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.output += chunk.toString('latin1');
    done();
  }
}

const sweep = { tick: 0, add: () => 0, delete: () => {}, stop: () => {} };

/** Lets the gateway's connection read these pieces, then the end. Each request is answered as soon as it is whole. */
export function readByUs(pieces: readonly Buffer[]): Trace {
  const socket = new WireSocket({ allowHalfOpen: true });
  const trace: Trace = { requests: [], output: '', isRefused: false, troubles: [] };
  const onExchange = (exchange: Exchange) => answerWhenWhole(exchange, trace);
  const date = new AnswerDate(() => 0, sweep);
  const onTrouble = (code: string) => trace.troubles.push(code);
  const needs = { onExchange, onTrouble, onGone: () => {}, onTunnel: () => {}, sweep, date };
  const facts = { address: '192.0.2.7', tls: false, servername: null };
  new ClientConnection(socket as unknown as Socket, { facts, needs });
  for (const piece of pieces) if (!socket.destroyed) socket.emit('data', piece);
  if (!socket.destroyed) socket.emit('end');
  socket.destroy();
  trace.output = socket.output;
  if (trace.troubles.length > 0) trace.isRefused = true;
  return trace;
}

function answerWhenWhole({ request, client }: Exchange, trace: Trace): void {
  if (isRefusal(request)) {
    trace.isRefused = true;
    client.start(request.status, ['content-length', '0']);
    client.end();
    return;
  }
  const read: ReadRequest = {
    method: request.method,
    target: request.target,
    minorVersion: request.httpVersion === '1.1' ? 1 : 0,
    headers: request.headers,
    body: '',
    isWhole: false,
  };
  trace.requests.push(read);
  client.body.start({
    onBodyData: (chunk) => {
      read.body += chunk.toString('latin1');
    },
    onBodyEnd: () => {
      read.isWhole = true;
      client.start(200, ['content-length', '2']);
      client.write(Buffer.from('ok'));
      client.end();
    },
    onBodyError: () => {},
  });
}

/** Cuts bytes at the given places. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let from = 0;
  for (const to of [...sorted, bytes.length]) {
    if (to > from) pieces.push(Buffer.from(bytes.subarray(from, to)));
    from = to;
  }
  return pieces;
}
