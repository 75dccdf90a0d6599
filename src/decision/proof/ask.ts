import type { DecisionRequest } from '#decision/engine';
import type { SchemaModel } from './cedar-type.ts';
import type { RequestType } from './environments.ts';
import { hypothesesFor, TooLarge } from './hypotheses.ts';
import type { Gap, Term, Terms } from './meaning.ts';
import { readValues, SolverError } from './read-answer.ts';
import { readModel } from './read-model.ts';
import { checkWithWords } from './words-of-model.ts';
import { subterms, UnwritableText, writeSmt } from './write-smt.ts';

/** An SMT solver that reads SMT-LIB 2. Only `unsat` and `sat` are answers; whatever else it says is `unknown`. */
export interface Solver {
  /** Forgets everything before, then takes these declarations and assertions. `isMore`: of the question before, whose time goes on. */
  check(script: string, isMore?: boolean): Promise<'sat' | 'unsat' | 'unknown'>;
  /** Is the time of the question that was checked over? */
  isLate(): boolean;
  /** After `sat`: the answer to `(get-value …)`. */
  values(names: readonly string[]): Promise<string>;
}

/** Can it be? `gaps`: what in the question stands for constructs that could not be encoded. */
export type Answer =
  | { readonly kind: 'impossible' }
  | { readonly kind: 'possible'; readonly example: DecisionRequest; readonly gaps: readonly Gap[] }
  | { readonly kind: 'unknown'; readonly why: string; readonly gaps: readonly Gap[] };

/** What a question is asked about. */
export interface Setting {
  readonly schema: SchemaModel;
  readonly request: RequestType;
  readonly terms: Terms;
  readonly solver: Solver;
}

/** Is there a request and a store, fitting the schema, under which all of these are true? */
export async function ask(goals: readonly Term[], setting: Setting): Promise<Answer> {
  const { schema, request, terms, solver } = setting;
  const goal = terms.and(...goals);
  if (goal === terms.false) return { kind: 'impossible' };
  const gaps = gapsOf(goal);
  try {
    const { answer, script, assertions, words } = await check(goal, setting);
    if (answer === 'unsat') return { kind: 'impossible' };
    if (answer === 'unknown') return { kind: 'unknown', why: whyUnknown(assertions), gaps };
    const values = readValues(await solver.values(script.asked.map(script.nameOf)), script.asked);
    return { kind: 'possible', example: readModel(values, { schema, request, words }), gaps };
  } catch (error) {
    if (isUnanswerable(error)) return { kind: 'unknown', why: error.message, gaps };
    throw error;
  }
}

/** Is there shown to be none? As `ask`, for whoever needs no example. */
export async function isImpossible(goals: readonly Term[], setting: Setting): Promise<boolean> {
  const { terms } = setting;
  const goal = terms.and(...goals);
  if (goal === terms.false) return true;
  try {
    return (await check(goal, setting)).answer === 'unsat';
  } catch (error) {
    if (isUnanswerable(error)) return false;
    throw error;
  }
}

async function check(goal: Term, { schema, request, terms, solver }: Setting) {
  const assertions = [goal, ...hypothesesFor([goal], { schema, request, terms })];
  const script = writeSmt(assertions);
  return { ...(await checkWithWords(script, solver)), script, assertions };
}

const isUnanswerable = (error: unknown): error is Error =>
  error instanceof TooLarge || error instanceof UnwritableText || error instanceof SolverError;

function gapsOf(goal: Term): Gap[] {
  const gaps = new Map<string, Gap>();
  for (const term of subterms([goal])) {
    if (term.op !== 'apply' || term.symbol.meaning.kind !== 'gap') continue;
    const { gap } = term.symbol.meaning;
    gaps.set(`${gap.policy} ${gap.construct}`, gap);
  }
  return [...gaps.values()];
}

/** What solvers find hardest, so that the author knows what to write differently. */
function whyUnknown(assertions: readonly Term[]): string {
  const all = subterms(assertions);
  const hasProduct = all.some(({ op }) => op === '*');
  const hasLike = all.some(({ op }) => op === 'like');
  const suspects = [hasProduct ? 'a product of two unknown numbers' : '', hasLike ? '`like`' : ''].filter(Boolean);
  const hint = suspects.length === 0 ? '' : `; the question has ${suspects.join(' and ')}`;
  return `the solver found no answer within its time and memory${hint}`;
}
