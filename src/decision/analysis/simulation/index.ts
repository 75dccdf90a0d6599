export { type AskedSet, DecideAgain } from './decide-again.ts';
export {
  type RecordedDecision,
  reportOf,
  Simulation,
  type SimulationParts,
} from './simulation.ts';
export { VersionedFacts } from './versioned-facts.ts';
