import type { Asker, FactView, Question, User, Verdict } from '#foundation/model';
import { hypotheticalSession } from './hypothetical-session.ts';
import type { Subject } from './identify.ts';
import { judge, type PublishedPolicies } from './judge.ts';

interface Person {
  readonly id: string;
  readonly body: User;
}

/** How a question about a person is put to judge(). */
export interface Asking {
  /** Judged from their newest session; without one, as if they had just signed in the way they do. */
  readonly basis: 'session' | 'sign-in';
  readonly asker: Asker;
  readonly as?: Subject;
}

/** Finds how a question about a person is put: as whom would the gateway know them now? */
export function askingFor(view: FactView, { user, now }: { user: Person; now: number }): Asking {
  const sessionId = newestSession(view, { user: user.id, now });
  if (sessionId !== undefined) return { basis: 'session', asker: { kind: 'session', sessionId } };
  return { basis: 'sign-in', asker: { kind: 'anonymous' }, as: justSignedIn(user, now) };
}

export interface ReachInput {
  readonly view: FactView;
  readonly policies: PublishedPolicies | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** null: anybody who has not signed in. */
  readonly user: Person | null;
  readonly questions: readonly Omit<Question, 'asker'>[];
}

export interface Reach {
  readonly basis: Asking['basis'] | 'stranger';
  readonly answers: readonly { readonly action: string; readonly verdict: Verdict }[];
}

/** What one person may do now: for each question the answer the gateway would give. */
export function reachOf({ view, policies, now, user, questions }: ReachInput): Reach {
  const { basis, ...asking } =
    user === null ? ({ basis: 'stranger', asker: { kind: 'anonymous' } } as const) : askingFor(view, { user, now });
  const answers = questions.map((asked) => {
    const question: Question = { ...asked, asker: asking.asker };
    return { action: asked.action, verdict: judge({ view, policies, now, ...asking, question }) };
  });
  return { basis, answers };
}

function newestSession(view: FactView, { user, now }: { user: string; now: number }): string | undefined {
  let newest: { id: string; createdAt: number } | undefined;
  for (const { id, body } of view.sessionsOf(user)) {
    if (body.status !== 'active' || now >= body.expiresAt) continue;
    if (newest === undefined || body.createdAt > newest.createdAt) newest = { id, createdAt: body.createdAt };
  }
  return newest?.id;
}

/** A passkey for those who sign in here; what a provider vouches for is not phishing resistant until it says so. */
function justSignedIn({ id, body }: Person, now: number): Subject {
  const isLocal = body.source === 'local';
  const session = isLocal
    ? hypotheticalSession({ user: id, now })
    : hypotheticalSession(
        { user: id, now },
        { credential: 'federated', provider: body.source, phishingResistant: false },
      );
  // No fact has an empty id, so no policy can mean this session.
  return { uid: { type: 'User', id }, user: body, session: { id: '', body: session }, token: null };
}
