import type { DecisionRequest, PolicySet } from '#decision/engine';
import type { Answer, Solver } from './ask.ts';
import { enforcedSet, type PolicyState } from './enforced-set.ts';
import { doorOf, encodeInvariant, evaluateInvariant, type Invariant, inInvariant, replays } from './invariant.ts';
import type { Gap, Term } from './meaning.ts';
import { modelsOf, type RequestModel } from './policy-model.ts';
import { simplify } from './simplify-example.ts';

/** A gap, and where its policy stands. */
export interface LocatedGap extends Gap {
  readonly file: string;
  readonly line: number;
}

/** A request that really is answered so: it was put to the engine. */
export interface Counterexample {
  readonly request: DecisionRequest;
  readonly decision: 'allow' | 'deny';
  /** The policies that decide it; none when nothing permits. */
  readonly policies: readonly string[];
}

export type ProofOutcome =
  /** True of every request and store that fits the schema. `isVacuous`: no request is spoken of at all. */
  | { readonly outcome: 'holds'; readonly isVacuous: boolean }
  | { readonly outcome: 'counterexample'; readonly counterexample: Counterexample }
  | { readonly outcome: 'undecided'; readonly why: string; readonly gaps: readonly LocatedGap[] };

export type ProofResult = Pick<Invariant, 'id' | 'kind' | 'description' | 'file' | 'line'> &
  ProofOutcome & {
    /** Ids of the assumptions of its file: it is shown only where they are true. */
    readonly assumptions: readonly string[];
  };

interface Prepared {
  /** What a door lets in at most, for `never`; at least, for `always`. */
  readonly sets: Readonly<Record<'never' | 'always', { set: PolicySet; models: readonly RequestModel[] }>>;
  readonly invariants: readonly Invariant[];
}

function prepare(
  { set, invariants, states }: { set: PolicySet; invariants: readonly Invariant[]; states: readonly PolicyState[] },
  solver: Solver,
): Prepared {
  const [widest, narrowest] = (['widest', 'narrowest'] as const).map((view) => enforcedSet(set, { states, view }));
  if (widest === undefined || narrowest === undefined || widest === narrowest) {
    const all = { set, models: modelsOf(set, solver) };
    return { sets: { never: all, always: all }, invariants };
  }
  const never = { set: widest, models: modelsOf(widest, solver) };
  return { sets: { never, always: { set: narrowest, models: modelsOf(narrowest, solver) } }, invariants };
}

/**
 * Shows each `never` and `always` for all requests and stores that fit the schema, or gives a request that breaks it, or says why it
 * could do neither. `states`: policies that are not enforced for everybody. `onResult` hears of each as soon as it is decided.
 */
export async function proveInvariants(
  texts: { set: PolicySet; invariants: readonly Invariant[]; states?: readonly PolicyState[] },
  { solver, onResult }: { solver: Solver; onResult?: (result: ProofResult) => void },
): Promise<ProofResult[]> {
  const { invariants } = texts;
  const prepared = prepare({ states: [], ...texts }, solver);
  const results: ProofResult[] = [];
  for (const invariant of invariants) {
    if (invariant.kind === 'assume') continue;
    const { id, kind, description, file, line } = invariant;
    const assumptions = assumptionsOf(invariant, invariants).map((each) => each.id);
    const result = { id, kind, description, file, line, assumptions, ...(await proveOne(invariant, prepared)) };
    results.push(result);
    onResult?.(result);
  }
  return results;
}

const assumptionsOf = (invariant: Invariant, all: readonly Invariant[]) =>
  all.filter(({ kind, file }) => kind === 'assume' && file === invariant.file);

async function proveOne(invariant: Invariant, prepared: Prepared): Promise<ProofOutcome> {
  const { invariants } = prepared;
  const { set, models } = prepared.sets[invariant.kind === 'never' ? 'never' : 'always'];
  const assumptions = assumptionsOf(invariant, invariants);
  let undecided: { why: string; gaps: Gap[] } | undefined;
  let isVacuous = true;
  for (const { encoder, allowed, ask, isImpossible } of models) {
    const { terms } = encoder;
    const spoken: Term[] = [
      encodeInvariant(invariant, encoder),
      ...assumptions.map((each) => encodeInvariant(each, encoder)),
    ];
    const answer = await ask(...spoken, invariant.kind === 'never' ? allowed : terms.not(allowed));
    if (answer.kind === 'impossible') {
      if (isVacuous) isVacuous = await isImpossible(...spoken);
      continue;
    }
    const counterexample = replayed(answer, { invariant, assumptions, set });
    if (counterexample !== undefined) return { outcome: 'counterexample', counterexample };
    undecided ??= { why: whyUndecided(answer), gaps: [] };
    undecided.gaps.push(...answer.gaps);
  }
  if (undecided === undefined) return { outcome: 'holds', isVacuous };
  return { outcome: 'undecided', why: undecided.why, gaps: located(undecided.gaps, { set, invariants }) };
}

function replayed(
  answer: Exclude<Answer, { kind: 'impossible' }>,
  { invariant, assumptions, set }: { invariant: Invariant; assumptions: readonly Invariant[]; set: PolicySet },
): Counterexample | undefined {
  if (answer.kind !== 'possible') return undefined;
  const door = doorOf(set);
  const spoken = [invariant, ...assumptions].map((each) => evaluateInvariant(each, set));
  const isBroken = (request: DecisionRequest) =>
    replays(
      request,
      (each) => spoken.every((says) => says(each)) && door(each).isAllowed === (invariant.kind === 'never'),
    );
  if (!isBroken(answer.example)) return undefined;
  const request = simplify(answer.example, isBroken);
  const { isAllowed, policies } = door(request);
  return { request, decision: isAllowed ? 'allow' : 'deny', policies };
}

/** Why a possible answer that does not stand up in the engine, or none, decides nothing. */
export function whyUndecided(answer: Exclude<Answer, { kind: 'impossible' }>): string {
  if (answer.kind === 'unknown') return answer.why;
  if (answer.gaps.length > 0) return 'a policy has a construct that cannot be put to the solver exactly';
  return 'the solver’s example is not confirmed by the engine; please report this with the policies';
}

function located(
  gaps: readonly Gap[],
  { set, invariants }: { set: PolicySet; invariants: readonly Invariant[] },
): LocatedGap[] {
  const once = new Map(gaps.map((gap) => [`${gap.policy} ${gap.construct}`, gap]));
  return [...once.values()].map((gap) => {
    const place = set.policies.get(gap.policy) ?? invariants.find(({ id }) => inInvariant(id) === gap.policy);
    return { ...gap, file: place?.file ?? '', line: place?.line ?? 1 };
  });
}
