export { type AboutNeeds, askAbout, type JudgedAbout, subjectOf } from './about/ask-about.ts';
export { actionCandidates, type Candidates, resourceCandidates, subjectCandidates } from './about/candidates.ts';
export type { GivenEntity, NotJudged, QuestionAbout } from './about/question-about.ts';
export { namespaceOf, ownType, resolveAction, resolveType } from './about/resolve-types.ts';
export { type Beside, shadowEffectsMax } from './beside.ts';
export { cedarAddress, cedarRequest } from './cedar-request.ts';
export {
  type CompilablePublication,
  type CompilingOptions,
  compilePublication,
  policySetOf,
} from './compile-publication.ts';
export { entitiesOf, FactEntities } from './fact-entities.ts';
export { type Facts, factsForQuestion } from './facts-for-question.ts';
export { findRemedies, freshPasskey } from './find-remedies.ts';
export { ancestorsMax, groupsAbove, HierarchyTooLarge, segmentsAround, sensitivities } from './hierarchy.ts';
export { hypotheticalSession } from './hypothetical-session.ts';
export { identify, operatorUid, type Subject } from './identify.ts';
export { adviceOf, type JudgeInput, judge, judgeFacts, type PublishedPolicies, timeReviewMs } from './judge.ts';
export { LastAnswer } from './last-answer.ts';
export { type CutReason, type FactChange, type LiveStream, type LiveStreamNeeds, LiveStreams } from './live-streams.ts';
export { type PublicationStatement, publicationStatement, type SignedPolicy } from './publication-statement.ts';
export { type Asking, askingFor, type Reach, type ReachInput, reachOf } from './reach.ts';
export { isStagedFor, percentileOf } from './stage.ts';
export { grantPairUid, userEntity } from './standing.ts';
export { scopesCover } from './token-scope.ts';
