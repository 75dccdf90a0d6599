export type { Solver } from './ask.ts';
export type { Invariant } from './invariant.ts';
export {
  type Counterexample,
  type LocatedGap,
  type ProofOutcome,
  type ProofResult,
  proveInvariants,
} from './prove-invariants.ts';
