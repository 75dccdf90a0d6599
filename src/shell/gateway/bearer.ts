import type { PrincipalInput } from '#evidence/log';
import type { AppCookie, Asker, FactView, Session, User } from '#foundation/model';
import type { KeptAssertion } from './assertions.ts';
import type { Seen } from './seen-sessions.ts';

/**
 * The person of a session, with all that every request of theirs needs in one object: with thousands of people active, looking up
 * each of these things by name is most of what a request costs. Facts are replaced when they change, so the same objects say the same.
 */
export class Bearer {
  readonly sessionId: string;
  readonly session: Session;
  readonly user: User;
  readonly asker: Asker;
  /** What events say about them: the same object every time, so that it is written down once. */
  readonly principal: PrincipalInput;
  /** Of Assertions, who alone looks at them: the one that was asked for last, and those of all resources. */
  assertion: KeptAssertion | null = null;
  readonly assertions = new Map<string, KeptAssertion>();
  /** Of SeenSessions. */
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
    return this.isOf(facts) ? this : lookUp(facts, this.sessionId);
  }

  /** Session and user are these very facts still. */
  confirm(at: Pick<FactView, 'epoch' | 'revision'>): this {
    this.#epoch = at.epoch;
    this.#revision = at.revision;
    return this;
  }
}

/** Those of facts that are gone go with them. Cookies come and go with each rotation; who bears them stays. */
interface Bearers {
  readonly byCookie: WeakMap<AppCookie, Bearer>;
  readonly bySession: WeakMap<Session, Bearer>;
}

const known = new WeakMap<FactView, Bearers>();

function bearersIn(facts: FactView): Bearers {
  let bearers = known.get(facts);
  if (bearers === undefined) {
    bearers = { byCookie: new WeakMap(), bySession: new WeakMap() };
    known.set(facts, bearers);
  }
  return bearers;
}

function lookUp(facts: FactView, sessionId: string): Bearer | null {
  const session = facts.get('session', sessionId);
  const user = session === undefined ? undefined : facts.get('user', session.user);
  if (session === undefined || user === undefined) return null;
  const { bySession } = bearersIn(facts);
  const found = bySession.get(session);
  if (found?.user === user) return found.confirm(facts);
  const bearer = new Bearer({ sessionId, session, user }, facts);
  bySession.set(session, bearer);
  return bearer;
}

/** Session and user behind an app cookie as the facts are now, whether the session is still good or not; null when one of them is gone. */
export function bearerOf(facts: FactView, cookie: AppCookie): Bearer | null {
  const { byCookie } = bearersIn(facts);
  const found = byCookie.get(cookie);
  if (found?.isOf(facts) === true) return found;
  const bearer = lookUp(facts, cookie.session);
  if (bearer !== null && bearer !== found) byCookie.set(cookie, bearer);
  return bearer;
}
