import { type Facts, HierarchyTooLarge, type JudgeInput } from '#decision/administration';
import type { PolicySet } from '#decision/engine';
import type { SmallestChange } from '#foundation/model';
import { candidateChanges, mentionsOf } from './candidate-changes.ts';
import { type FactChange, judgeWorld, type World, worldOf } from './world.ts';

/** Changes put together at most. */
export const changesTogetherMax = 3;
/** Hypothetical questions asked at most. */
export const questionsMax = 8_000;
/** Answers of the same length that are given. */
const alternativesMax = 5;

interface Tried {
  readonly world: World;
  readonly changes: readonly FactChange[];
  /** Place of the last change among the candidates, so that no set is tried twice. */
  readonly last: number;
}

/**
 * Finds the fewest changes of facts that turn an answer, by asking again in worlds that might be: first every change alone, then two
 * together, then three. A generator that pauses after each question, so that whoever runs it can do other things meanwhile.
 * `policies` are those whose conditions say which changes are worth trying.
 */
export function* findSmallestChange(
  input: JudgeInput,
  { facts, set, policies }: { facts: Facts; set: Pick<PolicySet, 'policies'>; policies: Iterable<string> },
): Generator<undefined, SmallestChange> {
  const { view } = input;
  const start = worldOf(facts, view);
  let asked = 0;
  const isAllowed = (world: World) => {
    asked += 1;
    try {
      return judgeWorld(input, { facts, world }).answer === 'allow';
    } catch (error) {
      if (error instanceof HierarchyTooLarge) return false;
      throw error;
    }
  };
  const turnsTo = isAllowed(start) ? 'deny' : 'allow';
  const { changes, isComplete } = candidateChanges(facts, { world: start, mentions: mentionsOf(set, policies), view });
  let level: readonly Tried[] = [{ world: start, changes: [], last: -1 }];
  for (let together = 1; together <= changesTogetherMax; together += 1) {
    const found: (readonly FactChange[])[] = [];
    const next: Tried[] = [];
    for (const tried of level) {
      for (const [place, each] of changes.entries()) {
        // Candidates come in the order in which one makes another possible: signing in before joining a group.
        if (place <= tried.last) continue;
        const world = each.apply(tried.world);
        if (world === tried.world) continue;
        if (asked >= questionsMax) return { turnsTo, alternatives: wordsOf(found), isSmallest: false, asked };
        const all = [...tried.changes, each];
        if (isAllowed(world) === (turnsTo === 'allow')) found.push(all);
        else next.push({ world, changes: all, last: place });
        yield;
      }
    }
    if (found.length > 0) return { turnsTo, alternatives: wordsOf(found), isSmallest: isComplete, asked };
    level = next;
  }
  return { turnsTo, alternatives: [], isSmallest: false, asked };
}

function wordsOf(found: readonly (readonly FactChange[])[]): SmallestChange['alternatives'] {
  return found.slice(0, alternativesMax).map((all) => all.map(({ kind, words }) => ({ kind, words })));
}
