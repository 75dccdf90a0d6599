export { checkInvariants, type InvariantCheck } from './check-invariants.ts';
export type { PolicyTexts, ProveAnswer } from './messages.ts';
export { checkMsDefault, type ProveLimits, ProverError, prove } from './prover.ts';
