export { type Explained, type ExplainInput, explain, withoutPauses } from './explain.ts';
export type { ExplainedPart, ExplainedPolicy, ReadValue } from './explain-policies.ts';
export { changesTogetherMax, questionsMax, type SmallestChange } from './smallest-change.ts';
export type { SourcePlace } from './source-spans.ts';
