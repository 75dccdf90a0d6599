import type { GateProgress, PolicyStates } from '#foundation/model';
import { invariantCheckOf, ProverError } from '#shell/prover';
import type { TestedPolicies } from './policy-parser/policy-parser.ts';
import type { Proofs } from './proofs/proofs.ts';

type Text = { readonly file: string; readonly text: string };

/** A gate that a policy set did not pass. */
export interface FailedGate {
  /** `kept-checks`: tests and invariants that stood before stand still. */
  readonly gate: 'kept-checks' | 'tests' | 'invariants';
  /** What failed, one sentence each, with its place. */
  readonly words: readonly string[];
}

/** Who waits for the gates. */
export interface GateWatch {
  readonly onProgress?: ((progress: GateProgress) => void) | undefined;
  /** Calls proofs off. */
  readonly signal?: AbortSignal | undefined;
}

/** Proves invariants of a policy set for all requests; `words` names each that does not hold or was not decided. */
export type InvariantCheck = (
  set: {
    readonly schema: string;
    readonly policies: readonly Text[];
    readonly invariants: readonly Text[];
    /** Policies in shadow or staged: what is not enforced for everybody guards nobody. */
    readonly states: PolicyStates;
  },
  watch?: GateWatch,
) => Promise<{ readonly ok: boolean; readonly words: readonly string[] }>;

/** For one question to the solver, and for all of a set: somebody waits for the answer. */
const proofLimits = { checkMsMax: 20_000, taskMsMax: 100_000 };

/** The gate of invariants. Without an answer it stays closed. */
export function gateOfInvariants(proofs: Proofs): InvariantCheck {
  return async (set, { onProgress: tell, signal } = {}) => {
    const onProgress = ({ done, total, what }: Omit<GateProgress, 'step'>) =>
      tell?.({ step: 'invariants', done, total, what });
    try {
      return invariantCheckOf(await proofs.prove(set, { ...proofLimits, teaches: true, onProgress, signal }));
    } catch (error) {
      if (!(error instanceof ProverError)) throw error;
      return { ok: false, words: [`the invariants could not be checked: ${error.message}`] };
    }
  };
}

/** Sentences told of one gate. */
const gateWordsMax = 50;

/** A policy set that is valid but does not pass a gate. It can be published by whoever may override, with a reason. */
export class GateError extends Error {
  readonly gates: readonly FailedGate[];
  constructor(gates: readonly FailedGate[]) {
    const [first] = gates;
    super(`a gate is closed (${gates.map(({ gate }) => gate).join(', ')}): ${first?.words[0] ?? ''}`);
    this.name = 'GateError';
    this.gates = gates;
  }
}

interface GatedSet extends GateWatch {
  readonly tested: TestedPolicies | undefined;
  /** Tests and invariants that are dropped, a sentence each. */
  readonly dropped: readonly string[];
  readonly check: InvariantCheck | undefined;
  readonly schema: string;
  readonly policies: readonly Text[];
  readonly invariants: readonly Text[];
  readonly states: PolicyStates;
}

/** The gates that a valid policy set does not pass. */
export async function failedGates(set: GatedSet): Promise<FailedGate[]> {
  const failed: FailedGate[] = [];
  const { tested, dropped, check, schema, policies, invariants, states, onProgress, signal } = set;
  if (dropped.length > 0) failed.push({ gate: 'kept-checks', words: dropped.slice(0, gateWordsMax) });
  const testWords = tested === undefined ? [] : failuresOf(tested);
  if (testWords.length > 0) failed.push({ gate: 'tests', words: testWords.slice(0, gateWordsMax) });
  if (check !== undefined && invariants.length > 0) {
    onProgress?.({ step: 'invariants', done: 0, total: 0, what: '' });
    const { ok, words } = await check({ schema, policies, invariants, states }, { onProgress, signal });
    if (!ok) failed.push({ gate: 'invariants', words: words.slice(0, gateWordsMax) });
  }
  return failed;
}

/** What failed in tests, a sentence each. */
export function failuresOf(tested: TestedPolicies): string[] {
  if ('problems' in tested) {
    return tested.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  }
  return tested.results
    .filter((each) => !each.passed)
    .map(({ file, line, name, words }) => `${file}:${line}: ${name}: ${words.join('; ')}`);
}
