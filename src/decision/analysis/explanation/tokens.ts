/** A token of Cedar text; comments and white space lie between tokens. Offsets are UTF-16. */
export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'mark';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const patterns: readonly (readonly [Token['kind'] | 'blank', RegExp])[] = [
  ['blank', /(?:\s+|\/\/[^\n\r]*)+/y],
  ['name', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /[0-9]+/y],
  ['string', /"(?:[^"\\]|\\[\s\S])*"/y],
  ['mark', /::|&&|\|\||==|!=|<=|>=|[-+*!<>.,:;()[\]{}@?%/]/y],
];

/** Cuts the text of one parsed policy into tokens; undefined for text that no parser has accepted. */
export function tokensOf(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    let end = at;
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (found === undefined) continue;
      end = at + found.length;
      if (kind !== 'blank') tokens.push({ kind, text: found, start: at, end });
      break;
    }
    if (end === at) return undefined;
    at = end;
  }
  return tokens;
}
