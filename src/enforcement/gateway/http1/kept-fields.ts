import { isFieldValue, isToken } from '../field-text.ts';
import { MessageError } from './message-error.ts';

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
      if (!isToken(name) || !isFieldValue(value)) throw new MessageError('a header that cannot be written');
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
