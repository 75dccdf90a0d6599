import { MessageError } from './message-error.ts';

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What may not stand in a value: it would end the line, or does not fit into one byte. */
const unfit = /[^\t\x20-\x7e\x80-\xff]/;

/** May this be the name of a field (RFC 9110 5.1)? */
export const isFieldName = (name: string): boolean => token.test(name);
/** May this be its value, in latin1 (RFC 9110 5.5)? */
export const isFieldValue = (value: string): boolean => !unfit.test(value);

/** A field of our own that many requests carry: it is checked and laid out once, when it is made. */
export class KeptField {
  readonly name: string;
  /** As it goes over the wire, behind the line before: one piece of memory, of its own. */
  readonly line: string;

  /** Throws MessageError when it cannot be written. */
  constructor(name: string, value: string) {
    if (!isFieldName(name) || !isFieldValue(value)) throw new MessageError('a header that cannot be written');
    this.name = name;
    this.line = Buffer.from(`\r\n${name}: ${value}`, 'latin1').toString('latin1');
  }

  get value(): string {
    return this.line.slice(this.name.length + 4);
  }
}

/** Flat headers, with such a field among them. */
export function withKept(headers: readonly string[], kept: KeptField | null): readonly string[] {
  return kept === null ? headers : [...headers, kept.name, kept.value];
}
