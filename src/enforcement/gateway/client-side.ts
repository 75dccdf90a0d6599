import type { Duplex } from 'node:stream';
import type { AnswerFields } from './answer-fields.ts';
import type { ClientBody } from './client-body.ts';

/** The client's half of an exchange, the same for HTTP/1.1 and HTTP/2. Headers are flat: name, value, name, value. */
export interface ClientSide {
  readonly body: ClientBody;
  /** Has an answer begun? Then no other can be given. */
  readonly started: boolean;
  /** Has the client gone, or the answer ended? */
  readonly closed: boolean;
  /** Asks for the body, once it is known to be wanted (RFC 9110 10.1.1). */
  sendContinue(): void;
  sendEarlyHints(links: readonly string[]): void;
  /** `isWhole`: nothing follows but `end`. HTTP/2 says so with the head itself, which gRPC clients insist on ("Trailers-Only"). */
  start(status: number, fields: AnswerFields, options?: { readonly isWhole: boolean }): void;
  /** Has sent or copied the bytes when it returns. False: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean;
  onDrain(listener: () => void): void;
  end(trailers?: readonly string[]): void;
  /** Ends both directions at once, in whatever state: HTTP/2 resets the stream, HTTP/1.1 destroys the connection. */
  destroy(): void;
  /** Called once, when the answer has ended or the client has gone. */
  onClose(listener: () => void): void;
  /** Completes an opening handshake and gives the raw byte stream. Throws when the exchange is no upgrade. */
  acceptWebSocket(headers: readonly string[], taken: TakenHandshake): Duplex;
}

export interface TakenHandshake {
  /** The value of `Sec-WebSocket-Accept`, null over HTTP/2. */
  readonly accept: string | null;
  /** Called once when the server is about to close, perhaps before `acceptWebSocket` returns. */
  readonly onGoingAway: () => void;
}
