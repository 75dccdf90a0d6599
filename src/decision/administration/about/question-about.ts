import type { EntityUid } from '#foundation/model';

/** A JSON object of a caller. */
export type Given = Readonly<Record<string, unknown>>;

/** Somebody or something that an enforcement point names, with what it says about it. Nothing here is believed against a fact. */
export interface GivenEntity {
  readonly type: string;
  readonly id: string;
  readonly properties: Given;
}

/** What an enforcement point asks about somebody else, in its own words. */
export interface QuestionAbout {
  readonly subject: GivenEntity;
  readonly action: { readonly name: string; readonly properties: Given };
  readonly resource: GivenEntity;
  readonly context: Given;
}

/** Why a question was not judged: `unknown` also stands for what the caller may not ask about, so that it learns nothing by trying. */
export interface NotJudged {
  readonly problem: 'unknown' | 'malformed';
  readonly message: string;
  /** For the journal. */
  readonly subject: EntityUid | null;
}
