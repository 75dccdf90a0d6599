export { type Answered, DecisionTexts, decisionText } from './authzen/decision.ts';
export {
  type Evaluation,
  isObject,
  MalformedRequest,
  type NamedAction,
  type NamedEntity,
  type Properties,
  readEvaluation,
} from './authzen/evaluation.ts';
export { type Evaluations, endsAfter, evaluationsMax, readEvaluations, type Semantic } from './authzen/evaluations.ts';
export { authzenPaths, pdpMetadata } from './authzen/metadata.ts';
export { openPageToken, type PageBinding, sealPageToken } from './authzen/page-token.ts';
export {
  type Page,
  pageLimitMax,
  readSearch,
  type Search,
  type SearchKind,
  type SoughtEntity,
  searchText,
} from './authzen/search.ts';
export { jsonDepthMax, parseStrictJson, type StrictJson } from './authzen/strict-json.ts';
export {
  allowedResponse,
  type CheckedRequest,
  checkBytesMax,
  checkPath,
  deniedResponse,
  grpcFrame,
  readCheckRequest,
  readGrpcFrame,
} from './ext-authz/check.ts';
export { bytesField, MalformedMessage, messageIn, readFields, textOf } from './ext-authz/protobuf.ts';
export { type ForwardedRequest, type ProxyCall, type ProxyKind, readForwarded } from './forwarded/read-forwarded.ts';
