import type { EntityJson } from '#decision/engine';
import type { EntityUid, FactView, Grant, RequestContext, User } from '#foundation/model';
import { type Ancestry, groupsAbove, segmentsAround } from './hierarchy.ts';
import { identify, type Subject } from './identify.ts';

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
/** Of many active grants on one app, this many with the latest ends are judged. */
export const grantsMax = 100;

const noSession: SessionFacts = {
  present: false,
  credential: 'none',
  phishingResistant: false,
  authAgeSeconds: authAgeUnknownSeconds,
  bound: false,
  provider: 'none',
};

function sessionFacts(subject: Subject, now: number): SessionFacts {
  if (subject.session === null) return noSession;
  const { credential, phishingResistant, authTime, bound, provider } = subject.session.body;
  // A proof from the future (a clock set back) is not a fresh one.
  const age = now < authTime ? authAgeUnknownSeconds : Math.floor((now - authTime) / 1000);
  const authAgeSeconds = Math.min(age, authAgeUnknownSeconds);
  return { present: true, credential, phishingResistant, authAgeSeconds, bound, provider };
}

/**
 * What a change must name so that a grant that does not exist yet is noticed: all grants of one user on one app. The id
 * is JSON, so that no choice of names makes two pairs look alike.
 */
export function grantPairUid(user: string, resource: string): EntityUid {
  return { type: 'GrantPair', id: JSON.stringify([user, resource]) };
}

function activeGrants(view: FactView, subject: Subject, { resource, now }: { resource: EntityUid; now: number }) {
  if (subject.uid.type !== 'User' || resource.type !== 'App') return [];
  return view
    .grantsOf(subject.uid.id)
    .filter(
      ({ body }) =>
        body.user === subject.uid.id &&
        body.resource === resource.id &&
        body.state === 'active' &&
        body.expiresAt !== null &&
        now < body.expiresAt,
    )
    .sort((a, b) => (b.body.expiresAt ?? 0) - (a.body.expiresAt ?? 0))
    .slice(0, grantsMax);
}

/** The entity of a person. */
export function userEntity(
  uid: EntityUid,
  { user, groups }: { user: Pick<User, 'name' | 'email' | 'status' | 'source'>; groups: Ancestry },
): EntityJson {
  const attrs = { name: user.name, email: user.email ?? '', status: user.status, source: user.source };
  return Object.freeze({ uid, attrs, parents: groups.uids });
}

interface Person {
  readonly groups: Ancestry;
  readonly entity: EntityJson | null;
}

interface Place {
  readonly segments: Ancestry;
  readonly entity: EntityJson;
}

/** What the facts of one revision say about people and apps: every request asks it again, and it changes seldom. */
interface Looked {
  readonly epoch: number;
  readonly revision: number;
  readonly people: Map<string, Person>;
  readonly places: Map<string, Place>;
}

const lookedUp = new WeakMap<FactView, Looked>();

function lookedUpIn(view: FactView): Looked {
  const { epoch, revision } = view;
  let looked = lookedUp.get(view);
  if (looked === undefined || looked.revision !== revision || looked.epoch !== epoch) {
    looked = { epoch, revision, people: new Map(), places: new Map() };
    lookedUp.set(view, looked);
  }
  return looked;
}

function personOf(view: FactView, subject: Subject): Person {
  const { uid, user } = subject;
  if (user === null) {
    const entity = uid.type === 'Workload' ? { uid, attrs: {}, parents: [] } : null;
    return { groups: { uids: [], entities: [] }, entity };
  }
  const { people } = lookedUpIn(view);
  let person = people.get(uid.id);
  if (person === undefined) {
    // Everyone enrolled is in `everyone`, whether or not their record says so.
    const groups = groupsAbove(view, [...user.groups, 'everyone']);
    person = { groups, entity: userEntity(uid, { user, groups }) };
    people.set(uid.id, person);
  }
  return person;
}

/** null when there is no such resource. */
function placeOf(view: FactView, resource: EntityUid): Place | null {
  if (resource.type === 'Service' && resource.id === 'control') {
    return { segments: { uids: [], entities: [] }, entity: { uid: resource, attrs: {}, parents: [] } };
  }
  const app = resource.type === 'App' ? view.get('resource', resource.id) : undefined;
  if (app === undefined) return null;
  const { places } = lookedUpIn(view);
  let place = places.get(resource.id);
  if (place === undefined) {
    const segments = segmentsAround(view, app.segment);
    const attrs = { origin: app.origin, requestable: app.requestable, sensitivity: segments.sensitivity };
    place = { segments, entity: Object.freeze({ uid: resource, attrs, parents: segments.uids }) };
    places.set(resource.id, place);
  }
  return place;
}

export interface QuestionToFacts {
  readonly asker: Parameters<typeof identify>[1]['asker'];
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
  const subject = as ?? identify(view, { asker: question.asker, now });
  const { resource } = question;
  const place = placeOf(view, resource);
  if (place === null) return null;
  const { segments } = place;
  const { groups, entity } = personOf(view, subject);
  const grants = activeGrants(view, subject, { resource, now });
  const ends = [
    subject.session?.body.expiresAt,
    subject.token?.body.expiresAt,
    ...grants.map(({ body }) => body.expiresAt),
  ].filter((at) => typeof at === 'number');

  const read: EntityUid[] = [subject.uid, ...groups.uids, resource, ...segments.uids];
  // What was asked for counts too: a session that ends makes a stranger, whose answer depends on that session.
  if (question.asker.kind === 'session') read.push({ type: 'Session', id: question.asker.sessionId });
  if (question.asker.kind === 'token') read.push({ type: 'Token', id: question.asker.tokenId });
  if (subject.uid.type === 'User' && resource.type === 'App') read.push(grantPairUid(subject.uid.id, resource.id));
  for (const { id } of grants) read.push({ type: 'Grant', id });

  return {
    principal: subject.uid,
    principalEntity: entity,
    groups,
    resource,
    resourceEntity: place.entity,
    segments,
    action: question.action,
    request: question.request,
    now,
    session: sessionFacts(subject, now),
    // No device has been enrolled yet: said in so many words, as policies expect.
    device: { known: false, compliance: 'unknown' },
    token: { present: subject.token !== null, scopes: subject.token?.body.scopes ?? [] },
    grants,
    endsAt: ends.length === 0 ? null : Math.min(...ends),
    read,
    subject,
  };
}
