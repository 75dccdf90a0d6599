/** Line and column, from 1, of a UTF-16 offset. */
export function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lastBreak = before.lastIndexOf('\n');
  return { line: before.split('\n').length, column: offset - lastBreak };
}

/** The parser counts in UTF-8 bytes; texts here are UTF-16. */
export function utf16Offset(text: string, utf8Offset: number): number {
  return Buffer.from(text, 'utf8').subarray(0, utf8Offset).toString('utf8').length;
}
