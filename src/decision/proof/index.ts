export { analyseSet, type PolicyFinding } from './analyse-set.ts';
export type { Solver } from './ask.ts';
export { type Comparison, compareSets, type Difference, type Direction } from './compare-sets.ts';
export { type PolicyState, withoutShadow } from './enforced-set.ts';
export type { Invariant } from './invariant.ts';
export {
  type Counterexample,
  type LocatedGap,
  type ProofOutcome,
  type ProofResult,
  proveInvariants,
} from './prove-invariants.ts';
