import { type FieldName, fieldNameOf } from '../response-headers.ts';
import { firstHash, NameTable, nextHash, tokenBytes, valueBytes } from './header-table.ts';
import { MessageError } from './message-error.ts';

const CR = 0x0d;
const LF = 0x0a;
const tab = 0x09;
const space = 0x20;
const colon = 0x3a;

/** Names that app servers send again and again, so that no string is made for them. Anything else works as well, only slower. */
const frequentNames = [
  'accept-ranges',
  'access-control-allow-origin',
  'age',
  'cache-control',
  'connection',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-security-policy',
  'content-type',
  'date',
  'etag',
  'expires',
  'keep-alive',
  'last-modified',
  'link',
  'location',
  'permissions-policy',
  'pragma',
  'referrer-policy',
  'server',
  'set-cookie',
  'strict-transport-security',
  'transfer-encoding',
  'vary',
  'via',
  'x-content-type-options',
  'x-frame-options',
  'x-powered-by',
  'x-request-id',
];

function entryOf(name: string): readonly [string, FieldName] {
  const field = fieldNameOf(name);
  if (field === undefined) throw new Error(`INVARIANT: \`${name}\` is a token`);
  return [name, field];
}

const known = new NameTable(frequentNames.map(entryOf));

/**
 * Goes through the field lines (RFC 9112 5, not trusted) between two places of `bytes`, each ended by CRLF. Stricter than the RFC
 * allows a recipient to be: no folding, no bare CR or LF, no space before the colon, at most `max` fields.
 */
export class FieldLines {
  readonly #bytes: Buffer;
  readonly #to: number;
  readonly #max: number;
  #count = 0;
  #name: FieldName | undefined;
  /** Where this line begins, where its value does, and where each ends: the value without blanks, the line with its CRLF. */
  start = 0;
  valueStart = 0;
  valueEnd = 0;
  end: number;
  /** Is it spelled as it would be written here: one space before the value, nothing behind it? */
  isPlain = false;

  constructor(bytes: Buffer, { from, to, max }: { readonly from: number; readonly to: number; readonly max: number }) {
    this.#bytes = bytes;
    this.#to = to;
    this.#max = max;
    this.end = from;
  }

  /** The name of this line. */
  get field(): FieldName {
    if (this.#name === undefined) throw new Error('INVARIANT: a line is read before it is asked for');
    return this.#name;
  }

  /** Goes on to the next line; false when there is none. Throws MessageError. */
  next(): boolean {
    const bytes = this.#bytes;
    const to = this.#to;
    let at = this.end;
    if (at >= to) return false;
    if (++this.#count > this.#max) throw new MessageError('too many fields');
    this.start = at;
    let hash = firstHash;
    for (let low = tokenBytes[bytes[at] ?? 0] ?? 0; low !== 0; low = tokenBytes[bytes[at] ?? 0] ?? 0) {
      hash = nextHash(hash, low);
      at++;
    }
    const nameEnd = at;
    const place = { from: this.start, to: nameEnd, hash };
    const field =
      bytes[at] === colon
        ? (known.find(bytes, place) ?? fieldNameOf(bytes.toString('latin1', this.start, nameEnd)))
        : undefined;
    if (field === undefined) throw new MessageError('a field line without a valid name');
    this.#name = field;
    at++;
    while (bytes[at] === space || bytes[at] === tab) at++;
    this.valueStart = at;
    at = endOfValue(bytes, { from: at, to });
    let last = at;
    while (last > this.valueStart && (bytes[last - 1] === space || bytes[last - 1] === tab)) last--;
    this.valueEnd = last;
    this.isPlain = last === at && this.valueStart === nameEnd + 2 && bytes[nameEnd + 1] === space;
    this.end = at + 2;
    return true;
  }
}

/** Where the CRLF stands that ends the line; everything before it may stand in a value. Throws MessageError when it is not before `to`. */
export function endOfValue(bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }): number {
  let end = from;
  while (end < to && valueBytes[bytes[end] ?? 0] === 1) end++;
  if (end + 2 > to || bytes[end] !== CR || bytes[end + 1] !== LF) {
    throw new MessageError('a control character in a field');
  }
  return end;
}
