import type { EntityUid } from './entity-uid.ts';
import type { Verdict } from './verdict.ts';

/** From what a subject was judged: their newest session, as if they had just signed in, … */
export type AccessBasis = 'session' | 'sign-in' | 'stranger' | 'token' | 'operator';

/** Whoever may be asking, for people to read. */
export interface SubjectView {
  readonly kind: 'stranger' | 'operator' | 'user' | 'token';
  /** Of the user or the token; empty for others. */
  readonly id: string;
  /** Login name of the user; label of the token. */
  readonly name: string;
  readonly displayName: string;
  /** Of a token: as whom it acts. */
  readonly owner: EntityUid | null;
}

export type AnswerCounts = Readonly<Record<Verdict['answer'], number>>;

export interface DecidingPolicy {
  readonly id: string;
  readonly file: string;
  readonly effect: 'permit' | 'forbid';
  readonly description: string;
}

/** What a page of an answer to *who can* or *what can* says beside its items. */
export interface AccessPage<Item> {
  /** Of all, whatever is listed. */
  readonly counts: AnswerCounts;
  readonly items: readonly Item[];
  /** Every policy that decided something on this page. */
  readonly policies: readonly DecidingPolicy[];
  /** When it was judged, milliseconds since the epoch, and by what. */
  readonly judgedAt: number;
  readonly policySequence: number;
  readonly factRevision: number;
  readonly next: string | null;
}

/** One who can, or cannot. */
export interface WhoItem extends SubjectView, Pick<Verdict, 'answer' | 'reasons'> {
  readonly basis: AccessBasis;
}

/** One resource, with what can be done there. */
export interface WhatItem {
  readonly resource: string;
  /** Labels of the app's routes where the answers are these; nouns of the administration API. */
  readonly parts: readonly string[];
  readonly actions: readonly ({ readonly action: string } & Pick<Verdict, 'answer' | 'reasons'>)[];
}

/** Everything somebody can do. */
export interface WhatAnswer extends AccessPage<WhatItem> {
  readonly subject: SubjectView;
  readonly basis: AccessBasis;
}
