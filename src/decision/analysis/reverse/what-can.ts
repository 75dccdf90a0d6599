import { askingFor, judge, type PublishedPolicies } from '#decision/administration';
import type { AccessBasis, FactView, Question } from '#foundation/model';
import { type AccessSubject, askerOf } from './subjects.ts';
import type { Answer } from './who-can.ts';

export interface WhatCanInput {
  readonly view: FactView;
  readonly policies: PublishedPolicies | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly subject: AccessSubject;
  readonly questions: Iterable<Omit<Question, 'asker'>>;
}

export interface QuestionAnswer {
  readonly question: Omit<Question, 'asker'>;
  readonly basis: AccessBasis;
  readonly answer: Answer;
}

/** One subject's answer to each question, as whoCan() would give it. Lazy; the facts must stand still meanwhile. */
export function* whatCan({ view, policies, now, subject, questions }: WhatCanInput): Generator<QuestionAnswer> {
  const { basis, ...asking } =
    subject.kind === 'user'
      ? askingFor(view, { user: subject.person, now })
      : { basis: subject.kind, asker: askerOf(subject) };
  for (const asked of questions) {
    const question: Question = { ...asked, asker: asking.asker };
    yield { question: asked, basis, answer: judge({ view, policies, now, ...asking, question }) };
  }
}
