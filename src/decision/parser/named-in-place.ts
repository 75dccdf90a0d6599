import { entityLiterals } from '#decision/engine';
import type { EntityUid } from '#foundation/model';
import type { ParsedPolicy } from './parse-policies.ts';

/** An entity that a policy or an invariant names, where it does so first. */
export interface NamedEntity {
  readonly uid: EntityUid;
  readonly by: 'policy' | 'invariant';
  /** `@id` of what names it. */
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** All policies of a set may name this many, each counted once a policy: past it the rest is not told. */
export const namedCountMax = 20_000;

// Comments and strings are taken whole, so that nothing in them looks like an entity.
const tokens = /\/\/[^\n\r]*|"(?:[^"\\]|\\[\s\S])*"|[A-Za-z_][A-Za-z0-9_]*|::|[^\s]/g;
const escapes = /\\(?:u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|([\s\S]))/g;
const plain: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

/** What a string literal of Cedar stands for. */
function unescaped(literal: string): string {
  return literal.slice(1, -1).replace(escapes, (_whole, long?: string, short?: string, one?: string) => {
    const code = long ?? short;
    return code === undefined ? (plain[one ?? ''] ?? one ?? '') : String.fromCodePoint(Number.parseInt(code, 16));
  });
}

const keyOf = ({ type, id }: EntityUid) => JSON.stringify([type, id]);

/** Line and column, from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where the text of one policy, which Cedar's parser has accepted, writes entities first. Which it names, the parsed policy says. */
function placesIn(policy: string): Map<string, Place> {
  const found = new Map<string, Place>();
  // Each line is counted once, however many entities stand behind it.
  let line = 1;
  let lineStart = 0;
  const placeOf = (offset: number): Place => {
    for (let end = policy.indexOf('\n', lineStart); end >= 0 && end < offset; end = policy.indexOf('\n', lineStart)) {
      line += 1;
      lineStart = end + 1;
    }
    return { line, column: offset - lineStart + 1 };
  };
  let path = '';
  let start = 0;
  for (const { 0: token, index } of policy.matchAll(tokens)) {
    if (token.startsWith('//')) continue;
    const isInside = path.endsWith('::');
    if (/^[A-Za-z_]/.test(token)) {
      if (!isInside) start = index;
      path = isInside ? path + token : token;
    } else if (token === '::') path += token;
    else {
      const key = token.startsWith('"') && isInside ? keyOf({ type: path.slice(0, -2), id: unescaped(token) }) : '';
      if (key !== '' && !found.has(key)) found.set(key, placeOf(start));
      path = '';
    }
  }
  return found;
}

/** The entities that policies name, each once a policy, with its place; where the text does not show it, that of the policy. */
export function namedInPlace(named: ReadonlyMap<string, ParsedPolicy>, by: NamedEntity['by']): NamedEntity[] {
  const entities: NamedEntity[] = [];
  for (const [id, policy] of named) {
    const uids = entityLiterals(policy.json);
    if (uids.length === 0) continue;
    const places = placesIn(policy.text);
    for (const uid of uids) {
      if (entities.length >= namedCountMax) return entities;
      const within = places.get(keyOf(uid)) ?? { line: 1, column: 1 };
      const line = policy.line + within.line - 1;
      const column = within.line === 1 ? policy.column + within.column - 1 : within.column;
      entities.push({ uid, by, id, file: policy.file, line, column });
    }
  }
  return entities;
}
