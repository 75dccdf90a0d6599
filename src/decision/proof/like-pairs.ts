import { findWord, type LikeFact, type Work } from './like-words.ts';
import type { Term } from './meaning.ts';
import type { PatternPart } from './term.ts';
import type { SmtScript } from './write-smt.ts';

/** Pairs of patterns of one text that are looked at: those of 300. */
const pairsMax = 45_000;
/** What all of them may cost, and each, as `Work` counts. */
const workMax = 4_000_000;
const pairWorkMax = 50_000;

/**
 * What pairs of patterns of one text exclude: both, or one without the other. Told before the solver chooses, since what it chose shows only one
 * such pair at a time. What is not found here, because that would be too much work, is found when it chose so.
 */
export function factsOfPairs({ likes, never }: SmtScript): string[] {
  const patternsOf = new Map<Term, Map<string, readonly PatternPart[]>>();
  for (const { args, pattern } of likes) {
    for (const subject of args) {
      const own = patternsOf.get(subject) ?? new Map<string, readonly PatternPart[]>();
      patternsOf.set(subject, own.set(JSON.stringify(pattern), pattern));
    }
  }
  const told: string[] = [];
  const work = { left: workMax };
  let pairs = 0;
  for (const [subject, own] of patternsOf) {
    const patterns = [...own.values()];
    for (const [index, one] of patterns.entries()) {
      for (const other of patterns.slice(0, index)) {
        pairs += 1;
        if (pairs > pairsMax || work.left < 0) return told;
        told.push(...excluded([one, other], work).map((facts) => never(facts, [subject])));
      }
    }
  }
  return told;
}

/** What two patterns exclude, as far as a bounded search shows that there is no such text. */
function excluded([one, other]: [LikeFact['pattern'], LikeFact['pattern']], work: Work): LikeFact[][] {
  const own = { left: Math.min(work.left, pairWorkMax) };
  const before = own.left;
  const isNone = (...[isOne, isOther]: [boolean, boolean]) => {
    const facts = [
      { pattern: one, isLike: isOne },
      { pattern: other, isLike: isOther },
    ];
    return findWord(facts, own) === 'none' ? [facts] : [];
  };
  const both = isNone(true, true);
  // Every pattern has a text: where none is of both, each has one without the other.
  const found = both.length > 0 ? both : [...isNone(true, false), ...isNone(false, true)];
  work.left -= before - own.left;
  return found;
}
