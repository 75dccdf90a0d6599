import type { Asker, EntityUid, FactView, Question, RequestContext, Verdict } from '#foundation/model';
import { identify, type Subject } from '../identify.ts';
import { judge, type PublishedPolicies } from '../judge.ts';

/** Somebody whom an enforcement point has identified, and the session of ours it saw, if any. */
export interface AppQuestion {
  readonly subject: EntityUid;
  readonly sessionId: string | null;
  readonly action: Question['action'];
  readonly resource: EntityUid;
  readonly request: RequestContext;
}

const stranger = { user: null, session: null, token: null };

/**
 * Judges whether somebody may use an app, by facts about them alone. Without a session none is assumed: policies that ask for a
 * fresh proof or a strong credential then say no. A session counts only when it is theirs and in force; otherwise nobody asks.
 */
export function judgeApp(
  view: FactView,
  { policies, now, about }: { policies: PublishedPolicies | null; now: number; about: AppQuestion },
): Verdict {
  const { subject, sessionId, action, resource, request } = about;
  const { asker, as } = asking(view, { subject, sessionId, now });
  const question: Question = { asker, action, resource, request };
  return judge({ view, policies, now, question, ...(as === undefined ? {} : { as }) });
}

function asking(
  view: FactView,
  { subject, sessionId, now }: { subject: EntityUid; sessionId: string | null; now: number },
): { asker: Asker; as?: Subject } {
  const anonymous: Asker = { kind: 'anonymous' };
  if (sessionId !== null) {
    const asker: Asker = { kind: 'session', sessionId };
    const { uid } = identify(view, { asker, now });
    return uid.type === subject.type && uid.id === subject.id ? { asker } : { asker: anonymous };
  }
  if (subject.type === 'Workload') return { asker: anonymous, as: { ...stranger, uid: subject } };
  const user = subject.type === 'User' ? view.get('user', subject.id) : undefined;
  return user === undefined ? { asker: anonymous } : { asker: anonymous, as: { ...stranger, uid: subject, user } };
}
