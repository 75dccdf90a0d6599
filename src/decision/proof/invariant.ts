import {
  compilePolicySet,
  type DecisionRequest,
  EngineError,
  type LocatedPolicy,
  type PolicyJson,
  type PolicySet,
} from '#decision/engine';
import type { PolicyEncoder } from './encode-policy.ts';
import type { Term } from './meaning.ts';

/**
 * What must be so whatever the facts: `never` is a request allowed that it speaks of, `always` each of them is, and `assume` says what
 * need not be considered. It speaks of a request when the head fits, each `when` is true and no `unless` is; a condition that errors
 * is not true.
 */
export interface Invariant {
  readonly id: string;
  readonly kind: 'never' | 'always' | 'assume';
  readonly description: string;
  readonly file: string;
  readonly line: number;
  /** Head and conditions as those of a policy; its effect means nothing. */
  readonly policy: PolicyJson;
}

/** How gaps name an invariant, which may have the id of a policy. */
export const inInvariant = (id: string): string => `invariant ${id}`;

/** A never or an always: when it speaks of a request. An assumption: when the request need be considered. */
export function encodeInvariant(invariant: Invariant, encoder: PolicyEncoder): Term {
  const { terms } = encoder;
  const scope = encoder.scope(invariant.policy);
  const isAssumption = invariant.kind === 'assume';
  let stated: Term = isAssumption ? terms.true : scope;
  if (scope === terms.false) return isAssumption ? terms.true : terms.false;
  for (const { kind, body } of invariant.policy.conditions) {
    if (stated === terms.false) break;
    const holds = encoder.holds(body, inInvariant(invariant.id));
    stated = terms.and(stated, kind === 'when' ? holds : terms.not(holds));
  }
  return isAssumption ? terms.implies(scope, stated) : stated;
}

/** Asks the engine what the encoder says of an invariant: the same question, answered by evaluation. */
export function evaluateInvariant(invariant: Invariant, set: PolicySet): (request: DecisionRequest) => boolean {
  const part = (conditions: PolicyJson['conditions']): LocatedPolicy => ({
    file: invariant.file,
    line: invariant.line,
    text: '',
    json: { ...invariant.policy, effect: 'permit', conditions },
  });
  const { conditions } = invariant.policy;
  const parts = conditions.map(({ kind, body }, index) => ({
    name: String(index),
    kind,
    policy: part([{ kind: 'when', body }]),
  }));
  const policies = new Map([['head', part([])], ...parts.map(({ name, policy }) => [name, policy] as const)]);
  const compiled = compilePolicySet({ ...set, policies });
  return (request) => {
    const { reasons } = compiled.decide(request);
    const isStated = parts.every(({ name, kind }) => reasons.includes(name) === (kind === 'when'));
    const isInHead = reasons.includes('head');
    return invariant.kind === 'assume' ? !isInHead || isStated : isInHead && isStated;
  };
}

/** Does a door let the request in? With the policies that say so, or that refuse it. */
export function doorOf(
  set: PolicySet,
): (request: DecisionRequest) => { isAllowed: boolean; policies: readonly string[] } {
  const compiled = compilePolicySet(set);
  return (request) => {
    const { decision, reasons, errors } = compiled.decide(request);
    const failed = errors.map(({ id }) => id).filter((id) => set.policies.get(id)?.json.effect === 'forbid');
    const isAllowed = decision === 'allow' && failed.length === 0;
    return { isAllowed, policies: isAllowed || decision === 'deny' ? reasons : failed };
  };
}

/** Runs something over a request that came out of a model; one that does not fit the schema is no example of anything. */
export function replays(request: DecisionRequest, check: (request: DecisionRequest) => boolean): boolean {
  try {
    return check(request);
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}
