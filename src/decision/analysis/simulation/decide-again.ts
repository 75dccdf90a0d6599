import { judge, type PublishedPolicies, type Subject } from '#decision/administration';
import type { PolicySet } from '#decision/engine';
import type { EntityUid, Question, RequestContext, Session, User } from '#foundation/model';
import { Likeness } from '../reverse/likeness.ts';
import { type PrincipalReads, readsOfPrincipal } from '../reverse/principal-reads.ts';
import type { VersionedFacts } from './versioned-facts.ts';

/** Answers kept, so that alike questions are judged once. */
const answersMax = 500_000;

/** A policy set that may be asked. */
export interface AskedSet {
  readonly published: PublishedPolicies;
  readonly set: Pick<PolicySet, 'policies'>;
}

export interface AgainAnswer {
  readonly isAllowed: boolean;
  readonly reasons: readonly string[];
}

/** What both sets said. `before` is null where the publication of then is gone. */
export interface Again {
  readonly before: AgainAnswer | null;
  readonly after: AgainAnswer;
}

/** Longer than any id of a fact: whoever stands for others has no grants of their own. */
const standInPrefix = '-'.repeat(201);

/** Somebody whom no policy can tell from others with this key. */
interface Alike {
  readonly key: string;
  readonly user: User;
  readonly session: Session;
}

const requestParts = ['method', 'host', 'path', 'route', 'address', 'tls'] as const satisfies (keyof RequestContext)[];

/**
 * Asks recorded questions again, of the policies of then and of those that are rehearsed, by the facts of then. Questions that none of
 * these policies can tell apart are judged once: the key is made of all that they read.
 */
export class DecideAgain {
  readonly #facts: VersionedFacts;
  readonly #before: ReadonlyMap<number, AskedSet>;
  readonly #after: PublishedPolicies;
  readonly #reads: PrincipalReads;
  readonly #parts: readonly (keyof RequestContext)[];
  readonly #isTimeRead: boolean;
  readonly #isStandInNamed: boolean;
  readonly #sessions = new WeakMap<
    Session,
    { readonly key: string | null; readonly from: number; readonly until: number }
  >();
  readonly #answers = new Map<string, Again>();
  #likeness: Likeness;
  /** Of people and apps as of a change: what policies can notice about each, and the first that is like them. */
  #people: {
    changed: number;
    keys: Map<string, string | null>;
    first: Map<string, { readonly id: string; readonly user: User }>;
  };
  #places: { changed: number; keys: Map<string, string>; first: Map<string, EntityUid> };
  /** Questions that were really judged. */
  judged = 0;

  constructor({
    facts,
    before,
    after,
  }: { facts: VersionedFacts; before: ReadonlyMap<number, AskedSet>; after: AskedSet }) {
    this.#facts = facts;
    this.#before = before;
    this.#after = after.published;
    const all = [...before.values(), after].flatMap(({ set }, index) =>
      [...set.policies].map(([id, policy]) => [`${index} ${id}`, policy] as const),
    );
    const isStaged = [...before.values(), after].some(({ published }) => published.beside !== undefined);
    this.#reads = readsOfPrincipal({ policies: new Map(all) }, { isStaged });
    const { paths } = this.#reads;
    const isRead = (part: string) => paths.has('context') || paths.has(`context.${part}`);
    this.#parts = requestParts.filter(isRead);
    this.#isTimeRead = isRead('now');
    this.#likeness = new Likeness({ view: facts, now: 0, reads: this.#reads });
    this.#isStandInNamed = [...this.#reads.users].some((id) => id.startsWith(standInPrefix));
    this.#people = { changed: -1, keys: new Map(), first: new Map() };
    this.#places = { changed: -1, keys: new Map(), first: new Map() };
  }

  /** The facts must be set to the revision that the question is asked at. */
  decide(question: Question, { time, sequence }: { time: number; sequence: number }): Again {
    const who = this.#subject(question, time);
    const where = who.like === null ? JSON.stringify(question.resource.id) : this.#place(question.resource.id);
    let key = `${sequence} ${this.#facts.changedAt('place')} ${question.action} ${where} ${who.key}`;
    // Attacker-controlled text is quoted, so that no two questions write the same key.
    for (const part of this.#parts) key += ` ${JSON.stringify(question.request[part])}`;
    if (this.#isTimeRead) key += ` ${Math.floor(time / 1000)}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const asked = who.like === null ? { question } : this.#standIn(question, { who: who.like, where });
    const before = this.#before.get(sequence);
    const again: Again = {
      before: before === undefined ? null : this.#judge(before.published, asked, time),
      after: this.#judge(this.#after, asked, time),
    };
    if (this.#answers.size >= answersMax) this.#answers.clear();
    this.#answers.set(key, again);
    return again;
  }

  #judge(policies: PublishedPolicies, asked: { question: Question; as?: Subject }, now: number): AgainAnswer {
    this.judged += 1;
    const { answer, reasons } = judge({ view: this.#facts, policies, now, ...asked });
    return { isAllowed: answer === 'allow', reasons };
  }

  /** Asks as somebody who stands for all that are alike, of the first of the apps that are: what is known of them is looked up once. */
  #standIn(question: Question, { who, where }: { who: Alike; where: string }): { question: Question; as: Subject } {
    const { first } = this.#people;
    const stand = first.get(who.key) ?? { id: `${standInPrefix}${first.size}`, user: who.user };
    first.set(who.key, stand);
    const resource = this.#places.first.get(where) ?? question.resource;
    this.#places.first.set(where, resource);
    // No fact has an empty id, so no policy can mean this session.
    const session = { id: '', body: who.session };
    const as: Subject = { uid: { type: 'User', id: stand.id }, user: stand.user, session, token: null };
    return { question: { ...question, asker: { kind: 'anonymous' }, resource }, as };
  }

  /** All that policies can notice about an app; its own name where they can notice that. */
  #place(id: string): string {
    const changed = this.#facts.changedAt('place');
    if (changed !== this.#places.changed) this.#places = { changed, keys: new Map(), first: new Map() };
    let key = this.#places.keys.get(id);
    if (key === undefined) {
      const app = this.#facts.get('resource', id);
      const isOwn = app === undefined || this.#reads.isResourceRead || this.#reads.apps.has(id) || !id.isWellFormed();
      key = JSON.stringify(isOwn ? [id] : [null, app.segment, app.origin, app.requestable]);
      this.#places.keys.set(id, key);
    }
    return key;
  }

  #subject({ asker, resource }: Question, time: number): { readonly key: string; readonly like: Alike | null } {
    const facts = this.#facts;
    const stranger = { key: 'stranger', like: null };
    if (asker.kind === 'token') {
      const token = facts.get('token', asker.tokenId);
      if (token === undefined || token.status !== 'active' || time >= token.expiresAt) return stranger;
      const { owner, scopes } = token;
      const grants = owner.type === 'User' ? this.#grants(owner.id, { resource: resource.id, time }) : '';
      const key = `token ${JSON.stringify([owner.type, owner.id, scopes])} ${facts.changedAt('person')} ${grants}`;
      return { key, like: null };
    }
    if (asker.kind !== 'session') return stranger;
    const session = facts.get('session', asker.sessionId);
    if (session === undefined || session.status !== 'active' || time >= session.expiresAt) return stranger;
    const user = facts.get('user', session.user);
    if (user === undefined) return stranger;
    const grants = this.#grants(session.user, { resource: resource.id, time });
    const seen = this.#seen(session, time);
    const person = this.#person(session.user, user);
    if (person !== null && seen !== null && grants === '' && !this.#isStandInNamed) {
      return { key: `like ${person} ${seen}`, like: { key: person, user, session } };
    }
    const { credential, provider, phishingResistant, authTime, bound } = session;
    const exact = JSON.stringify([
      session.user,
      seen ?? [credential, provider, phishingResistant, authTime, bound, time],
    ]);
    return { key: `user ${exact} ${facts.changedAt('person')} ${grants}`, like: null };
  }

  /** What policies can notice about a session; looked for once while its age makes no difference. */
  #seen(session: Session, time: number): string | null {
    const known = this.#sessions.get(session);
    if (known !== undefined && known.from <= time && time < known.until) return known.key;
    const key = this.#likeness.session(session, time);
    const until = key === null ? time : this.#likeness.sessionSteadyUntil(session, time);
    this.#sessions.set(session, { key, from: time, until });
    return key;
  }

  #person(id: string, body: User): string | null {
    const changed = this.#facts.changedAt('person');
    if (changed !== this.#people.changed) {
      this.#people = { changed, keys: new Map(), first: new Map() };
      this.#likeness = new Likeness({ view: this.#facts, now: 0, reads: this.#reads });
    }
    let key = this.#people.keys.get(id);
    if (key === undefined) {
      key = this.#likeness.person({ id, body });
      this.#people.keys.set(id, key);
    }
    return key;
  }

  #grants(user: string, { resource, time }: { resource: string; time: number }): string {
    const all = this.#facts.grantsOf(user);
    if (all.length === 0) return '';
    const active = all.filter(
      ({ body }) =>
        body.resource === resource && body.state === 'active' && body.expiresAt !== null && time < body.expiresAt,
    );
    return active.length === 0 ? '' : JSON.stringify(active.map(({ id, body }) => [id, body.expiresAt]));
  }
}
