import { judge, type PublishedPolicies } from '#decision/administration';
import type { AccessBasis, FactView, Question, Verdict } from '#foundation/model';
import { Likeness, type Person } from './likeness.ts';
import type { PrincipalReads } from './principal-reads.ts';
import { type AccessSubject, askerOf, subjectsOf } from './subjects.ts';

/** What an answer says; what it read is its own matter. */
export type Answer = Pick<Verdict, 'answer' | 'reasons' | 'errors'>;

export interface SubjectAnswer {
  readonly subject: AccessSubject;
  readonly basis: AccessBasis;
  readonly answer: Answer;
}

export interface WhoCanInput {
  readonly view: FactView;
  readonly policies: PublishedPolicies | null;
  /** What those policies can notice about who asks. */
  readonly reads: PrincipalReads;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly question: Omit<Question, 'asker'>;
}

/**
 * Everybody's answer to one question, each the one that judge() gives: people from their newest session or, without one, as if they had
 * just signed in; tokens with their scopes. People whom no policy can tell apart are judged once. Lazy, so that a caller can make
 * pauses; the facts must stand still meanwhile.
 */
export function* whoCan({ view, policies, reads, now, question }: WhoCanInput): Generator<SubjectAnswer> {
  const likeness = new Likeness({ view, now, reads });
  const answers = new Map<string, Answer>();
  const input = { view, policies, now };
  // Whom a staged policy is in force for, no reading of the policies tells.
  const isStaged = [...(policies?.beside?.states.values() ?? [])].some(({ state }) => state === 'staged');
  const person = (who: Person): { basis: AccessBasis; answer: Answer } => {
    const { asking, key } = likeness.of(who);
    const { basis, ...rest } = asking;
    const isLike = key !== null && !isStaged && !hasGrants(view, who.id, question);
    const known = isLike ? answers.get(`${basis} ${key}`) : undefined;
    if (known !== undefined) return { basis, answer: known };
    const answer = judge({ ...input, ...rest, question: { ...question, asker: asking.asker } });
    if (isLike) answers.set(`${basis} ${key}`, answer);
    return { basis, answer };
  };
  for (const subject of subjectsOf(view, { resource: question.resource, now })) {
    if (subject.kind === 'user') yield { subject, ...person(subject.person) };
    else {
      const answer = judge({ ...input, question: { ...question, asker: askerOf(subject) } });
      yield { subject, basis: subject.kind, answer };
    }
  }
}

/** Whoever has a grant on the resource, of whatever state, is like nobody else. */
function hasGrants(view: FactView, user: string, { resource }: Pick<Question, 'resource'>): boolean {
  return view.grantsOf(user).some(({ body }) => body.resource === resource.id);
}
