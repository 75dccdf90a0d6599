import { type Asking, ancestorsMax, askingFor } from '#decision/administration';
import type { FactView, Session, User } from '#foundation/model';
import type { PrincipalReads } from './principal-reads.ts';

/** Paths whose value is a record: reading one of them reads all that lies in it. */
const sessionPath = 'context.session';
const agePath = `${sessionPath}.authAgeSeconds`;

export interface Person {
  readonly id: string;
  readonly body: User;
}

/** Where a number lies among ascending ones. */
function bucketOf(value: number, thresholds: readonly number[]): string {
  const below = thresholds.filter((each) => each < value).length;
  return `${below}${thresholds.includes(value) ? '=' : ''}`;
}

type SessionBody = Pick<Session, 'credential' | 'provider' | 'phishingResistant' | 'authTime' | 'bound'>;

/** Says which people no policy of a set can tell apart. Made for one view, one time and one set. */
export class Likeness {
  readonly #view: FactView;
  readonly #now: number;
  readonly #reads: PrincipalReads;
  /** Groups that policies name among those above a group, itself included, and how many stand there. */
  readonly #above = new Map<string, { readonly named: readonly string[]; readonly count: number }>();

  constructor({ view, now, reads }: { view: FactView; now: number; reads: PrincipalReads }) {
    this.#view = view;
    this.#now = now;
    this.#reads = reads;
  }

  /** How the person would be asked for, and a text that is the same for those who are alike; null: like nobody else. */
  of(person: Person): { readonly asking: Asking; readonly key: string | null } {
    const asking = askingFor(this.#view, { user: person, now: this.#now });
    const { asker } = asking;
    const body = asker.kind === 'session' ? this.#view.get('session', asker.sessionId) : asking.as?.session?.body;
    const [who, session] = [this.person(person), body === undefined ? null : this.session(body, this.#now)];
    return { asking, key: who === null || session === null ? null : `${who} ${session}` };
  }

  /** What policies can notice about a person, apart from their session. */
  person({ id, body }: Person): string | null {
    if (this.#reads.isIdentityRead || this.#reads.users.has(id)) return null;
    const groups = this.#groups(body.groups);
    // Bad text makes a request invalid, and that is seen in one person's entity only.
    const isWellFormed = [id, body.name, body.email ?? '', body.source].every((each) => each.isWellFormed());
    if (groups === null || !isWellFormed) return null;
    const { paths } = this.#reads;
    const { name, email, status, source } = body;
    const attributes = Object.entries({ name, email: email ?? '', status, source })
      .filter(([attribute]) => paths.has(`principal.${attribute}`))
      .map(([, value]) => value);
    return JSON.stringify([groups, attributes]);
  }

  /** What policies can notice about a session at a time; null: it is like no other. */
  session({ credential, provider, phishingResistant, authTime, bound }: SessionBody, now: number): string | null {
    const { paths, thresholds } = this.#reads;
    const isWhole = paths.has('context') || paths.has(sessionPath);
    // A proof from the future counts as none; whoever has one is judged by themselves.
    if (now < authTime) return null;
    const authAgeSeconds = Math.floor((now - authTime) / 1000);
    const seen = Object.entries({ credential, provider, phishingResistant, bound, authAgeSeconds }).flatMap(
      ([name, value]) => {
        const path = `${sessionPath}.${name}`;
        if (!isWhole && !paths.has(path)) return [];
        const limits = isWhole ? undefined : thresholds.get(path);
        return [limits === undefined || typeof value !== 'number' ? value : bucketOf(value, limits)];
      },
    );
    return JSON.stringify(seen);
  }

  /** Up to when, not included, `session` gives the same for this session as it does now, milliseconds since the epoch. */
  sessionSteadyUntil({ authTime }: Pick<SessionBody, 'authTime'>, now: number): number {
    const { paths, thresholds } = this.#reads;
    const age = Math.floor((now - authTime) / 1000);
    const isWhole = paths.has('context') || paths.has(sessionPath);
    if (!isWhole && !paths.has(agePath)) return Number.POSITIVE_INFINITY;
    const limits = isWhole ? undefined : thresholds.get(agePath);
    // Below, at or above each of them.
    const steps = limits?.flatMap((limit) => [limit, limit + 1]).filter((step) => step > age);
    return authTime + (steps === undefined ? age + 1 : Math.min(...steps)) * 1000;
  }

  /** Which of the groups that policies name stand above; null when there may be more than can be judged. */
  #groups(direct: readonly string[]): string | null {
    const named = new Set<string>();
    let count = 0;
    for (const id of [...direct, 'everyone']) {
      const above = this.#aboveGroup(id);
      count += above.count;
      for (const each of above.named) named.add(each);
    }
    return count > ancestorsMax ? null : [...named].sort().join(' ');
  }

  #aboveGroup(id: string): { readonly named: readonly string[]; readonly count: number } {
    let above = this.#above.get(id);
    if (above === undefined) {
      const found = new Set([id]);
      // A set gives what is added while it is walked.
      for (const each of found) {
        if (found.size > ancestorsMax) break;
        for (const parent of this.#view.get('group', each)?.memberOf ?? []) found.add(parent);
      }
      above = { named: [...found].filter((each) => this.#reads.groups.has(each)), count: found.size };
      this.#above.set(id, above);
    }
    return above;
  }
}
