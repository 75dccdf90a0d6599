import { judge, type PublishedPolicies } from '#decision/administration';
import type { PolicySet } from '#decision/engine';
import type { Question, RequestContext, User } from '#foundation/model';
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
  readonly #answers = new Map<string, Again>();
  #likeness: Likeness;
  #people = new Map<string, string | null>();
  #peopleOf = -1;
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
    this.#reads = readsOfPrincipal({ policies: new Map(all) });
    const { paths } = this.#reads;
    const isRead = (part: string) => paths.has('context') || paths.has(`context.${part}`);
    this.#parts = requestParts.filter(isRead);
    this.#isTimeRead = isRead('now');
    this.#likeness = new Likeness({ view: facts, now: 0, reads: this.#reads });
  }

  /** The facts must be set to the revision that the question is asked at. */
  decide(question: Question, { time, sequence }: { time: number; sequence: number }): Again {
    const key = this.#key(question, { time, sequence });
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const before = this.#before.get(sequence);
    const again: Again = {
      before: before === undefined ? null : this.#judge(before.published, question, time),
      after: this.#judge(this.#after, question, time),
    };
    if (this.#answers.size >= answersMax) this.#answers.clear();
    this.#answers.set(key, again);
    return again;
  }

  #judge(policies: PublishedPolicies, question: Question, now: number): AgainAnswer {
    this.judged += 1;
    const { answer, reasons } = judge({ view: this.#facts, policies, question, now });
    return { isAllowed: answer === 'allow', reasons };
  }

  #key(question: Question, { time, sequence }: { time: number; sequence: number }): string {
    const { action, resource, request } = question;
    let key = `${sequence} ${this.#facts.changedAt('place')} ${action} ${resource.id} ${this.#subject(question, time)}`;
    // Attacker-controlled text is quoted, so that no two questions write the same key.
    for (const part of this.#parts) key += ` ${JSON.stringify(request[part])}`;
    return this.#isTimeRead ? `${key} ${Math.floor(time / 1000)}` : key;
  }

  #subject({ asker, resource }: Question, time: number): string {
    const facts = this.#facts;
    if (asker.kind === 'token') {
      const token = facts.get('token', asker.tokenId);
      if (token === undefined || token.status !== 'active' || time >= token.expiresAt) return 'stranger';
      const { owner, scopes } = token;
      const grants = owner.type === 'User' ? this.#grants(owner.id, { resource: resource.id, time }) : '';
      return `token ${JSON.stringify([owner.type, owner.id, scopes])} ${facts.changedAt('person')} ${grants}`;
    }
    if (asker.kind !== 'session') return 'stranger';
    const session = facts.get('session', asker.sessionId);
    if (session === undefined || session.status !== 'active' || time >= session.expiresAt) return 'stranger';
    const body = facts.get('user', session.user);
    if (body === undefined) return 'stranger';
    const grants = this.#grants(session.user, { resource: resource.id, time });
    const seen = this.#likeness.session(session, time);
    const who = this.#person(session.user, body);
    if (who !== null && seen !== null && grants === '') return `like ${who} ${seen}`;
    const { credential, provider, phishingResistant, authTime, bound } = session;
    const exact = JSON.stringify([
      session.user,
      seen ?? [credential, provider, phishingResistant, authTime, bound, time],
    ]);
    return `user ${exact} ${facts.changedAt('person')} ${grants}`;
  }

  #person(id: string, body: User): string | null {
    const changed = this.#facts.changedAt('person');
    if (changed !== this.#peopleOf) {
      this.#peopleOf = changed;
      this.#people = new Map();
      this.#likeness = new Likeness({ view: this.#facts, now: 0, reads: this.#reads });
    }
    let key = this.#people.get(id);
    if (key === undefined) {
      key = this.#likeness.person({ id, body });
      this.#people.set(id, key);
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
