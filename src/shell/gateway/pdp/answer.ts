import { sendAnswer } from '#enforcement/gateway';
import type { PdpCall } from './pdp.ts';

/** What an answer needs of its call. */
type Answering = Pick<PdpCall, 'exchange' | 'id' | 'requestId'>;

/** Longest `X-Request-ID` that is given back. */
export const requestIdLengthMax = 1_024;

function common({ id, requestId }: Answering): string[] {
  const headers = ['cache-control', 'no-store', 'nullius-decision', id];
  if (requestId !== undefined) headers.push('x-request-id', requestId);
  return headers;
}

/** A 200 of the Authorization API: decisions, allowed or not, and results. */
export function answerJson(call: Answering, body: unknown): void {
  answerText(call, JSON.stringify(body));
}

/** The same, of JSON that is written already. */
export function answerText(call: Answering, text: string): void {
  const length = String(Buffer.byteLength(text));
  const headers = ['content-type', 'application/json', 'content-length', length, ...common(call)];
  sendAnswer(call.exchange.client, { status: 200, headers, body: text });
}

/** Section 10.1.8: the status says what kind of error, the body is a message for the author of the caller. */
export function answerError(
  call: Answering,
  { status, words }: { readonly status: number; readonly words: string },
): void {
  const headers = [
    'content-type',
    'text/plain; charset=utf-8',
    'content-length',
    String(Buffer.byteLength(words)),
    ...common(call),
  ];
  if (status === 401) headers.push('www-authenticate', 'Bearer realm="nullius-pdp"');
  sendAnswer(call.exchange.client, { status, headers, body: words });
}
