/** One policy's text and where it starts. */
export interface PolicyPiece {
  readonly text: string;
  /** UTF-16 offset of `text` in the file. */
  readonly start: number;
  /** Line and column of `start`, from 1. */
  readonly line: number;
  readonly column: number;
}

const lineFeed = 10;
const carriageReturn = 13;
const quote = 34;
const slash = 47;
const semicolon = 59;
const backslash = 92;

/** White space as regular expressions and `trim` know it. */
function isBlank(code: number): boolean {
  if (code <= 127) return code === 32 || (code >= 9 && code <= 13);
  return /\s/.test(String.fromCharCode(code));
}

/** The position behind a string literal that starts at `at`; `at + 1` when it never ends, and the quote stands alone. */
function afterString(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code === backslash) end += 1;
    else if (code === quote) return end + 1;
  }
  return at + 1;
}

function afterComment(text: string, at: number): number {
  let end = at + 2;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code === lineFeed || code === carriageReturn) break;
  }
  return end;
}

/**
 * Splits a file of Cedar policies at the semicolons that end them, in one pass. Only lexing: each piece goes to the parser
 * afterwards. A last piece without a semicolon is given too, so that the parser can say what is wrong with it.
 */
export function* splitPolicies(fileText: string): Generator<PolicyPiece, void> {
  let open: Omit<PolicyPiece, 'text'> | undefined;
  // Once a string is found not to end, no later one does either: without this a text of quotes would cost its square.
  let isEveryStringClosed = true;
  let line = 1;
  let lineStart = 0;
  let nextBreak = fileText.indexOf('\n');
  const openAt = (start: number) => {
    for (; nextBreak >= 0 && nextBreak < start; nextBreak = fileText.indexOf('\n', lineStart)) {
      line += 1;
      lineStart = nextBreak + 1;
    }
    return { start, line, column: start - lineStart + 1 };
  };
  let at = 0;
  while (at < fileText.length) {
    const code = fileText.charCodeAt(at);
    if (isBlank(code)) {
      at += 1;
      continue;
    }
    if (code === slash && fileText.charCodeAt(at + 1) === slash) {
      at = afterComment(fileText, at);
      continue;
    }
    open ??= openAt(at);
    const end: number = code === quote && isEveryStringClosed ? afterString(fileText, at) : at + 1;
    if (code === quote && end === at + 1) isEveryStringClosed = false;
    at = end;
    if (code === semicolon) {
      yield { ...open, text: fileText.slice(open.start, at) };
      open = undefined;
    }
  }
  if (open !== undefined) yield { ...open, text: fileText.slice(open.start) };
}
