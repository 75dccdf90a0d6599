import type { PatternPart } from './term.ts';

/** Does a text match a pattern, or not? */
export interface LikeFact {
  readonly pattern: readonly PatternPart[];
  readonly isLike: boolean;
}

/** The pattern that is this text and no other. */
export const exactly = (text: string): readonly PatternPart[] => [{ Literal: text }];

const wildcard = -1;

/** Characters one by one, as Cedar reads them; two wildcards in a row are one. */
function tokensOf(pattern: readonly PatternPart[]): readonly number[] {
  const tokens: number[] = [];
  for (const part of pattern) {
    if (part === 'Wildcard') {
      if (tokens.at(-1) !== wildcard) tokens.push(wildcard);
    } else for (const character of part.Literal) tokens.push(character.codePointAt(0) ?? 0);
  }
  return tokens;
}

/** Places in a pattern where a reader of a text may stand; ascending. */
type Places = readonly number[];

/** What is before the last wildcard that was reached can be forgotten: it matches whatever those would. */
function settled(tokens: readonly number[], places: ReadonlySet<number>): Places {
  const all = new Set(places);
  for (const at of places) if (tokens[at] === wildcard) all.add(at + 1);
  const last = Math.max(-1, ...[...all].filter((at) => tokens[at] === wildcard));
  return [...all].filter((at) => at >= last).sort((a, b) => a - b);
}

function step(tokens: readonly number[], { places, point }: { places: Places; point: number }): Places {
  const next = new Set<number>();
  for (const at of places) {
    if (tokens[at] === wildcard) next.add(at);
    else if (tokens[at] === point) next.add(at + 1);
  }
  return settled(tokens, next);
}

const isEnd = (tokens: readonly number[], places: Places) => places.includes(tokens.length);
/** Does it match, whatever follows? */
const isForGood = (tokens: readonly number[], places: Places) =>
  tokens.at(-1) === wildcard && places.includes(tokens.length - 1);

/** States that are looked at in one search. */
const statesMax = 20_000;

/** What all searches of one question may cost, in steps from one place of a pattern by one character: some seconds. */
export interface Work {
  left: number;
  /** Is there no time for more? */
  readonly isLate?: () => boolean;
}
export const workMax = 40_000_000;
const isSpent = (work: Work) => work.left < 0 || work.isLate?.() === true;
const plain = [...'xyzabcdefghijklmnopqrstuvw0123456789'].map((each) => each.codePointAt(0) ?? 0);

/** Every character that a pattern names, and one that none does: all others are like it. */
function alphabetOf(patterns: readonly (readonly number[])[]): readonly number[] {
  const named = new Set(patterns.flat().filter((token) => token !== wildcard));
  let other = plain.find((point) => !named.has(point)) ?? 0x4e00;
  while (named.has(other)) other += 1;
  return [other, ...named];
}

/**
 * A shortest text of which all of this is so: `none` when there is none, `unknown` when too much would have to be looked at. Goes through the
 * texts by the places they reach in all patterns at once.
 */
export function findWord(
  facts: readonly LikeFact[],
  work: Work = { left: workMax },
): { readonly word: string } | 'none' | 'unknown' {
  if (isSpent(work)) return 'unknown';
  const patterns = facts.map(({ pattern }) => tokensOf(pattern));
  for (const { length } of patterns) work.left -= length;
  const alphabet = alphabetOf(patterns);
  const isHopeless = (state: readonly Places[]) =>
    state.some((places, index) => {
      const tokens = patterns[index] ?? [];
      return facts[index]?.isLike === true ? places.length === 0 : isForGood(tokens, places);
    });
  const isFound = (state: readonly Places[]) =>
    state.every((places, index) => isEnd(patterns[index] ?? [], places) === facts[index]?.isLike);
  const start = patterns.map((tokens) => settled(tokens, new Set([0])));
  if (isHopeless(start)) return 'none';
  const seen = new Set([start.join(';')]);
  const queue: { state: readonly Places[]; from: number; point: number }[] = [{ state: start, from: -1, point: 0 }];
  for (let at = 0; at < queue.length; at += 1) {
    const here = queue[at];
    if (here === undefined) break;
    if (isFound(here.state)) return { word: wordTo(queue, at) };
    for (const places of here.state) work.left -= alphabet.length * Math.max(1, places.length);
    if (isSpent(work)) return 'unknown';
    for (const point of alphabet) {
      const state = here.state.map((places, index) => step(patterns[index] ?? [], { places, point }));
      const key = state.join(';');
      if (seen.has(key) || isHopeless(state)) continue;
      if (seen.size >= statesMax) return 'unknown';
      seen.add(key);
      queue.push({ state, from: at, point });
    }
  }
  return 'none';
}

function wordTo(queue: readonly { from: number; point: number }[], end: number): string {
  const points: number[] = [];
  for (let at = end; at > 0; at = queue[at]?.from ?? 0) points.push(queue[at]?.point ?? 0);
  return String.fromCodePoint(...points.reverse());
}

/** As few of these facts as cannot all be so of one text, of facts that cannot: each of them is needed, unless the work was too much. */
export function contradiction(facts: readonly LikeFact[], work: Work = { left: workMax }): readonly LikeFact[] {
  let core = facts;
  for (const fact of facts) {
    const rest = core.filter((each) => each !== fact);
    if (findWord(rest, work) === 'none') core = rest;
  }
  return core;
}
