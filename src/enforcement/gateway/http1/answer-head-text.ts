import { STATUS_CODES } from '#foundation/http';
import { isFieldValue, isToken } from '../field-text.ts';
import { readContentLength } from '../read-content-length.ts';

/** Name and colon of names found to be tokens, each made once: app servers send the same few. */
const lineStarts = new Map<string, string>();
const lineStartsMax = 1000;
const lineStartBytesMax = 256;

function lineStartOf(name: string): string {
  if (!isToken(name)) throw new Error(`the answer's field \`${name.slice(0, 64)}\` is malformed`);
  // A copy of its own: a slice would keep the whole head it was cut from.
  const start = Buffer.from(`${name}: `, 'latin1').toString('latin1');
  if (lineStarts.size < lineStartsMax && start.length <= lineStartBytesMax) lineStarts.set(start.slice(0, -2), start);
  return start;
}

/** What a list of header fields says, checked. */
export interface AnswerFields {
  /** Each line with its CRLF. */
  readonly lines: string;
  /** Declared length of the body, -1 for none. */
  readonly contentLength: number;
  readonly hasDate: boolean;
}

export function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
}

/** One field line. Throws on what could be read as more than one, whoever it came from. */
export function fieldLineOf(name: string, value: string): string {
  const start = lineStarts.get(name) ?? lineStartOf(name);
  if (!isFieldValue(value)) throw new Error(`the answer's field \`${name.slice(0, 64)}\` is malformed`);
  return `${start}${value}\r\n`;
}

/**
 * Writes header fields (flat, lower-case names) as lines. Throws on malformed ones, on a second length, and on framing fields,
 * which are only ours to say.
 */
export function answerFields(headers: readonly string[]): AnswerFields {
  let lines = '';
  let contentLength = -1;
  let hasDate = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (name === 'content-length') {
      const length = readContentLength(value);
      if (contentLength >= 0 || length === undefined) throw new Error('the answer has no single length');
      contentLength = length;
      continue;
    }
    if (name === 'transfer-encoding' || name === 'connection') throw new Error(`the answer may not say \`${name}\``);
    if (name === 'date') hasDate = true;
    lines += fieldLineOf(name, value);
  }
  return { lines, contentLength, hasDate };
}
