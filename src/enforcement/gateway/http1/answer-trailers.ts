import { answerFieldCountMax } from '../limits.ts';
import { type FieldName, fieldNameOf } from '../response-headers.ts';
import { type FieldSink, readFieldLines } from './field-lines.ts';
import { MessageError } from './message-error.ts';

/** Trailer fields must not carry framing, routing, cookies or anything ours (RFC 9110 6.5.1). */
class AnswerTrailers implements FieldSink {
  readonly list: string[] = [];

  add({ kind, name }: FieldName, value: string): void {
    if (kind === 'content-length' || kind === 'transfer-encoding') throw new MessageError('framing in a trailer');
    if (kind === 'pass' && name !== 'host') this.list.push(name, value);
  }
}

/** Reads the field lines behind a chunked answer (not trusted) and cleans them for the client: lower-case name and value in turn. */
export function readAnswerTrailers(text: string): readonly string[] {
  if (text === '') return [];
  const trailers = new AnswerTrailers();
  readFieldLines(text, { from: 0, sink: trailers, max: answerFieldCountMax });
  return trailers.list;
}

/** The same for trailers that another parser has read. */
export function answerTrailersFor(raw: readonly string[]): readonly string[] {
  const trailers = new AnswerTrailers();
  for (let at = 0; at < raw.length; at += 2) {
    const field = fieldNameOf(raw[at] ?? '');
    if (field !== undefined) trailers.add(field, raw[at + 1] ?? '');
  }
  return trailers.list;
}
