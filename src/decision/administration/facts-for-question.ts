import type { EntityJson } from '#decision/engine';
import type { Asker, EntityUid, FactView, Grant, RequestContext } from '#foundation/model';
import type { Ancestry } from './hierarchy.ts';
import type { Subject } from './identify.ts';
import { standingOf } from './standing.ts';

/** What policies see as `context.session`. */
export interface SessionFacts {
  readonly present: boolean;
  readonly credential: 'none' | 'passkey' | 'recovery' | 'federated';
  readonly phishingResistant: boolean;
  readonly authAgeSeconds: number;
  readonly bound: boolean;
  readonly provider: string;
}

/** What policies see as `context.device`. */
export interface DeviceFacts {
  readonly known: boolean;
  readonly compliance: 'unknown' | 'stale' | 'compliant' | 'noncompliant';
}

/** Everything a decision is made from, before it is written as Cedar: remedies are found by changing it. */
export interface Facts {
  readonly principal: EntityUid;
  /** null for strangers, who have no entity. */
  readonly principalEntity: EntityJson | null;
  /** The same in a list, when it is made from no fact of its own: a workload, or somebody who might be. */
  readonly principalAlone: readonly EntityJson[] | null;
  readonly groups: Ancestry;
  readonly resource: EntityUid;
  readonly resourceEntity: EntityJson;
  readonly segments: Ancestry;
  readonly action: string;
  readonly request: RequestContext;
  readonly now: number;
  readonly session: SessionFacts;
  readonly device: DeviceFacts;
  readonly token: { readonly present: boolean; readonly scopes: readonly string[] };
  /** Active grants of the principal on the resource. */
  readonly grants: readonly { readonly id: string; readonly body: Pick<Grant, 'user' | 'resource' | 'expiresAt'> }[];
  /** When session, token or a grant ends, milliseconds since the epoch; null when nothing ends. */
  readonly endsAt: number | null;
  readonly read: readonly EntityUid[];
  readonly subject: Subject;
}

/** `authAgeSeconds` when nobody has proved anything: older than any policy allows. */
export const authAgeUnknownSeconds = 4_294_967_295;

const noSession: SessionFacts = Object.freeze({
  present: false,
  credential: 'none',
  phishingResistant: false,
  authAgeSeconds: authAgeUnknownSeconds,
  bound: false,
  provider: 'none',
} as const);

/** No device has been enrolled yet: said in so many words, as policies expect. */
const noDevice: DeviceFacts = Object.freeze({ known: false, compliance: 'unknown' });

function sessionFacts({ session }: Subject, now: number): SessionFacts {
  if (session === null) return noSession;
  const { credential, phishingResistant, authTime, bound, provider } = session.body;
  // A proof from the future (a clock set back) is not a fresh one.
  const age = now < authTime ? authAgeUnknownSeconds : Math.floor((now - authTime) / 1000);
  const authAgeSeconds = Math.min(age, authAgeUnknownSeconds);
  return { present: true, credential, phishingResistant, authAgeSeconds, bound, provider };
}

export interface QuestionToFacts {
  readonly asker: Asker;
  readonly action: string;
  readonly resource: EntityUid;
  readonly request: RequestContext;
}

/**
 * Looks up everything the question needs. Returns null when the resource is not one we know. `as`: somebody who does not stand
 * behind the asker, but might.
 */
export function factsForQuestion(
  view: FactView,
  { question, now, as }: { question: QuestionToFacts; now: number; as?: Subject | undefined },
): Facts | null {
  const { asker, resource } = question;
  const standing = standingOf(view, { asker, resource, now, as });
  if (standing === null) return null;
  const { subject, person, place, token, grants, endsAt, read } = standing;
  return {
    principal: subject.uid,
    principalEntity: person.entity,
    principalAlone: person.alone,
    groups: person.groups,
    resource,
    resourceEntity: place.entity,
    segments: place.segments,
    action: question.action,
    request: question.request,
    now,
    session: sessionFacts(subject, now),
    device: noDevice,
    token,
    grants,
    endsAt,
    read,
    subject,
  };
}
