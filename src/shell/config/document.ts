import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { knownKeysAt } from './known-keys.ts';
import { nearestWord } from './nearest.ts';
import { type Config, configSchema, secretPaths } from './schema.ts';

/** One mistake, at its place. Line and column count from 1; 0 when the mistake is in no file (a `--set`). */
export interface ConfigProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** Adds a problem at a path of the document. */
export type Report = (path: readonly PropertyKey[], message: string, severity?: 'error' | 'warning') => void;

export interface ConfigDocument {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  /** Dotted paths that `--set` gave, so that mistakes in them are told as such. */
  readonly overridden: ReadonlyMap<string, string>;
}

/** Aliases a document may expand to: the file is the operator's own, but a bomb is a mistake as well. */
const aliasCountMax = 100;
/** Bytes of a configuration file. */
export const configBytesMax = 4 * 1024 * 1024;

/** Parses YAML text, keeping positions. Syntax errors become problems. */
export function parseConfigText(input: { readonly file: string; readonly text: string }): {
  source: ConfigDocument;
  problems: ConfigProblem[];
} {
  const lines = new LineCounter();
  const document = parseDocument(input.text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    merge: false,
  });
  const problems = [...document.errors, ...document.warnings].map((error): ConfigProblem => {
    const { line, col } = lines.linePos(error.pos[0]);
    const message =
      error.code === 'DUPLICATE_KEY'
        ? 'the same key stands twice in one map; keep one'
        : `is not YAML here: ${error.message}`;
    return { file: input.file, line, column: col, severity: 'error', message };
  });
  return { source: { file: input.file, document, lines, overridden: new Map() }, problems };
}

/** Gives the typed configuration, or the problems that stand against it. */
export function validateDocument(source: ConfigDocument): { config: Config } | { problems: ConfigProblem[] } {
  let value: unknown;
  try {
    value = source.document.toJS({ maxAliasCount: aliasCountMax }) ?? {};
  } catch {
    return { problems: [problemAt(source, [], `more than ${aliasCountMax} aliases; write the values out`)] };
  }
  const parsed = configSchema.safeParse(value, { reportInput: true });
  if (parsed.success) return { config: parsed.data };
  return { problems: parsed.error.issues.flatMap((issue) => issueProblems(source, issue)) };
}

function issueProblems(source: ConfigDocument, issue: z.core.$ZodIssue): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeysAt(configSchema, issue.path);
    return issue.keys.map((key) => {
      const nearest = nearestWord(key, known);
      const help =
        nearest === undefined
          ? `known here: ${known.map((each) => `\`${each}\``).join(', ')}`
          : `the nearest known one is \`${nearest}\``;
      return problemAt(source, [...issue.path, key], `unknown key \`${key}\`; ${help}`, { atKey: true });
    });
  }
  if (issue.code === 'invalid_union') {
    return [problemAt(source, issue.path, `${subject(source, issue)} ${unionHelp(issue.path)}`)];
  }
  return [problemAt(source, issue.path, `${subject(source, issue)} ${issueWords(issue)}`)];
}

function unionHelp(path: readonly PropertyKey[]): string {
  if (path[0] === 'policies') return 'must be a folder, or `{ git: { folder, allowDirty } }`';
  return path[0] === 'store'
    ? 'must be `sqlite`, a URL such as `postgres://user@host/database`, or `{ url, password: { file } }`'
    : 'has none of the forms it may have';
}

function issueWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return issue.message;
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.map((value) => `\`${String(value)}\``).join(' or ')}`;
  if (issue.code === 'invalid_type') {
    return issue.input === undefined
      ? `is missing; it must be a ${issue.expected}`
      : `must be a ${words[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  if (issue.code === 'invalid_format' && issue.format === 'url') return 'is no URL that may stand here';
  if (issue.code === 'invalid_format' && issue.format === 'email') return 'is no e-mail address';
  return issue.message;
}

const words: Readonly<Record<string, string>> = {
  object: 'map of keys',
  array: 'list',
  string: 'text',
  int: 'whole number',
  boolean: '`true` or `false`',
};

function subject(source: ConfigDocument, issue: z.core.$ZodIssue): string {
  const path = formatPath(issue.path);
  const plain = issue.path.filter((step) => typeof step !== 'number').join('.');
  const secret = secretPaths.some((each) => plain === each || plain.startsWith(`${each}.`));
  const node = source.document.getIn(issue.path as (string | number)[], true);
  const value = isScalar(node) ? String(node.value) : undefined;
  if (path === '') return 'the file';
  return value === undefined || secret ? `\`${path}\`` : `\`${path}\`: \`${value.slice(0, 200)}\``;
}

/** Writes `resources[0].upstream`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('');
}

/** A problem at the place of `path`: of its value, of its key, or of the nearest parent that stands in the file. */
export function problemAt(
  source: ConfigDocument,
  path: readonly PropertyKey[],
  message: string,
  options: { readonly atKey?: boolean; readonly severity?: 'error' | 'warning' } = {},
): ConfigProblem {
  const severity = options.severity ?? 'error';
  const override = overrideAt(source, path);
  if (override !== undefined) return { file: `--set ${override}`, line: 0, column: 0, severity, message };
  const offset = offsetAt(source.document, path, options.atKey ?? false);
  const { line, col } = source.lines.linePos(offset);
  return { file: source.file, line: Math.max(line, 1), column: Math.max(col, 1), severity, message };
}

function overrideAt(source: ConfigDocument, path: readonly PropertyKey[]): string | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const key = formatPath(path.slice(0, length));
    if (source.overridden.has(key)) return key;
  }
  return undefined;
}

function offsetAt(document: Document, path: readonly PropertyKey[], atKey: boolean): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1) as (string | number)[], true);
    const step = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === step);
      const wanted = atKey || length < path.length ? pair?.key : (pair?.value ?? pair?.key);
      if (isNode(wanted) && wanted.range) return wanted.range[0];
    }
    const node = document.getIn(path.slice(0, length) as (string | number)[], true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}

/** `nullius.yaml:3:5: error: …` */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return `${place}: ${problem.severity === 'warning' ? 'warning: ' : ''}${problem.message}`;
}
