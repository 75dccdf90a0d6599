/** One policy's text and where it starts. */
export interface PolicyPiece {
  readonly text: string;
  /** UTF-16 offset of `text` in the file. */
  readonly start: number;
}

/** The next thing in Cedar text: white space, a comment, a string, or one character of anything else. */
const piece = /\s+|\/\/[^\n\r]*|"(?:[^"\\]|\\[\s\S])*"|[\s\S]/gy;

/**
 * Splits a file of Cedar policies at the semicolons that end them. Only lexing: each piece goes to the parser afterwards.
 * A last piece without a semicolon is given too, so that the parser can say what is wrong with it.
 */
export function splitPolicies(fileText: string): PolicyPiece[] {
  const pieces: PolicyPiece[] = [];
  let start = -1;
  piece.lastIndex = 0;
  for (let match = piece.exec(fileText); match !== null; match = piece.exec(fileText)) {
    const token = match[0];
    const blank = token.startsWith('//') || token.trim() === '';
    if (blank) continue;
    if (start < 0) start = match.index;
    if (token === ';') {
      pieces.push({ text: fileText.slice(start, piece.lastIndex), start });
      start = -1;
    }
  }
  if (start >= 0) pieces.push({ text: fileText.slice(start), start });
  return pieces;
}

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
