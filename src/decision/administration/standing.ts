import type { EntityJson } from '#decision/engine';
import type { Asker, EntityUid, FactId, FactView, Resource, User } from '#foundation/model';
import type { Facts } from './facts-for-question.ts';
import { type Ancestry, groupsAbove, type Sensitivity, segmentsAround } from './hierarchy.ts';
import { identify, type Subject } from './identify.ts';

/** Of many active grants on one app, this many with the latest ends are judged. */
export const grantsMax = 100;
/** Pairs of an asker and an app whose standing is kept, of one revision. */
const standingsMax = 50_000;
/** Of one asker, who is looked for one after the other: most ask for few apps. */
const standingsOfOneMax = 32;

/**
 * What a change must name so that a grant that does not exist yet is noticed: all grants of one user on one app. The id
 * is JSON, so that no choice of names makes two pairs look alike.
 */
export function grantPairUid(user: string, resource: string): EntityUid {
  return { type: 'GrantPair', id: JSON.stringify([user, resource]) };
}

function activeGrants(
  view: FactView,
  subject: Subject,
  { resource, now }: { resource: EntityUid; now: number },
): Facts['grants'] {
  if (subject.uid.type !== 'User' || resource.type !== 'App') return noGrants;
  const all = view.grantsOf(subject.uid.id);
  if (all.length === 0) return noGrants;
  return all
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
  { user, parents }: { user: Pick<User, 'name' | 'email' | 'status' | 'source'>; parents: readonly EntityUid[] },
): EntityJson {
  const attrs = { name: user.name, email: user.email ?? '', status: user.status, source: user.source };
  return Object.freeze({ uid, attrs, parents });
}

/** The entity of an app; `sensitivity` is the highest of all segments around it. */
export function appEntity(
  uid: EntityUid,
  {
    app: { origin, requestable },
    sensitivity,
    parents,
  }: { app: Pick<Resource, 'origin' | 'requestable'>; sensitivity: Sensitivity; parents: readonly EntityUid[] },
): EntityJson {
  return Object.freeze({ uid, attrs: { origin, requestable, sensitivity }, parents });
}

interface Person {
  /** Whom it was made from: who only might be can go by the same id as somebody else. */
  readonly user: User | null;
  readonly groups: Ancestry;
  readonly entity: EntityJson | null;
  /** The entity in a list, when no fact says the same. */
  readonly alone: readonly EntityJson[] | null;
}

interface Place {
  readonly segments: Ancestry;
  readonly entity: EntityJson;
}

/** How an asker stands towards a resource by the facts of one revision, from `madeAt` on and before `endsAt`. */
export interface Standing {
  /** Towards which app. */
  readonly app: string;
  /** How the same asker stands towards another app, and how many follow. */
  next: Standing | null;
  behind: number;
  readonly madeAt: number;
  /** When session, token or a grant ends, milliseconds since the epoch; null when nothing ends. */
  readonly endsAt: number | null;
  readonly subject: Subject;
  readonly place: Place;
  readonly person: Person;
  readonly token: Facts['token'];
  readonly grants: Facts['grants'];
  readonly read: readonly EntityUid[];
}

/** What the facts of one revision say: every request asks it again, and it changes seldom. */
interface Looked {
  readonly epoch: number;
  revision: number;
  readonly people: Map<string, Person>;
  readonly places: Map<string, Place>;
  /** By kind of the asker and idOf(): the first of theirs. */
  readonly standings: Record<Asker['kind'], Map<string, Standing>>;
  /** How many were made: some may be gone. */
  standingsCount: number;
}

const noGrants: Facts['grants'] = Object.freeze([]);
const noToken: Facts['token'] = Object.freeze({ present: false, scopes: Object.freeze([]) });
const nobody: Person = { user: null, groups: { uids: [], entities: [] }, entity: null, alone: null };

const lookedUp = new WeakMap<FactView, Looked>();

function lookedUpIn(view: FactView): Looked {
  const { epoch, revision } = view;
  const looked = lookedUp.get(view);
  if (looked !== undefined && looked.epoch === epoch && looked.standingsCount < standingsMax) {
    if (looked.revision === revision) return looked;
    const changes = view.changesSince?.(looked.revision);
    if (changes !== undefined) {
      for (const change of changes) forget(looked, change);
      looked.revision = revision;
      return looked;
    }
  }
  const standings = { anonymous: new Map(), session: new Map(), token: new Map(), operator: new Map() };
  const fresh: Looked = { epoch, revision, people: new Map(), places: new Map(), standings, standingsCount: 0 };
  lookedUp.set(view, fresh);
  return fresh;
}

/** Lets go of what was found in a fact that changed. All kinds that `look` reads must be named here. */
function forget(looked: Looked, { kind, id }: FactId): void {
  const { people, places, standings } = looked;
  if (kind === 'session' || kind === 'token') {
    standings[kind].delete(id);
    return;
  }
  if (kind === 'user') people.delete(id);
  else if (kind === 'group') people.clear();
  else if (kind === 'resource') places.delete(id);
  else if (kind === 'segment') places.clear();
  else if (kind !== 'grant') return;
  for (const ofKind of Object.values(standings)) ofKind.clear();
  looked.standingsCount = 0;
}

function personOf(view: FactView, subject: Subject): Person {
  const { uid, user } = subject;
  if (user === null) {
    if (uid.type !== 'Workload') return nobody;
    const entity = Object.freeze({ uid, attrs: {}, parents: [] });
    return { ...nobody, entity, alone: Object.freeze([entity]) };
  }
  const { people } = lookedUpIn(view);
  let person = people.get(uid.id);
  if (person?.user !== user) {
    // Everyone enrolled is in `everyone`, whether or not their record says so.
    const groups = groupsAbove(view, [...user.groups, 'everyone']);
    const entity = userEntity(uid, { user, parents: groups.uids });
    const isFact = view.get('user', uid.id) === user;
    person = { user, groups, entity, alone: isFact ? null : Object.freeze([entity]) };
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
    const { uids: parents, sensitivity } = segments;
    place = { segments, entity: appEntity(resource, { app, sensitivity, parents }) };
    places.set(resource.id, place);
  }
  return place;
}

interface Asked {
  readonly asker: Asker;
  readonly resource: EntityUid;
  readonly now: number;
  /** Somebody who does not stand behind the asker, but might: never remembered. */
  readonly as: Subject | undefined;
}

/** Whose standings stand together: those of who has no id, by app. */
function idOf(asker: Asker, app: string): string {
  return asker.kind === 'session' ? asker.sessionId : asker.kind === 'token' ? asker.tokenId : app;
}

/**
 * How the asker stands towards the resource now; null when the resource is not one we know. What was found at this revision
 * is given again until the first thing in it ends; a clock that was set back finds it anew.
 */
export function standingOf(view: FactView, asked: Asked): Standing | null {
  const { asker, resource, now } = asked;
  if (resource.type !== 'App' || asked.as !== undefined) return look(view, asked);
  const looked = lookedUpIn(view);
  const ofKind = looked.standings[asker.kind];
  const id = idOf(asker, resource.id);
  const first = ofKind.get(id) ?? null;
  const known = standingIn(first, resource.id);
  if (known !== null && known.madeAt <= now && (known.endsAt === null || now < known.endsAt)) return known;
  const standing = look(view, asked);
  if (standing === null) return null;
  const others = without(first, known);
  if (others !== null && others.behind < standingsOfOneMax - 1) {
    standing.next = others;
    standing.behind = others.behind + 1;
  }
  looked.standingsCount += 1;
  ofKind.set(id, standing);
  return standing;
}

function standingIn(first: Standing | null, app: string): Standing | null {
  let each = first;
  while (each !== null && each.app !== app) each = each.next;
  return each;
}

/** The same list, without the one that has ended. */
function without(first: Standing | null, ended: Standing | null): Standing | null {
  if (ended === null || first === null) return first;
  if (first === ended) return ended.next;
  let before = first;
  while (before.next !== null && before.next !== ended) before = before.next;
  before.next = ended.next;
  return first;
}

/** Looks up all that makes a standing. */
function look(view: FactView, { asker, resource, now, as }: Asked): Standing | null {
  const subject = as ?? identify(view, { asker, now });
  const place = placeOf(view, resource);
  if (place === null) return null;
  const person = personOf(view, subject);
  const grants = activeGrants(view, subject, { resource, now });
  const ends = [
    subject.session?.body.expiresAt,
    subject.token?.body.expiresAt,
    ...grants.map(({ body }) => body.expiresAt),
  ].filter((at) => typeof at === 'number');

  const read: EntityUid[] = [subject.uid, ...person.groups.uids, resource, ...place.segments.uids];
  // What was asked for counts too: a session that ends makes a stranger, whose answer depends on that session.
  if (asker.kind === 'session') read.push({ type: 'Session', id: asker.sessionId });
  if (asker.kind === 'token') read.push({ type: 'Token', id: asker.tokenId });
  if (subject.uid.type === 'User' && resource.type === 'App') read.push(grantPairUid(subject.uid.id, resource.id));
  for (const { id } of grants) read.push({ type: 'Grant', id });
  const token =
    subject.token === null
      ? noToken
      : Object.freeze({ present: true, scopes: Object.freeze([...subject.token.body.scopes]) });
  const endsAt = ends.length === 0 ? null : Math.min(...ends);
  return {
    app: resource.id,
    next: null,
    behind: 0,
    madeAt: now,
    endsAt,
    subject,
    place,
    person,
    token,
    grants,
    read,
  };
}

/** A person or group, with all groups above, as entities; empty when there is none such. */
export function personEntities(view: FactView, { type, id }: EntityUid): readonly EntityJson[] {
  if (type === 'Group') return groupsAbove(view, [id]).entities;
  const user = view.get('user', id);
  if (user === undefined) return [];
  const person = personOf(view, { uid: { type, id }, user, session: null, token: null });
  return person.entity === null ? [] : [person.entity, ...person.groups.entities];
}

/** An app or segment, with all segments around, as entities; empty when there is none such. */
export function placeEntities(view: FactView, { type, id }: EntityUid): readonly EntityJson[] {
  if (type === 'Segment') return segmentsAround(view, id).entities;
  const place = placeOf(view, { type, id });
  return place?.entity == null ? [] : [place.entity, ...place.segments.entities];
}
