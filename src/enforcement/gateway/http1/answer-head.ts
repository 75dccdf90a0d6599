import type { LaidFields } from '../answer-fields.ts';
import { answerFieldCountMax } from '../limits.ts';
import { readContentLength } from '../read-content-length.ts';
import { AnswerCleaner, type Cleaning, type FieldName, responseHeadersFor } from '../response-headers.ts';
import type { UpstreamAnswer } from '../upstream-request.ts';
import { fieldLineOf } from './answer-head-text.ts';
import { endOfValue, FieldLines } from './field-lines.ts';
import { MessageError } from './message-error.ts';

/** How the body behind a head ends (RFC 9112 6.3). */
export type AnswerFraming = 'none' | 'length' | 'chunked' | 'until-close';

const statusLine = 'HTTP/1.1 '.length;

/** The head of an app's answer (not trusted), checked, with the headers cleaned for the client in the same pass. */
export class AnswerHead implements UpstreamAnswer, LaidFields {
  readonly status: number;
  /** Value of `Link` fields, for early hints. */
  readonly links: string[] = [];
  /** Declared length of the body; -1 when there is none. */
  contentLength = -1;
  contentType = '';
  /** May the connection carry another request after this answer? */
  keepsAlive: boolean;
  /** What the app says in `Keep-Alive: timeout=`, seconds; infinite when it says nothing. */
  keepAliveSeconds = Number.POSITIVE_INFINITY;
  /** Each line the client gets with its CRLF, but its length, which whoever frames the body says. */
  readonly lines: string;
  hasDate = false;
  readonly #text: string;
  readonly #linesFrom: number;
  readonly #cleaning: Cleaning;
  #isChunked = false;

  /** Reads what lies between two places of `bytes`, the CRLF of its last line included, and keeps none of it. */
  constructor(
    bytes: Buffer,
    { from, to, cleaning }: { readonly from: number; readonly to: number; readonly cleaning: Cleaning },
  ) {
    const text = bytes.toString('latin1', from, to);
    // HTTP/1.0 has no chunks and no persistence that both sides are sure of.
    const isVersion10 = text.startsWith('HTTP/1.0 ');
    if (!isVersion10 && !text.startsWith('HTTP/1.1 ')) throw new MessageError('not an HTTP/1 status line');
    this.status = readStatus(text);
    this.keepsAlive = !isVersion10;
    this.#text = text;
    this.#cleaning = cleaning;
    this.#linesFrom = endOfValue(bytes, { from: from + statusLine + 3, to }) + 2 - from;
    this.lines = this.#lay(new FieldLines(bytes, { from: from + this.#linesFrom, to, max: answerFieldCountMax }), from);
    if (this.#isChunked && (isVersion10 || this.contentLength >= 0)) {
      throw new MessageError('chunks together with a length, or in HTTP/1.0');
    }
  }

  get fields(): LaidFields {
    return this;
  }

  /** Lower-case name and value in turn, as the client shall get them. */
  get pairs(): readonly string[] {
    const raw: string[] = [];
    const bytes = Buffer.from(this.#text.slice(this.#linesFrom), 'latin1');
    const line = new FieldLines(bytes, { from: 0, to: bytes.length, max: answerFieldCountMax });
    while (line.next()) {
      // Beside 204 it means nothing (RFC 9110 8.6).
      if (line.field.kind === 'content-length' && this.status === 204) continue;
      raw.push(line.field.name, bytes.toString('latin1', line.valueStart, line.valueEnd));
    }
    return responseHeadersFor(raw, this.#cleaning);
  }

  /**
   * Takes from each line what it says of the answer, and puts together what the client gets: in one piece where lines follow each other
   * that are spelled as we would. `textStart`: where the text begins among the bytes.
   */
  #lay(line: FieldLines, textStart: number): string {
    const text = this.#text;
    const cleaner = new AnswerCleaner(this.#cleaning);
    const { strictTransportSecurity } = this.#cleaning;
    let lines =
      strictTransportSecurity === null ? '' : fieldLineOf('strict-transport-security', strictTransportSecurity);
    let from = 0;
    let to = 0;
    while (line.next()) {
      const { field, isPlain } = line;
      const start = line.start - textStart;
      // Nothing is to be known of most lines.
      const isPassed = isPlain && field.kind === 'pass';
      const value = isPassed ? undefined : text.slice(line.valueStart - textStart, line.valueEnd - textStart);
      const sent = value === undefined ? undefined : this.#take(field, { value, cleaner });
      if (isPassed || (isPlain && sent === value)) {
        if (start !== to) {
          lines += text.slice(from, to);
          from = start;
        }
        to = line.end - textStart;
      } else if (sent !== undefined) {
        lines += `${text.slice(from, to)}${fieldLineOf(field.name, sent)}`;
        from = to;
      } else continue;
      if (field.name === 'date') this.hasDate = true;
    }
    return lines + text.slice(from, to);
  }

  /** The value that the client gets, undefined for none. */
  #take(field: FieldName, { value, cleaner }: { value: string; cleaner: AnswerCleaner }): string | undefined {
    switch (field.kind) {
      case 'content-length':
        if (this.contentLength >= 0) throw new MessageError('more than one length');
        this.contentLength = readContentLength(value) ?? -1;
        if (this.contentLength < 0) throw new MessageError('not a length');
        return undefined;
      case 'transfer-encoding':
        if (this.#isChunked || value !== 'chunked') throw new MessageError('an unknown transfer coding');
        this.#isChunked = true;
        return undefined;
      case 'connection':
        if (closes(value)) this.keepsAlive = false;
        return undefined;
      case 'keep-alive':
        this.keepAliveSeconds = keepAliveSecondsOf(value);
        return undefined;
      case 'content-type':
        this.contentType = value;
        return value;
      case 'link':
        this.links.push(value);
        return value;
      default:
        return cleaner.clean(field, value);
    }
  }

  /** How the answer to a request of this method ends. Throws when the head leaves that in doubt. */
  framing(method: string): AnswerFraming {
    const { status } = this;
    if (status < 200 || status === 204) {
      // RFC 9112 6.1 and RFC 9110 8.6: neither may declare a body.
      if (this.#isChunked || this.contentLength > 0) throw new MessageError('a body where none can be');
      return 'none';
    }
    if (method === 'HEAD' || status === 304) return 'none';
    if (this.#isChunked) return 'chunked';
    return this.contentLength >= 0 ? 'length' : 'until-close';
  }
}

/** Three digits, and then a space and a reason or, as many servers do, nothing. */
function readStatus(text: string): number {
  const status = digit(text, 0) * 100 + digit(text, 1) * 10 + digit(text, 2);
  const next = text.charCodeAt(statusLine + 3);
  if (status < 100 || (next !== 0x20 && next !== 0x0d)) throw new MessageError('not a status');
  return status;
}

function digit(text: string, index: number): number {
  const value = text.charCodeAt(statusLine + index) - 0x30;
  if (!(value >= 0 && value <= 9)) throw new MessageError('not a status');
  return value;
}

function closes(value: string): boolean {
  if (value === 'keep-alive') return false;
  return value.split(',').some((option) => option.trim().toLowerCase() === 'close');
}

/** Almost always the same text, from the same server. */
let lastKeepAlive = { value: '', seconds: Number.POSITIVE_INFINITY };

function keepAliveSecondsOf(value: string): number {
  if (value !== lastKeepAlive.value) {
    const seconds = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,9})/i.exec(value)?.[1];
    lastKeepAlive = { value, seconds: seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) };
  }
  return lastKeepAlive.seconds;
}
