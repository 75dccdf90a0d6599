import { isFieldValue, isToken } from '../field-text.ts';
import type { UpstreamRequest } from '../upstream-request.ts';
import { MessageError } from './message-error.ts';

/** How the body of a request is marked off. */
export type BodyFraming = 'none' | 'length' | 'chunked';

const targetText = /^[\x21-\x7e\x80-\xff]+$/;

/** Line end, name and colon of names found to be tokens, each made once: there are few, and we make or check them all. */
const lineStarts = new Map<string, string>();
const lineStartsMax = 1000;
/** A client may send names as long as a whole head: those are not kept. */
const lineStartBytesMax = 256;

export function bodyFramingOf({ body, contentLength }: UpstreamRequest): BodyFraming {
  if (body === null) return 'none';
  return contentLength === null ? 'chunked' : 'length';
}

/**
 * The head of a request as it goes over the wire, in latin1 (RFC 9112 3). Names and values have been checked where they were
 * read; they are checked again here, because a line break in one of them would be a request of the client's own making.
 */
export function requestText(request: UpstreamRequest, framing: BodyFraming): string {
  const { method, target, headers, kept, contentLength } = request;
  if (!isToken(method) || !targetText.test(target)) throw new MessageError('a request line that cannot be written');
  let text = `${method} ${target} HTTP/1.1`;
  let declaresLength = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    const start = lineStarts.get(name) ?? lineStartOf(name);
    if (name === 'content-length') {
      // A length that no body will have: the app would take the next request for it.
      const isTrue = value === `${contentLength}` && (framing === 'length' || contentLength === 0);
      if (declaresLength || !isTrue) throw new MessageError("a length that is not the body's");
      declaresLength = true;
    }
    if (!isFieldValue(value)) throw new MessageError('a header value that cannot be written');
    text += start;
    text += value;
  }
  for (const { lines } of kept) text += lines;
  if (declaresLength !== (contentLength !== null)) throw new MessageError('a length that was not declared');
  if (framing === 'chunked') return `${text}\r\ntransfer-encoding: chunked\r\n\r\n`;
  // RFC 9110 8.6: a method that usually has a body says when it has none.
  const saysNone =
    framing === 'none' && !declaresLength && (method === 'POST' || method === 'PUT' || method === 'PATCH');
  return saysNone ? `${text}\r\ncontent-length: 0\r\n\r\n` : `${text}\r\n\r\n`;
}

function lineStartOf(name: string): string {
  if (!isToken(name) || name === 'transfer-encoding') throw new MessageError('a header name that cannot be written');
  const start = `\r\n${name}: `;
  if (lineStarts.size < lineStartsMax && start.length <= lineStartBytesMax) lineStarts.set(name, start);
  return start;
}
