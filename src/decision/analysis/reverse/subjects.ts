import type { Asker, EntityUid, FactView, Question } from '#foundation/model';
import type { Person } from './likeness.ts';

/** One who may ask: a person, a token with its scopes, anybody who has not signed in, the operator of this machine. */
export type AccessSubject =
  | { readonly kind: 'stranger' }
  | { readonly kind: 'operator' }
  | { readonly kind: 'user'; readonly person: Person }
  | { readonly kind: 'token'; readonly id: string; readonly label: string; readonly owner: EntityUid };

const kindOrder = { stranger: 0, operator: 1, user: 2, token: 3 } as const;

/** Subjects in their order: a text that sorts them, unique to each. */
export function subjectKey(subject: AccessSubject): string {
  const prefix = kindOrder[subject.kind];
  switch (subject.kind) {
    case 'user':
      return `${prefix} ${subject.person.body.name} ${subject.person.id}`;
    case 'token':
      return `${prefix} ${subject.label} ${subject.id}`;
    default:
      return `${prefix}`;
  }
}

/** Who asks, for those whose question needs no looking up. */
export function askerOf(subject: Exclude<AccessSubject, { kind: 'user' }>): Asker {
  if (subject.kind === 'token') return { kind: 'token', tokenId: subject.id };
  return { kind: subject.kind === 'operator' ? 'operator' : 'anonymous' };
}

/** All who could ask this: nobody comes to an app by the operator's socket. Tokens that ended are nobody's. */
export function* subjectsOf(
  view: FactView,
  { resource, now }: Pick<Question, 'resource'> & { now: number },
): Generator<AccessSubject> {
  yield { kind: 'stranger' };
  if (resource.type === 'Service') yield { kind: 'operator' };
  for (const [id, body] of view.all('user')) yield { kind: 'user', person: { id, body } };
  for (const [id, { label, owner, status, expiresAt }] of view.all('token')) {
    if (status === 'active' && now < expiresAt) yield { kind: 'token', id, label, owner };
  }
}
