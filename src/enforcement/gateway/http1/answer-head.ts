import { answerFieldCountMax } from '../limits.ts';
import { readContentLength } from '../read-content-length.ts';
import { type Cleaning, ClientHeaders, type FieldName } from '../response-headers.ts';
import { endOfValue, type FieldSink, readFieldLines } from './field-lines.ts';
import { MessageError } from './message-error.ts';

/** How the body behind a head ends (RFC 9112 6.3). */
export type AnswerFraming = 'none' | 'length' | 'chunked' | 'until-close';

const statusLine = 'HTTP/1.1 '.length;

/** The head of an app's answer (not trusted), checked, with the headers cleaned for the client in the same pass. */
export class AnswerHead implements FieldSink {
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
  readonly #clean: ClientHeaders;
  #isChunked = false;

  constructor(text: string, cleaning: Cleaning) {
    // HTTP/1.0 has no chunks and no persistence that both sides are sure of.
    const isVersion10 = text.startsWith('HTTP/1.0 ');
    if (!isVersion10 && !text.startsWith('HTTP/1.1 ')) throw new MessageError('not an HTTP/1 status line');
    this.status = readStatus(text);
    this.keepsAlive = !isVersion10;
    this.#clean = new ClientHeaders(cleaning);
    const from = endOfValue(text, statusLine + 3) + 2;
    readFieldLines(text, { from, sink: this, max: answerFieldCountMax });
    if (this.#isChunked && (isVersion10 || this.contentLength >= 0)) {
      throw new MessageError('chunks together with a length, or in HTTP/1.0');
    }
  }

  /** Lower-case name and value in turn, as the client shall get them. */
  get headers(): readonly string[] {
    return this.#clean.list;
  }

  add(field: FieldName, value: string): void {
    switch (field.kind) {
      case 'content-length':
        if (this.contentLength >= 0) throw new MessageError('more than one length');
        this.contentLength = readContentLength(value) ?? -1;
        if (this.contentLength < 0) throw new MessageError('not a length');
        if (this.status !== 204) this.#clean.add(field, value);
        break;
      case 'transfer-encoding':
        if (this.#isChunked || value !== 'chunked') throw new MessageError('an unknown transfer coding');
        this.#isChunked = true;
        break;
      case 'connection':
        if (closes(value)) this.keepsAlive = false;
        break;
      case 'keep-alive':
        this.keepAliveSeconds = keepAliveSecondsOf(value);
        break;
      case 'content-type':
        this.contentType = value;
        this.#clean.add(field, value);
        break;
      case 'link':
        this.links.push(value);
        this.#clean.add(field, value);
        break;
      default:
        this.#clean.add(field, value);
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
