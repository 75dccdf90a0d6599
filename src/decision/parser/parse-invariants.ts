import { EngineError, type PolicyJson, type PolicySource, type Problem, splitPolicies } from '#decision/engine';
import { nameAll, problemOf } from './name-policies.ts';
import { type NamedEntity, namedInPlace } from './named-in-place.ts';
import { type ParsedPolicy, parsePolicies } from './parse-policies.ts';
import { validatePolicies } from './validate-policies.ts';

export const invariantKinds = ['never', 'always', 'assume'] as const;
export type InvariantKind = (typeof invariantKinds)[number];

/** An invariant as written: head and conditions are those of a Cedar policy. */
export interface ParsedInvariant {
  readonly id: string;
  readonly kind: InvariantKind;
  readonly description: string;
  readonly file: string;
  readonly line: number;
  readonly policy: PolicyJson;
}

export interface ParsedInvariants {
  readonly problems: readonly Problem[];
  /** Empty when a problem is an error. */
  readonly invariants: readonly ParsedInvariant[];
  /** Entities that they write out, as far as they can be parsed. */
  readonly named: readonly NamedEntity[];
}

/** Files of invariants are few and short: each costs a solver's time. */
export const invariantCountMax = 1_000;

const tooMany = `there are more than ${invariantCountMax} invariants`;

// A comment ends with its line and nowhere before: else a row of slashes could be read in more ways than there is time to try.
const blank = String.raw`(?:\s|\/\/[^\n\r]*(?=[\n\r]|$))`;
const skipped = new RegExp(`${blank}+`, 'y');
const annotation = new RegExp(
  String.raw`@[A-Za-z_][A-Za-z0-9_]*(?:${blank}*\(${blank}*"(?:[^"\\]|\\[\s\S])*"${blank}*\))?`,
  'y',
);
const word = /[A-Za-z_][A-Za-z0-9_]*/y;

/** Where the first word behind the annotations stands, and which it is. */
function leadingWord(text: string): { word: string; at: number } {
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };
  take(skipped);
  while (take(annotation) !== '') take(skipped);
  const start = at;
  return { word: take(word), at: start };
}

interface Rewritten {
  readonly source: PolicySource;
  readonly kinds: readonly InvariantKind[];
  /** Where a word became longer by one character, and all that follows in its line moved. */
  readonly moved: ReadonlyMap<number, number>;
}

/** Writes `permit` for the leading words, so that Cedar's own parser reads the rest. Throws EngineError. */
function rewrite({ file, text }: PolicySource): Rewritten {
  const kinds: InvariantKind[] = [];
  const moved = new Map<number, number>();
  let written = '';
  let copied = 0;
  for (const piece of splitPolicies(text)) {
    const found = leadingWord(piece.text);
    const kind = invariantKinds.find((each) => each === found.word);
    const start = piece.start + found.at;
    const before = text.slice(0, start);
    const line = before.split('\n').length;
    const column = start - before.lastIndexOf('\n');
    if (kind === undefined) {
      throw new EngineError({
        code: 'policy-syntax',
        message: `expected \`never\`, \`always\` or \`assume\`, found \`${found.word}\``,
        hint: 'Write `never (principal, action, resource) when { … };`, with the head and conditions of a Cedar policy.',
        file,
        line,
        column,
      });
    }
    kinds.push(kind);
    if (kinds.length > invariantCountMax)
      throw new EngineError({ code: 'too-many-policies', message: tooMany, file, line, column });
    written += `${text.slice(copied, start)}permit`;
    copied = start + kind.length;
    if (kind === 'never') moved.set(line, column);
  }
  return { source: { file, text: written + text.slice(copied) }, kinds, moved };
}

/** Annotations of an invariant. */
const known: readonly string[] = ['id', 'description'];

function unknownAnnotations([id, { annotations, file, line, column }]: [string, ParsedPolicy]): Problem[] {
  return Object.keys(annotations)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      level: 'error',
      code: 'unknown-annotation',
      message: `invariant \`${id}\` has an unknown annotation \`@${name}\``,
      hint: `Known are ${known.map((each) => `\`@${each}\``).join(', ')}.`,
      file,
      line,
      column,
    }));
}

type Place = Partial<Record<'line' | 'column', number>> & { readonly file?: string };

/**
 * Parses files of invariants (docs/formats/invariants.md) and validates them strictly against the schema, as policies are. Never throws:
 * what is wrong is listed with its place.
 */
export function parseInvariants(sources: readonly PolicySource[], schema: string): ParsedInvariants {
  let moved = new Map<string, Rewritten['moved']>();
  const inPlace = <T extends Place>(problem: T): T => {
    const { file, line, column } = problem;
    const start = file === undefined || line === undefined ? undefined : moved.get(file)?.get(line);
    return start === undefined || column === undefined || column <= start
      ? problem
      : { ...problem, column: column - 1 };
  };
  try {
    const rewritten = sources.map(rewrite);
    moved = new Map(rewritten.map((each) => [each.source.file, each.moved]));
    const files = rewritten.map(({ source }) => source);
    const kinds = rewritten.flatMap((each) => each.kinds);
    if (kinds.length > invariantCountMax) throw new EngineError({ code: 'too-many-policies', message: tooMany });
    const { named, problems: nameless } = nameAll(parsePolicies(files), 'annotation');
    const entities = namedInPlace(named, 'invariant').map(inPlace);
    const problems = [
      ...nameless,
      ...validatePolicies(named, schema, files),
      ...[...named].flatMap(unknownAnnotations),
    ].map(inPlace);
    if (problems.some(({ level }) => level === 'error')) return { problems, invariants: [], named: entities };
    const invariants = [...named].map(([id, { file, line, json, annotations }], index) => {
      const description = annotations['description'] ?? '';
      return { id, kind: kinds[index] ?? 'never', description, file, line, policy: json };
    });
    return { problems, invariants, named: entities };
  } catch (error) {
    return { problems: [inPlace(problemOf(error))], invariants: [], named: [] };
  }
}
