import type { PolicySet } from '#decision/engine';

/** A policy that is not enforced for everybody; one without a state is. */
export interface PolicyState {
  readonly id: string;
  readonly state: 'shadow' | 'staged';
}

/**
 * The set as a door may judge by it. Policies in shadow decide nothing. A staged one decides for some subjects only, so it counts where that
 * makes a claim harder to prove: for `widest` its permits count and its forbids do not, for `narrowest` the other way round.
 */
export function enforcedSet(
  set: PolicySet,
  { states, view }: { states: readonly PolicyState[]; view: 'widest' | 'narrowest' },
): PolicySet {
  if (states.length === 0) return set;
  const byId = new Map(states.map(({ id, state }) => [id, state]));
  const counting = view === 'widest' ? 'permit' : 'forbid';
  const policies = [...set.policies].filter(([id, { json }]) => {
    const state = byId.get(id);
    return state === undefined || (state === 'staged' && json.effect === counting);
  });
  return { ...set, policies: new Map(policies) };
}

/** The set with its staged policies for everybody: what it is on the way to be. */
export function withoutShadow(set: PolicySet, states: readonly PolicyState[]): PolicySet {
  const shadow = new Set(states.filter(({ state }) => state === 'shadow').map(({ id }) => id));
  return { ...set, policies: new Map([...set.policies].filter(([id]) => !shadow.has(id))) };
}
