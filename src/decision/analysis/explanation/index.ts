export { type Explained, type ExplainInput, explain, withoutPauses } from './explain.ts';
export { changesTogetherMax, questionsMax } from './smallest-change.ts';
