export { checkInvariants, type InvariantCheck } from './check-invariants.ts';
export type { Checked, Findings, PolicyTexts } from './messages.ts';
export { analyse, checkMsDefault, compare, type ProveLimits, ProverError, prove } from './prover.ts';
