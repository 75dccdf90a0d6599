export {
  type CompiledPolicies,
  type CompileInput,
  checkPolicies,
  compilePolicies,
  knownAnnotations,
  type PolicyDescription,
  type PolicyNaming,
} from './compile-policies.ts';
export { type DecideTexts, decideTexts } from './decide-texts.ts';
export type { DecisionRequest, EntityJson } from './decision-request.ts';
export { EngineError, type EngineErrorCode, type Problem } from './engine-error.ts';
export { type LosslessJson, parseLosslessJson } from './lossless-json.ts';
export { type PolicySource, policyCountMax, policyLengthMax } from './parse-policies.ts';
