/** A part of a `like` pattern as Cedar's JSON has it: `"Wildcard"`, or literal characters. */
export type PatternPart = 'Wildcard' | { readonly Literal: string };

/** Compiles a pattern into a matcher that takes time linear in text times pieces, whatever the text holds. */
export function compilePattern(parts: readonly PatternPart[]): (text: string) => boolean {
  const pieces = [''];
  for (const part of parts) {
    if (part === 'Wildcard') pieces.push('');
    else pieces.push((pieces.pop() ?? '') + part.Literal);
  }
  const [head = '', ...rest] = pieces;
  const tail = rest.pop();
  if (tail === undefined) return (text) => text === head;
  const least = head.length + tail.length;
  return (text) => {
    if (text.length < least || !text.startsWith(head) || !text.endsWith(tail)) return false;
    const end = text.length - tail.length;
    let at = head.length;
    // The leftmost place of each piece leaves most room for the next.
    for (const piece of rest) {
      const found = text.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}
