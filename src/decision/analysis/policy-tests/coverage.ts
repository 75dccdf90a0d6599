import type { DecisionTrace, ExpressionTrace, LocatedPolicy, PolicySet } from '#decision/engine';
import { conditionsOf, pathKey } from './conditions.ts';

/** What no test showed. */
export interface Gap {
  /** `policy`: it never decided nor helped to decide; `clause`: a whole `when` or `unless`; `condition`: a part of one. */
  readonly kind: 'policy' | 'clause' | 'condition';
  /** `when` or `unless`; null for policies. */
  readonly clause: 'when' | 'unless' | null;
  /** The condition in Cedar; empty for policies. */
  readonly text: string;
  /** Outcomes that never were. */
  readonly never: readonly ('true' | 'false' | 'satisfied')[];
}

export interface PolicyCoverage {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly effect: 'permit' | 'forbid';
  /** Outcomes there are and outcomes that tests showed. */
  readonly outcomes: number;
  readonly shown: number;
  readonly gaps: readonly Gap[];
}

export interface Coverage {
  /** Whole percent of all outcomes, rounded down; 100 when there is nothing to show. */
  readonly percent: number;
  readonly outcomes: number;
  readonly shown: number;
  readonly policies: readonly PolicyCoverage[];
}

interface Seen {
  isSatisfied: boolean;
  /** Keys of the paths of expressions that were true, and of those that were false. */
  readonly true: Set<string>;
  readonly false: Set<string>;
}

/** Gathers what tests show of policies: each policy satisfied once, each condition true once and false once. */
export class CoverageTally {
  readonly #policies: PolicySet['policies'];
  readonly #seen = new Map<string, Seen>();

  constructor({ policies }: Pick<PolicySet, 'policies'>) {
    this.#policies = policies;
    for (const id of policies.keys()) this.#seen.set(id, { isSatisfied: false, true: new Set(), false: new Set() });
  }

  add({ policies }: DecisionTrace): void {
    for (const { id, outcome, conditions } of policies) {
      const seen = this.#seen.get(id);
      if (seen === undefined) continue;
      if (outcome === 'satisfied') seen.isSatisfied = true;
      for (const { trace } of conditions) note(trace, seen);
    }
  }

  report(): Coverage {
    const policies = [...this.#policies].map(([id, policy]) => this.#ofPolicy(id, policy));
    const sum = (key: 'outcomes' | 'shown') => policies.reduce((total, each) => total + each[key], 0);
    const [outcomes, shown] = [sum('outcomes'), sum('shown')];
    return { percent: outcomes === 0 ? 100 : Math.floor((shown * 100) / outcomes), outcomes, shown, policies };
  }

  #ofPolicy(id: string, { file, line, json }: LocatedPolicy): PolicyCoverage {
    const seen = this.#seen.get(id);
    const gaps: Gap[] = [];
    let [outcomes, shown] = [1, 1];
    if (seen?.isSatisfied !== true) {
      shown = 0;
      gaps.push({ kind: 'policy', clause: null, text: '', never: ['satisfied'] });
    }
    for (const { clause, isWhole, text, key } of conditionsOf(json)) {
      const never = (['true', 'false'] as const).filter((outcome) => seen?.[outcome].has(key) !== true);
      outcomes += 2;
      shown += 2 - never.length;
      if (never.length > 0) gaps.push({ kind: isWhole ? 'clause' : 'condition', clause, text, never });
    }
    return { id, file, line, effect: json.effect, outcomes, shown, gaps };
  }
}

/** An error is no outcome: what errors was neither true nor false. */
function note({ path, result, parts }: ExpressionTrace, seen: Seen): void {
  if ('value' in result && typeof result.value === 'boolean') seen[result.value ? 'true' : 'false'].add(pathKey(path));
  for (const part of parts) note(part, seen);
}
