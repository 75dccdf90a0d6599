export { type AskedSet, DecideAgain } from './decide-again.ts';
export {
  type Gains,
  type RecordedDecision,
  reportOf,
  Simulation,
  type SimulationParts,
  type SimulationReport,
  type Skipped,
} from './simulation.ts';
export type { ChangeGroup, TallySum } from './tally.ts';
export { VersionedFacts } from './versioned-facts.ts';
