import type { PrincipalInput } from '#evidence/log';
import type { AppCookie, Asker, FactView, Session, User } from '#foundation/model';
import type { KeptAssertion } from './assertions.ts';
import type { Seen } from './seen-sessions.ts';

/** Bearers of one view of the facts that are kept; at more, all are made anew. */
const bearersMax = 50_000;

/**
 * The person behind an app cookie, with all that every request of theirs needs in one object: with thousands of people active, looking up
 * each of these things by name is most of what a request costs. Facts are replaced when they change, so the same objects say the same.
 */
export class Bearer {
  readonly sessionId: string;
  readonly session: Session;
  readonly user: User;
  readonly asker: Asker;
  /** What events say about them: the same object every time, so that it is written down once. */
  readonly principal: PrincipalInput;
  /** Of Assertions and SeenSessions, who alone look at them. */
  assertion: KeptAssertion | null = null;
  seen: Seen | null = null;
  /** The facts as of when this was true. */
  #epoch: number;
  #revision: number;

  constructor(parts: Pick<Bearer, 'sessionId' | 'session' | 'user'>, at: Pick<FactView, 'epoch' | 'revision'>) {
    const { sessionId, session, user } = parts;
    this.sessionId = sessionId;
    this.session = session;
    this.user = user;
    this.asker = Object.freeze({ kind: 'session', sessionId });
    const { name, email } = user;
    this.principal = { type: 'User', uid: session.user, name, email: email ?? undefined, sessionId };
    this.#epoch = at.epoch;
    this.#revision = at.revision;
  }

  /** Have the facts stood still since this was last found to be true? */
  isOf(facts: FactView): boolean {
    return this.#revision === facts.revision && this.#epoch === facts.epoch;
  }

  /** The same person by the facts as they are now, this very object if they say the same; null when session or user is gone. */
  asOf(facts: FactView): Bearer | null {
    if (this.isOf(facts)) return this;
    const bearer = lookUp(facts, this.sessionId);
    if (bearer?.session !== this.session || bearer.user !== this.user) return bearer;
    this.#epoch = facts.epoch;
    this.#revision = facts.revision;
    return this;
  }
}

function lookUp(facts: FactView, sessionId: string): Bearer | null {
  const session = facts.get('session', sessionId);
  const user = session === undefined ? undefined : facts.get('user', session.user);
  return session === undefined || user === undefined ? null : new Bearer({ sessionId, session, user }, facts);
}

const known = new WeakMap<FactView, { readonly byCookie: WeakMap<AppCookie, Bearer>; count: number }>();

/** Session and user behind an app cookie as the facts are now, whether the session is still good or not; null when one of them is gone. */
export function bearerOf(facts: FactView, cookie: AppCookie): Bearer | null {
  let bearers = known.get(facts);
  if (bearers === undefined || bearers.count >= bearersMax) {
    bearers = { byCookie: new WeakMap(), count: 0 };
    known.set(facts, bearers);
  }
  const found = bearers.byCookie.get(cookie);
  const bearer = found === undefined ? lookUp(facts, cookie.session) : found.asOf(facts);
  if (bearer !== null && bearer !== found) {
    bearers.byCookie.set(cookie, bearer);
    bearers.count += 1;
  }
  return bearer;
}
