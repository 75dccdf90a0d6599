import type { AnswerFields } from './answer-fields.ts';
import type { ClientBody } from './client-body.ts';
import type { KeptFields } from './http1/kept-fields.ts';
import type { Cleaning } from './response-headers.ts';

/** A judged request on its way to an app. */
export interface UpstreamRequest {
  readonly method: string;
  readonly target: string;
  /** As `requestHeadersFor` made them: flat, `host` first, `content-length` among them when the client declared one. */
  readonly headers: readonly string[];
  /** Those of ours that many requests carry. */
  readonly kept: readonly KeptFields[];
  readonly body: ClientBody | null;
  /** Length the client declared for its body; null when it did not. */
  readonly contentLength: number | null;
  readonly takesTrailers: boolean;
  readonly cleaning: Cleaning;
  /** Not over a connection that was used before: the last try ended on one that had died. */
  readonly onNewConnection: boolean;
}

/** The head of an app's answer, cleaned for the client. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly fields: AnswerFields;
  /** Value of `Content-Type`, empty without one. */
  readonly contentType: string;
  /** The app said with the head that nothing follows. */
  readonly isWhole?: boolean;
}

/** Takes an answer as it comes in. It may abort the exchange from within any of these. */
export interface AnswerSink {
  /** Of interim answers, early hints with links only. */
  onEarlyHints(links: readonly string[]): void;
  onHead(answer: UpstreamAnswer): void;
  /** Bytes of the body, not trusted. Others may stand in their place when this returns: who keeps them copies them. */
  onData(chunk: Buffer): void;
}

/** What the answer is told to. After `onAnswerEnd`, `onBodyBroken` or `onUpstreamError`, or an `abort`, nothing more comes. */
export interface UpstreamHandler extends AnswerSink {
  /** So many bytes of the body were taken from the client; they have not been sent when this returns after an `abort`. */
  onBodySent(byteCount: number): void;
  /** The client broke its body off, or it is not as long as was declared. The app has not got it as a whole. */
  onBodyBroken(): void;
  onAnswerEnd(trailers: readonly string[]): void;
  /**
   * `isStale`: the connection had been kept alive, and broke before a byte of an answer came. Then the app has not seen the
   * request, as far as anyone can tell.
   */
  onUpstreamError(error: unknown, isStale: boolean): void;
}

/** A request under way. */
export interface UpstreamExchange {
  /** Is it the client that the app is waiting for? */
  readonly waitsForBody: boolean;
  /** Stops the answer; what was read already still comes, at most one read. */
  pause(): void;
  resume(): void;
  /** Ends it, in whatever state; its connection is not used again. */
  abort(): void;
}

/** A way to send requests to one app. */
export interface UpstreamSender {
  /** Throws when the request cannot be written unambiguously. */
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamExchange;
  close(): Promise<void>;
}
