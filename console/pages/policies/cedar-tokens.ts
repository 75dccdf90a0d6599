/** What a piece of Cedar text is, for colouring only: the API parses. */
export type CedarKind =
  | 'comment'
  | 'annotation'
  | 'effect'
  | 'keyword'
  | 'variable'
  | 'string'
  | 'number'
  | 'type'
  | 'call'
  | 'operator'
  | 'plain';

export interface CedarToken {
  readonly kind: CedarKind;
  readonly text: string;
}

const keywords = new Set(['when', 'unless', 'if', 'then', 'else', 'in', 'is', 'has', 'like', 'true', 'false']);
const schemaKeywords = new Set([
  'namespace',
  'entity',
  'action',
  'type',
  'appliesTo',
  'attributes',
  'tags',
  'enum',
  'Set',
]);
/** The first words of policies and of invariants. */
const effects = new Set(['permit', 'forbid', 'never', 'always', 'assume']);
const opensHead = /^\s*(?:\(|$)/;
const variables = new Set(['principal', 'action', 'resource', 'context']);

const pattern =
  /(?<comment>\/\/.*)|(?<string>"(?:[^"\\]|\\.)*"?)|(?<annotation>@[A-Za-z_][A-Za-z0-9_]*)|(?<type>[A-Za-z_][A-Za-z0-9_]*(?=\s*::))|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<number>\d+)|(?<operator>[=!<>&|+\-*:]+)|(?<space>\s+)|(?<rest>.)/y;

/** The first token of `line` at `from`; a line needs nothing from those before it, since nothing in Cedar spans lines. */
export function cedarTokenAt(line: string, from: number): CedarToken {
  pattern.lastIndex = from;
  const groups = pattern.exec(line)?.groups ?? {};
  for (const kind of ['comment', 'string', 'annotation', 'type', 'number', 'operator'] as const) {
    const text = groups[kind];
    if (text !== undefined) return { kind, text };
  }
  const word = groups['word'];
  if (word !== undefined) return { kind: wordKind(word, line, from), text: word };
  return { kind: 'plain', text: groups['space'] ?? groups['rest'] ?? line.slice(from, from + 1) };
}

function wordKind(word: string, line: string, from: number): CedarKind {
  if (effects.has(word) && opensHead.test(line.slice(from + word.length))) return 'effect';
  const isMember = line[from - 1] === '.';
  if (!isMember && variables.has(word)) return 'variable';
  if (!isMember && (keywords.has(word) || schemaKeywords.has(word))) return 'keyword';
  if (/^\s*\(/.test(line.slice(from + word.length))) return 'call';
  return 'plain';
}

/** All tokens of one line; their texts joined are the line. */
export function cedarTokens(line: string): CedarToken[] {
  const tokens: CedarToken[] = [];
  for (let from = 0; from < line.length; ) {
    const token = cedarTokenAt(line, from);
    tokens.push(token);
    from += token.text.length;
  }
  return tokens;
}

const yamlPattern =
  /(?<comment>(?<=^|\s)#.*)|(?<string>"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?)|(?<annotation>[A-Za-z_][\w-]*(?=:(?:\s|$)))|(?<number>(?<![\w.-])\d+(?![\w.-]))|(?<operator>[-:,{}[\]](?=\s|$)|[{}[\],])|(?<rest>[A-Za-z_][\w-]*|\s+|.)/y;

/** The first token of a line of YAML at `from`, for colouring only; texts over several lines are coloured as their parts. */
export function yamlTokenAt(line: string, from: number): CedarToken {
  yamlPattern.lastIndex = from;
  const groups = yamlPattern.exec(line)?.groups ?? {};
  for (const kind of ['comment', 'string', 'annotation', 'number', 'operator'] as const) {
    const text = groups[kind];
    if (text !== undefined) return { kind, text };
  }
  return { kind: 'plain', text: groups['rest'] ?? line.slice(from, from + 1) };
}
