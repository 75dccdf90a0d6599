import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Solver } from '#decision/proof';

/**
 * What the solver said of questions before, by their hashes. A question is its whole text in SMT-LIB, so its answer is a fact of logic that no
 * change of policies, schema or encoder makes untrue: another question has another hash. Time that ran out is no answer and never stands here.
 */
export interface KnownAnswers {
  readonly sat: readonly string[];
  readonly unsat: readonly string[];
}

/** A solver with a memory; `learned` is what it was asked for the first time. */
export type RememberingSolver = Solver & { readonly learned: { readonly sat: string[]; readonly unsat: string[] } };

const { version } = createRequire(import.meta.url)('z3-solver/package.json') as { version: string };

/** Another version of the solver is asked again: what it mends may have been an answer. */
const hashOf = (script: string) => createHash('sha256').update(`z3-solver ${version}\n${script}`).digest('base64url');

/** Asks `start`'s solver only what is not known, and starts it only for that. An example is always the solver's own. */
export function rememberingSolver(start: () => Promise<Solver>, known: KnownAnswers): RememberingSolver {
  const answers = new Map<string, 'sat' | 'unsat'>([
    ...known.sat.map((hash) => [hash, 'sat'] as const),
    ...known.unsat.map((hash) => [hash, 'unsat'] as const),
  ]);
  const learned = { sat: [] as string[], unsat: [] as string[] };
  let started: Promise<Solver> | undefined;
  let solver: Solver | undefined;
  /** Answered from memory: the solver has not seen it. */
  let unseen: { script: string; isMore: boolean } | undefined;
  /** Learned by the check before. */
  let last: { answer: 'sat' | 'unsat'; hash: string } | undefined;

  async function put({ script, isMore }: { script: string; isMore: boolean }) {
    started ??= start();
    solver = await started;
    const answer = await solver.check(script, isMore);
    unseen = undefined;
    return answer;
  }

  /** A question that goes on was not answered: only where it ends is worth remembering. */
  function unlearn() {
    if (last === undefined) return;
    answers.delete(last.hash);
    learned[last.answer].pop();
  }

  return {
    learned,
    check: async (script, isMore = false) => {
      if (isMore) unlearn();
      last = undefined;
      const hash = hashOf(script);
      const before = answers.get(hash);
      if (before !== undefined) {
        unseen = { script, isMore };
        return before;
      }
      const answer = await put({ script, isMore });
      if (answer === 'unknown') return answer;
      answers.set(hash, answer);
      learned[answer].push(hash);
      last = { answer, hash };
      return answer;
    },
    isLate: () => solver?.isLate() === true,
    values: async (names) => {
      if (unseen !== undefined && (await put(unseen)) !== 'sat') return 'unknown';
      if (started === undefined) throw new Error('values of a question that was not asked');
      return await (await started).values(names);
    },
  };
}
