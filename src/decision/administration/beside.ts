import {
  type CompiledPolicies,
  compilePolicySet,
  type DecisionRequest,
  EngineError,
  type EntityStore,
  type PolicySet,
} from '#decision/engine';
import { type Decision, type PolicyStates, policyStatesSchema, type ShadowEffect } from '#foundation/model';
import { isStagedFor, type StageSubject } from './stage.ts';

/** The policies that are not enforced for everyone, apart from those that are. */
export interface Beside {
  readonly states: ReadonlyMap<string, PolicyStates[number]>;
  /** By effect, because a decision names the satisfied ones of one effect only. */
  readonly permits: CompiledPolicies;
  readonly forbids: CompiledPolicies;
}

/** Shadow effects told of one decision. */
export const shadowEffectsMax = 20;

/** Compiles what stands beside the enforced policies. Throws EngineError for a state that is not known, given twice, or for no policy. */
export function compileBeside(
  set: PolicySet,
  { states, store }: { states: PolicyStates; store?: EntityStore },
): Beside {
  const refuse = (message: string) => new EngineError({ code: 'invalid-parsed-form', message });
  // Whoever gave us the publication should have; a state that is not understood must not pass for another.
  if (!policyStatesSchema.safeParse(states).success) throw refuse('a policy has a state that is not known');
  const byId = new Map(states.map((each) => [each.id, each]));
  if (byId.size < states.length) throw refuse('a policy has two states');
  const stray = states.find(({ id }) => !set.policies.has(id));
  if (stray !== undefined) throw refuse(`\`${stray.id}\` has a state, but is no policy of this set`);
  const ofEffect = (effect: 'permit' | 'forbid') =>
    compilePolicySet(
      {
        ...set,
        policies: new Map([...set.policies].filter(([id, { json }]) => byId.has(id) && json.effect === effect)),
      },
      store === undefined ? {} : { store },
    );
  return { states: byId, permits: ofEffect('permit'), forbids: ofEffect('forbid') };
}

interface Spoken {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** Its error; undefined when it was satisfied. */
  readonly error: string | undefined;
}

function spokenIn(
  compiled: CompiledPolicies,
  { effect, request }: { effect: Spoken['effect']; request: DecisionRequest },
): Spoken[] {
  const { reasons, errors } = compiled.decide(request);
  return [
    ...reasons.map((id) => ({ id, effect, error: undefined })),
    ...errors.map(({ id, message }) => ({ id, effect, error: message })),
  ];
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Adds the staged policies that are in force here to the decision of the enforced ones: Cedar's decision of both together. */
function join(enforced: Decision, applied: readonly Spoken[]): Decision {
  const satisfied = (effect: Spoken['effect']) =>
    applied.filter((each) => each.effect === effect && each.error === undefined).map(({ id }) => id);
  const forbids = [...(enforced.decision === 'deny' ? enforced.reasons : []), ...satisfied('forbid')];
  const permits = [...(enforced.decision === 'allow' ? enforced.reasons : []), ...satisfied('permit')];
  const errors = [
    ...enforced.errors,
    ...applied.flatMap(({ id, error }) => (error === undefined ? [] : [{ id, message: error }])),
  ];
  return {
    decision: forbids.length === 0 && permits.length > 0 ? 'allow' : 'deny',
    reasons: (forbids.length > 0 ? forbids : permits).sort(byText),
    errors: errors.sort((a, b) => byText(a.id, b.id)),
  };
}

/** What one policy would have made of a door's answer, had it been in force; undefined: the same. */
function turned(
  spoken: Spoken,
  { decision, forbidErrored }: { decision: Decision; forbidErrored: boolean },
): ShadowEffect | undefined {
  const isOpen = decision.decision === 'allow' && !forbidErrored;
  if (spoken.effect === 'forbid') {
    if (!isOpen) return undefined;
    return { policy: spoken.id, answer: spoken.error === undefined ? 'deny' : 'indeterminate' };
  }
  const nobodySpoke = decision.decision === 'deny' && decision.reasons.length === 0 && !forbidErrored;
  return nobodySpoke && spoken.error === undefined ? { policy: spoken.id, answer: 'allow' } : undefined;
}

/**
 * Decides with what stands beside: staged policies count where they are in force; the others are evaluated all the same, and what each
 * of them alone would have changed at a door is told.
 */
export function decideBeside(
  beside: Beside,
  asked: {
    readonly enforced: Decision;
    readonly request: DecisionRequest;
    readonly subject: StageSubject;
    readonly isForbid: (id: string) => boolean;
  },
): { decision: Decision; shadow: readonly ShadowEffect[] } {
  const { enforced, request, subject, isForbid } = asked;
  const spoken = [
    ...spokenIn(beside.permits, { effect: 'permit', request }),
    ...spokenIn(beside.forbids, { effect: 'forbid', request }),
  ];
  const isApplied = ({ id }: Spoken) => {
    const state = beside.states.get(id);
    return state?.state === 'staged' && isStagedFor(state.stage, { policy: id, subject });
  };
  const decision = join(enforced, spoken.filter(isApplied));
  const forbidErrored = decision.errors.some(({ id }) => isForbid(id));
  const shadow = spoken
    .filter((each) => !isApplied(each))
    .flatMap((each) => turned(each, { decision, forbidErrored }) ?? [])
    .slice(0, shadowEffectsMax);
  return { decision, shadow };
}
