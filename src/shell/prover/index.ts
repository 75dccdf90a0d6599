export { type InvariantCheck, invariantCheckOf } from './check-invariants.ts';
export type { Checked, Findings, PolicyTexts } from './messages.ts';
export {
  type AnswerMemory,
  analyse,
  checkMsDefault,
  compare,
  type ProveLimits,
  ProverError,
  prove,
} from './prover.ts';
export type { KnownAnswers } from './remember-answers.ts';
