import { answerFieldCountMax } from '../limits.ts';
import { type FieldName, fieldNameOf } from '../response-headers.ts';
import { FieldLines } from './field-lines.ts';
import { MessageError } from './message-error.ts';

/** May a client get it as a trailer? Those must not carry routing, cookies or anything ours. Throws on framing (RFC 9110 6.5.1). */
function passes({ kind, name }: FieldName): boolean {
  if (kind === 'content-length' || kind === 'transfer-encoding') throw new MessageError('framing in a trailer');
  return kind === 'pass' && name !== 'host';
}

/** Reads the field lines behind a chunked answer (not trusted) and cleans them for the client: lower-case name and value in turn. */
export function readAnswerTrailers(text: string): readonly string[] {
  if (text === '') return [];
  const list: string[] = [];
  const bytes = Buffer.from(text, 'latin1');
  const line = new FieldLines(bytes, { from: 0, to: bytes.length, max: answerFieldCountMax });
  while (line.next()) {
    const { field, valueStart, valueEnd } = line;
    if (passes(field)) list.push(field.name, bytes.toString('latin1', valueStart, valueEnd));
  }
  return list;
}

/** The same for trailers that another parser has read. */
export function answerTrailersFor(raw: readonly string[]): readonly string[] {
  const list: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const field = fieldNameOf(raw[at] ?? '');
    if (field !== undefined && passes(field)) list.push(field.name, raw[at + 1] ?? '');
  }
  return list;
}
