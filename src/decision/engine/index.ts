export {
  type CompiledPolicies,
  type CompileOptions,
  compilePolicySet,
  type DescribedPolicies,
  describePolicies,
  type PolicyDescription,
  type StoreCompiledPolicies,
} from './compile-policy-set.ts';
export type { DecisionWithReads } from './compiled/compiled-evaluator.ts';
export { Datetime, Duration } from './compiled/datetime.ts';
export { Decimal } from './compiled/decimal.ts';
export { type EntityChange, EntityStore } from './compiled/entity-store.ts';
export { EvaluationError } from './compiled/evaluation-error.ts';
export { callExtension } from './compiled/extension-functions.ts';
export { IpNet } from './compiled/ip-net.ts';
export { compilePattern } from './compiled/like.ts';
export type { DecisionRequest, EntityJson } from './decision-request.ts';
export { EngineError, type EngineErrorCode, type Problem, problemWords } from './engine-error.ts';
export { entityMisfit, requestMisfit } from './entity-fit.ts';
export { entityLiterals } from './entity-literals.ts';
export { linkCountMax, linkPolicies, linkTemplate, slotsOf, type TemplateLink } from './link-template.ts';
export { type LosslessJson, parseLosslessJson, withRawIntegers } from './lossless-json.ts';
export { readParsedForm, writeParsedForm } from './parsed-form.ts';
export {
  type LocatedPolicy,
  type PolicyJson,
  type PolicySet,
  type PolicySource,
  policyCountMax,
  policyIdLengthMax,
  policyLengthMax,
  type SchemaJson,
  type ScopeJson,
  type UidJson,
} from './policy-set.ts';
export type { ExpressionTrace, JsonPath } from './reference/evaluate.ts';
// What reads them is `#decision/engine/reference`: the gateway, which never interprets, does without.
export type { ConditionTrace, DecisionTrace, PolicyTrace, ReferenceInput } from './reference/reference-decide.ts';
export type { NamespaceJson, TypeJson } from './schema-json.ts';
export { type PolicyPiece, splitPolicies } from './split-policies.ts';
export { firstBeyond, type TimePoints } from './time-points.ts';
export { type ActionWords, type RecordShape, type Vocabulary, vocabularyOf } from './vocabulary.ts';
