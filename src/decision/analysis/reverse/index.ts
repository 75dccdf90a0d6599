export type { Person } from './likeness.ts';
export { type PrincipalReads, readsOfPrincipal } from './principal-reads.ts';
export { type AccessSubject, subjectKey, subjectsOf } from './subjects.ts';
export { type QuestionAnswer, type WhatCanInput, whatCan } from './what-can.ts';
export { type Answer, type SubjectAnswer, type WhoCanInput, whoCan } from './who-can.ts';
export { pathUp, scopeReasons } from './why-can.ts';
