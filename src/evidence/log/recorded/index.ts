// Kept apart from the room's index: the journal's threads write, and never load what reads questions back.
export { AccessReader, type ReadAccess } from './read-access-text.ts';
export { httpActivityClass, type NoQuestion, type RecordedQuestion, recordedQuestion } from './recorded-question.ts';
