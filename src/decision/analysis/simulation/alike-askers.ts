import type { Subject } from '#decision/administration';
import type { Asker, User } from '#foundation/model';
import { Likeness } from '../reverse/likeness.ts';
import type { PrincipalReads } from '../reverse/principal-reads.ts';
import type { VersionedFacts } from './versioned-facts.ts';

/** Longer than any id of a fact: whoever stands for others has no grants of their own. */
const standInPrefix = '-'.repeat(201);

/** Whoever asks, as far as policies can tell them from others, and what they were answered. */
export interface Who<Answer> {
  /** What policies can notice about the person, where somebody may stand for all alike; null: this is one asker alone. */
  readonly person: string | null;
  /** And about the session. */
  readonly seen: string;
  readonly answers: Map<number | string, Answer>;
  /** The same by what policies that read less can notice, by what they read: all of it is part of what makes this `Who`. */
  readonly near: Map<PrincipalReads, Map<number | string, Answer> | null>;
}

/** What policies that read less can notice, by what all of them can; null: it cannot be said. */
interface Less<Answer> {
  readonly likeness: Likeness;
  readonly people: Map<string, string | null>;
  readonly sessions: Map<string, string | null>;
  readonly answers: Map<string, Map<number | string, Answer>>;
}

/** What was found out about a session, and the revisions of facts and the times between which it holds. */
interface Seat<Answer> {
  readonly fromRevision: number;
  readonly untilRevision: number;
  readonly from: number;
  readonly until: number;
  readonly who: Who<Answer>;
  readonly user: string;
  /** Apps on which this person ever had a grant; whether it holds must be looked up then. */
  readonly granted: ReadonlySet<string> | undefined;
}

/** What is kept under this key; made when there is nothing yet. */
function kept<K, V>(all: Map<K, V>, key: K, make: () => V): V {
  let value = all.get(key);
  if (value === undefined) {
    value = make();
    all.set(key, value);
  }
  return value;
}

/** Says who is who to policies: two askers that are the same `Who` get the same answers wherever they ask. */
export class AlikeAskers<Answer> {
  readonly #facts: VersionedFacts;
  readonly #reads: PrincipalReads;
  readonly #isStandInNamed: boolean;
  readonly #known = new Map<string, Who<Answer>>();
  readonly #seats = new Map<string, Seat<Answer>>();
  /** Of people, from one change of users and groups to the next: what policies can notice about each, and the first of those alike. */
  #people: {
    from: number;
    until: number;
    likeness: Likeness;
    keys: Map<string, string | null>;
    first: Map<string, { readonly id: string; readonly user: User }>;
    /** By what is read. */
    less: Map<PrincipalReads, Less<Answer>>;
  };

  constructor(facts: VersionedFacts, reads: PrincipalReads) {
    this.#facts = facts;
    this.#reads = reads;
    this.#isStandInNamed = [...reads.users].some((id) => id.startsWith(standInPrefix));
    this.#people = this.#peopleOfNow();
  }

  /** The facts must be set to the revision that is asked about. */
  of(asker: Asker, { app, time }: { app: string; time: number }): Who<Answer> {
    if (asker.kind === 'token') return this.#token(asker.tokenId, { app, time });
    if (asker.kind !== 'session') return this.#who('stranger');
    const seat = this.#seats.get(asker.sessionId);
    const { revision } = this.#facts;
    const holds =
      seat !== undefined &&
      seat.fromRevision <= revision &&
      revision < seat.untilRevision &&
      seat.from <= time &&
      time < seat.until &&
      (seat.granted?.has(app) !== true || this.#grants(seat.user, { app, time }) === '');
    return holds ? seat.who : this.#session(asker.sessionId, { app, time });
  }

  /** Asks as somebody who stands for all that are alike: what is known of them is looked up once. */
  standIn({ person }: Who<Answer>, asker: Asker): Subject | undefined {
    const session = asker.kind === 'session' ? this.#facts.get('session', asker.sessionId) : undefined;
    const user = session === undefined ? undefined : this.#facts.get('user', session.user);
    if (person === null || session === undefined || user === undefined) return undefined;
    const { first } = this.#peopleNow();
    const stand = first.get(person) ?? { id: `${standInPrefix}${first.size}`, user };
    first.set(person, stand);
    // No fact has an empty id, so no policy can mean this session.
    return { uid: { type: 'User', id: stand.id }, user: stand.user, session: { id: '', body: session }, token: null };
  }

  /** Answers to all whom those policies cannot tell apart that read only this of who asks; null: it cannot be said of them. */
  near(who: Who<Answer>, { asker, reads, time }: { asker: Asker; reads: PrincipalReads; time: number }) {
    let near = who.near.get(reads);
    if (near === undefined) {
      near = this.#nearOf(who, { asker, reads, time });
      who.near.set(reads, near);
    }
    return near;
  }

  #nearOf(
    { person, seen }: Who<Answer>,
    { asker, reads, time }: { asker: Asker; reads: PrincipalReads; time: number },
  ) {
    const session = asker.kind === 'session' ? this.#facts.get('session', asker.sessionId) : undefined;
    const body = session === undefined ? undefined : this.#facts.get('user', session.user);
    if (person === null || session === undefined || body === undefined) return null;
    const { likeness, people, sessions, answers } = this.#lessOf(reads);
    const less = kept(people, person, () => likeness.person({ id: session.user, body }));
    const lessSeen = kept(sessions, seen, () => likeness.session(session, time));
    return less === null || lessSeen === null ? null : kept(answers, `${less} ${lessSeen}`, () => new Map());
  }

  #lessOf(reads: PrincipalReads): Less<Answer> {
    return kept(this.#peopleNow().less, reads, () => ({
      likeness: new Likeness({ view: this.#facts, now: 0, reads }),
      people: new Map(),
      sessions: new Map(),
      answers: new Map(),
    }));
  }

  #who(key: string, like: { person: string | null; seen: string } = { person: null, seen: '' }): Who<Answer> {
    return kept(this.#known, key, () => ({ ...like, answers: new Map(), near: new Map() }));
  }

  #token(id: string, { app, time }: { app: string; time: number }): Who<Answer> {
    const token = this.#facts.get('token', id);
    if (token === undefined || token.status !== 'active' || time >= token.expiresAt) return this.#who('stranger');
    const { owner, scopes } = token;
    const grants = owner.type === 'User' ? this.#grants(owner.id, { app, time }) : '';
    return this.#who(`token ${JSON.stringify([owner.type, owner.id, scopes])} ${this.#peopleNow().from} ${grants}`);
  }

  #session(id: string, { app, time }: { app: string; time: number }): Who<Answer> {
    const facts = this.#facts;
    const session = facts.get('session', id);
    if (session === undefined || session.status !== 'active' || time >= session.expiresAt) return this.#who('stranger');
    const user = facts.get('user', session.user);
    if (user === undefined) return this.#who('stranger');
    const people = this.#peopleNow();
    const seen = people.likeness.session(session, time);
    const person = this.#person(session.user, user);
    const grants = this.#grants(session.user, { app, time });
    if (person === null || seen === null || grants !== '' || this.#isStandInNamed) {
      const { credential, provider, phishingResistant, authTime, bound } = session;
      const exact = [session.user, seen ?? [credential, provider, phishingResistant, authTime, bound, time]];
      return this.#who(`user ${JSON.stringify(exact)} ${people.from} ${grants}`);
    }
    const who = this.#who(`like ${person} ${seen}`, { person, seen });
    const span = facts.span('session', id);
    this.#seats.set(id, {
      fromRevision: Math.max(span.from, people.from),
      untilRevision: Math.min(span.until, people.until),
      from: time,
      until: Math.min(people.likeness.sessionSteadyUntil(session, time), session.expiresAt),
      who,
      user: session.user,
      granted: facts.everGranted(session.user),
    });
    return who;
  }

  #peopleOfNow() {
    const likeness = new Likeness({ view: this.#facts, now: 0, reads: this.#reads });
    return { ...this.#facts.changeSpan('person'), likeness, keys: new Map(), first: new Map(), less: new Map() };
  }

  #peopleNow() {
    const { revision } = this.#facts;
    if (revision < this.#people.from || revision >= this.#people.until) this.#people = this.#peopleOfNow();
    return this.#people;
  }

  #person(id: string, body: User): string | null {
    const { keys, likeness } = this.#peopleNow();
    return kept(keys, id, () => likeness.person({ id, body }));
  }

  #grants(user: string, { app, time }: { app: string; time: number }): string {
    if (this.#facts.everGranted(user)?.has(app) !== true) return '';
    const active = this.#facts
      .grantsOf(user)
      .filter(
        ({ body }) =>
          body.resource === app && body.state === 'active' && body.expiresAt !== null && time < body.expiresAt,
      );
    return active.length === 0 ? '' : JSON.stringify(active.map(({ id, body }) => [id, body.expiresAt]));
  }
}
