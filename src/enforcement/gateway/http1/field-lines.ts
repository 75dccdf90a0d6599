import { type FieldName, fieldNameOf } from '../response-headers.ts';
import { valueBytes } from './header-table.ts';
import { MessageError } from './message-error.ts';

/** Takes the fields of a head or of a trailer section, one by one. */
export interface FieldSink {
  add(field: FieldName, value: string): void;
}

const CR = 0x0d;
const LF = 0x0a;

/**
 * Reads field lines (RFC 9112 5, not trusted) from `from` to the end of `text`, each ended by CRLF. Stricter than the RFC allows
 * a recipient to be: no folding, no bare CR or LF, no space before the colon, at most `max` fields. Throws MessageError.
 */
export function readFieldLines(
  text: string,
  { from, sink, max }: { readonly from: number; readonly sink: FieldSink; readonly max: number },
): void {
  let count = 0;
  for (let at = from; at < text.length; ) {
    if (++count > max) throw new MessageError('too many fields');
    const colon = text.indexOf(':', at);
    // Without a colon in this line, what is before the next one is no token: it holds CR and LF.
    const field = colon < 0 ? undefined : fieldNameOf(text.slice(at, colon));
    if (field === undefined) throw new MessageError('a field line without a valid name');
    let start = colon + 1;
    while (isBlank(text.charCodeAt(start))) start++;
    const end = endOfValue(text, start);
    let last = end;
    while (last > start && isBlank(text.charCodeAt(last - 1))) last--;
    sink.add(field, text.slice(start, last));
    at = end + 2;
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Where the CRLF stands that ends the line; everything before it may stand in a value. */
export function endOfValue(text: string, from: number): number {
  let end = from;
  while (valueBytes[text.charCodeAt(end)] === 1) end++;
  if (text.charCodeAt(end) !== CR || text.charCodeAt(end + 1) !== LF) {
    throw new MessageError('a control character in a field');
  }
  return end;
}
