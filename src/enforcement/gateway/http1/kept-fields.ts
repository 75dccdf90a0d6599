import { MessageError } from './message-error.ts';

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What may not stand in a value: it would end the line, or does not fit into one byte. */
const unfit = /[^\t\x20-\x7e\x80-\xff]/;

/** May this be the name of a field (RFC 9110 5.1)? */
export const isFieldName = (name: string): boolean => token.test(name);
/** May this be its value, in latin1 (RFC 9110 5.5)? */
export const isFieldValue = (value: string): boolean => !unfit.test(value);

/** Fields of our own that many requests carry: they are checked and laid out once, when they are made. */
export class KeptFields {
  /** As they go over the wire, behind the line before: one piece of memory, of its own. */
  readonly lines: string;

  /** `pairs`: name and value in turn. Throws MessageError when they cannot be written. */
  constructor(...pairs: readonly string[]) {
    let lines = '';
    for (let at = 0; at < pairs.length; at += 2) {
      const name = pairs[at] ?? '';
      const value = pairs[at + 1] ?? '';
      if (!isFieldName(name) || !isFieldValue(value)) throw new MessageError('a header that cannot be written');
      lines += `\r\n${name}: ${value}`;
    }
    this.lines = Buffer.from(lines, 'latin1').toString('latin1');
  }

  /** Name and value in turn. */
  get pairs(): readonly string[] {
    const lines = this.lines === '' ? [] : this.lines.slice(2).split('\r\n');
    return lines.flatMap((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    });
  }
}

/** Flat headers, with such fields among them. */
export function withKept(headers: readonly string[], kept: readonly KeptFields[]): readonly string[] {
  return [...headers, ...kept.flatMap(({ pairs }) => pairs)];
}
