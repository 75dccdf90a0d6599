import type { Solver } from './ask.ts';
import { factsOfPairs } from './like-pairs.ts';
import { contradiction, exactly, findWord, type LikeFact, type Work, workMax } from './like-words.ts';
import { readValues, type SolverValue } from './read-answer.ts';
import type { SmtScript } from './write-smt.ts';

/** So often the solver is told what patterns rule out. */
const roundsMax = 500;

interface Checked {
  readonly answer: 'sat' | 'unsat' | 'unknown';
  /** After `sat`: texts for the values that are put to patterns. */
  readonly words: ReadonlyMap<SolverValue, string>;
}

/**
 * Asks the solver, to which patterns are properties like any other and of which it is told what pairs exclude: what it finds impossible is so.
 * What it finds possible stands when there is a text for every value that it chose; else it is told which properties no text has together, and
 * asked again, as long as the question's time lasts.
 */
export async function checkWithWords(script: SmtScript, solver: Solver): Promise<Checked> {
  const none = new Map<SolverValue, string>();
  const work = { left: workMax, isLate: () => solver.isLate() };
  let text = [script.text, ...factsOfPairs(script)].join('\n');
  for (let round = 0; round < roundsMax; round += 1) {
    const answer = await solver.check(text, round > 0);
    if (answer !== 'sat' || script.likes.length === 0) return { answer, words: none };
    const values = readValues(await solver.values(script.asked.map(script.nameOf)), script.asked);
    const found = wordsOf(script, { values, work });
    if ('words' in found) return { answer, words: found.words };
    if (found.impossible.length === 0) break;
    text = `${text}\n${script.never(found.impossible)}`;
  }
  return { answer: 'unknown', words: none };
}

/** A text for each value, all of them different; or what no text can be, which is nothing when that is not known. */
function wordsOf(
  { likes, asked }: SmtScript,
  { values, work }: { values: ReadonlyMap<SmtScript['asked'][number], SolverValue>; work: Work },
): { words: ReadonlyMap<SolverValue, string> } | { impossible: readonly LikeFact[] } {
  const taken = new Map<SolverValue, string>();
  for (const term of asked) {
    const value = values.get(term);
    if (term.op === 'text' && value !== undefined) taken.set(value, term.value);
  }
  const facts = new Map<SolverValue, LikeFact[]>();
  for (const like of likes) {
    const [subject] = like.args;
    const value = subject && values.get(subject);
    // What the question says of its own texts the solver was told.
    if (value === undefined || taken.has(value)) continue;
    facts.set(value, [...(facts.get(value) ?? []), { pattern: like.pattern, isLike: values.get(like) === true }]);
  }
  for (const [value, own] of facts) {
    const others = [...taken.values()].map((each) => ({ pattern: exactly(each), isLike: false }));
    const found = findWord([...own, ...others], work);
    if (typeof found !== 'string') taken.set(value, found.word);
    else return { impossible: found === 'none' && findWord(own, work) === 'none' ? contradiction(own, work) : [] };
  }
  return { words: taken };
}
