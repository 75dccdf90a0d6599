export { cedarAddress, cedarRequest } from './cedar-request.ts';
export { compilePublication } from './compile-publication.ts';
export { type Facts, factsForQuestion, grantPairUid } from './facts-for-question.ts';
export { findRemedies } from './find-remedies.ts';
export { ancestorsMax } from './hierarchy.ts';
export { identify, operatorUid, type Subject } from './identify.ts';
export { type JudgeInput, judge, type PublishedPolicies, timeReviewMs } from './judge.ts';
export { type CutReason, type FactChange, type LiveStream, type LiveStreamNeeds, LiveStreams } from './live-streams.ts';
export { scopesCover } from './token-scope.ts';
