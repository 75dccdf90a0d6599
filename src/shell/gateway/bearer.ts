import { LastAnswer } from '#decision/administration';
import { WrittenPrincipal } from '#evidence/log';
import {
  type AppCookie,
  type Asker,
  cookieNotUsedYet,
  type FactView,
  type Session,
  type User,
} from '#foundation/model';
import type { KeptAssertion } from './assertions.ts';
import type { Seen } from './seen-sessions.ts';

/** What is kept of one bearer at one app. */
export interface BearerAt {
  readonly resource: string;
  readonly assertion: KeptAssertion;
  readonly lastAnswer: LastAnswer;
}

/**
 * The person of a session, with all that every request of theirs needs in one object: with thousands of people active, looking up
 * each of these things by name is most of what a request costs. Facts are replaced when they change, so the same objects say the same.
 */
export class Bearer {
  readonly sessionId: string;
  readonly session: Session;
  readonly user: User;
  /** What each request asks of the session: before which time it is good (milliseconds since the epoch, 0 when it has ended), and whose it is. */
  readonly goodUntil: number;
  readonly userId: string;
  readonly idleMs: number;
  readonly asker: Asker;
  /** What events say about them: the same object every time, so that it is written down once. */
  readonly principal: WrittenPrincipal;
  /** Of SeenSessions. */
  seen: Seen | null = null;
  /** Of the app that was asked for last, and of all. */
  #at: BearerAt | null = null;
  readonly #everywhere = new Map<string, BearerAt>();
  /** The facts as of when this was true. */
  #epoch: number;
  #revision: number;

  constructor(parts: Pick<Bearer, 'sessionId' | 'session' | 'user'>, at: Pick<FactView, 'epoch' | 'revision'>) {
    const { sessionId, session, user } = parts;
    this.sessionId = sessionId;
    this.session = session;
    this.user = user;
    this.goodUntil = goodUntilOf(session);
    this.userId = session.user;
    this.idleMs = session.idleMs;
    this.asker = Object.freeze({ kind: 'session', sessionId });
    const { name, email } = user;
    this.principal = new WrittenPrincipal({
      type: 'User',
      uid: session.user,
      name,
      email: email ?? undefined,
      sessionId,
    });
    this.#epoch = at.epoch;
    this.#revision = at.revision;
  }

  /** Have the facts stood still since this was last found to be true? */
  isOf(facts: Pick<FactView, 'epoch' | 'revision'>): boolean {
    return this.#revision === facts.revision && this.#epoch === facts.epoch;
  }

  /** Session and user are these very facts still. */
  confirm(at: Pick<FactView, 'epoch' | 'revision'>): this {
    this.#epoch = at.epoch;
    this.#revision = at.revision;
    return this;
  }

  /** Who asks for one app asks for it again: that one is at hand without looking for it. */
  at(resource: string): BearerAt {
    if (this.#at?.resource === resource) return this.#at;
    let at = this.#everywhere.get(resource);
    if (at === undefined) {
      at = { resource, assertion: { made: undefined, coming: undefined }, lastAnswer: new LastAnswer() };
      this.#everywhere.set(resource, at);
    }
    this.#at = at;
    return at;
  }
}

/** Who asks, with the app cookie that showed it, for rotation and sign-out. */
export interface Identified {
  readonly asker: Asker;
  /** Of a session whose user there is. */
  readonly bearer: Bearer | null;
  readonly cookie: {
    readonly id: string;
    readonly hash: string;
    readonly rotatedAt: number;
    readonly isCurrent: boolean;
    /** Has nobody shown the newest value yet? */
    readonly isNewestUnused: boolean;
  } | null;
  /** Hash of a cookie value that was replaced and whose grace is over: the browser has the new one, so this is a copy. */
  readonly copiedCookieHash: string | null;
  /** True when `Authorization` holds a token of ours, in force or not: it is not forwarded to apps. */
  readonly tokenInAuthorization: boolean;
}

/** An app cookie that is among the facts. */
export interface BornCookie {
  /** For who looks at every request: the app it is for, and before which time its session is good. */
  readonly resource: string;
  readonly goodUntil: number;
  /** Who asks with it while it is good, and with nothing else; the bearer is null when session or user is gone. */
  readonly identified: Identified;
}

interface Kept extends BornCookie {
  readonly hash: string;
  readonly epoch: number;
  readonly revision: number;
}

/** More hashes are not kept at once: each rotation makes a new one. */
const keptMax = 50_000;

/**
 * Some 30 bits of a hash. A table of such numbers is looked up without hashing a text and without reading those of others, most of which
 * no cache holds; whose the number is, the whole hash says.
 */
function numberOf(hash: string): number {
  const high = (hash.charCodeAt(0) << 24) ^ (hash.charCodeAt(1) << 18) ^ (hash.charCodeAt(2) << 12);
  return (high ^ (hash.charCodeAt(3) << 6) ^ hash.charCodeAt(4)) & 0x3fffffff;
}

/** Who bears the app cookies of one view of facts. What is found is kept for as long as the facts stand still, and looked at again then. */
export class Bearers {
  readonly facts: FactView;
  #byNumber = new Map<number, Kept>();
  /** Those of facts that are gone go with them. Cookies come and go with each rotation; who bears them stays. */
  readonly #bySession = new WeakMap<Session, Bearer>();

  constructor(facts: FactView) {
    this.facts = facts;
  }

  /** The cookie whose value has this hash, as the facts are now, whether its session is still good or not; undefined for any that is not known. */
  byCookie(hash: string): BornCookie | undefined {
    const { facts } = this;
    const { epoch, revision } = facts;
    const number = numberOf(hash);
    const kept = this.#byNumber.get(number);
    if (kept?.revision === revision && kept.epoch === epoch && kept.hash === hash) return kept;
    const cookie = facts.appCookieByHash(hash);
    if (cookie === undefined) {
      if (kept?.hash === hash) this.#byNumber.delete(number);
      return undefined;
    }
    const { id, body } = cookie;
    const { session: sessionId, resource, rotatedAt, previousUntil } = body;
    const isCurrent = body.hash === hash;
    const isNewestUnused = previousUntil === cookieNotUsedYet;
    const bearer = this.#bySessionId(sessionId);
    const identified: Identified = {
      asker: bearer?.asker ?? { kind: 'session', sessionId },
      bearer,
      cookie: { id, hash, rotatedAt, isCurrent, isNewestUnused },
      copiedCookieHash: null,
      tokenInAuthorization: false,
    };
    const goodUntil = bearer?.goodUntil ?? goodUntilOf(facts.get('session', sessionId));
    const found = { resource, goodUntil, identified, hash, epoch, revision };
    // How long a value that was replaced is still good depends on the time.
    if (!isCurrent) return found;
    if (this.#byNumber.size >= keptMax) this.#byNumber = new Map();
    this.#byNumber.set(number, found);
    return found;
  }

  /** Lets go of cookies that changed: what was found of them is not looked at any more either way. */
  forget(changes: readonly { readonly before: { readonly kind: string; readonly body: unknown } | null }[]): void {
    for (const { before } of changes) {
      if (before?.kind === 'app-cookie') this.#byNumber.delete(numberOf((before.body as AppCookie).hash));
    }
  }

  /** The same person by the facts as they are now, this very object if they say the same; null when session or user is gone. */
  now(bearer: Bearer): Bearer | null {
    return bearer.isOf(this.facts) ? bearer : this.#bySessionId(bearer.sessionId);
  }

  #bySessionId(sessionId: string): Bearer | null {
    const { facts } = this;
    const session = facts.get('session', sessionId);
    const user = session === undefined ? undefined : facts.get('user', session.user);
    if (session === undefined || user === undefined) return null;
    const found = this.#bySession.get(session);
    if (found?.user === user) return found.confirm(facts);
    const bearer = new Bearer({ sessionId, session, user }, facts);
    this.#bySession.set(session, bearer);
    return bearer;
  }
}

function goodUntilOf(session: Session | undefined): number {
  return session?.status === 'active' ? session.expiresAt : 0;
}
