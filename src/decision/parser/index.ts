export {
  type CompileInput,
  checkPolicies,
  compilePolicies,
  knownAnnotations,
  type PreparedPolicies,
  parsePolicySet,
  preparePolicies,
} from './compile-policies.ts';
export { type DecideTexts, decideTexts } from './decide-texts.ts';
export type { PolicyNaming } from './name-policies.ts';
export { type NamedEntity, namedCountMax } from './named-in-place.ts';
export { type ParsedInvariant, type ParsedInvariants, parseInvariants } from './parse-invariants.ts';
