import { cedarRequest, factsForQuestion, HierarchyTooLarge, type JudgeInput, judge } from '#decision/administration';
import { EngineError, type PolicySet } from '#decision/engine';
import type { Explanation, Verdict } from '#foundation/model';
import { scopeReasons } from '../reverse/index.ts';
import { explainPolicies } from './explain-policies.ts';
import { nearestPermits } from './nearest-permits.ts';
import { findSmallestChange } from './smallest-change.ts';

/** Permits shown that came near. */
const nearestShownMax = 3;
/** Permits whose conditions say which changes are worth trying. */
const nearestTriedMax = 50;
/** Policies that spoke and are shown in full. */
const spokeMax = 50;

export interface ExplainInput extends JudgeInput {
  /** The policies in force, parsed; they are those of `policies`. */
  readonly set: PolicySet;
}

export interface Explained extends Pick<Explanation, 'principal' | 'spoke' | 'paths' | 'nearest' | 'change'> {
  readonly verdict: Verdict;
}

/**
 * Explains the answer that judge() gives: what spoke and why, what came near, and the least that would turn it. A generator that
 * pauses between hypothetical questions; it is bounded by itself.
 */
export function* explain(input: ExplainInput): Generator<undefined, Explained> {
  const { set, view, policies } = input;
  const verdict = judge(input);
  const nothing = { verdict, principal: null, spoke: [], paths: [], nearest: [], change: null };
  try {
    const facts = factsForQuestion(view, input);
    if (facts === null || policies === null) return nothing;
    const request = cedarRequest(facts);
    const ids = [...new Set([...verdict.reasons, ...verdict.errors.map(({ id }) => id)])].slice(0, spokeMax);
    const spoke = explainPolicies(set, { ids, request });
    const paths = scopeReasons(view, {
      set,
      policies: verdict.reasons.slice(0, spokeMax),
      principal: facts.principal,
      resource: facts.resource,
    });
    yield;
    const isForbidden = spoke.some(({ effect, outcome }) => effect === 'forbid' && outcome !== 'unsatisfied');
    const near = verdict.answer === 'allow' ? [] : nearestPermits(set, { request, max: nearestTriedMax }).permits;
    yield;
    // An allowed question may be turned by any forbid; those are few beside permits.
    const forbids = [...set.policies].flatMap(([id, { json }]) => (json.effect === 'forbid' ? [id] : []));
    const tried = [...ids, ...near.map(({ id }) => id), ...forbids];
    const change = yield* findSmallestChange(input, { facts, set, policies: tried });
    const nearest = isForbidden ? [] : near.slice(0, nearestShownMax);
    return { verdict, principal: facts.principal, spoke, paths, nearest, change };
  } catch (error) {
    if (error instanceof EngineError || error instanceof HierarchyTooLarge) return nothing;
    throw error;
  }
}

/** Runs a generator that pauses to its end, in one go. */
export function withoutPauses<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
