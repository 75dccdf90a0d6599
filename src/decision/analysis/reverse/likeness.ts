import { type Asking, ancestorsMax, askingFor } from '#decision/administration';
import type { FactView, Session, User } from '#foundation/model';
import type { PrincipalReads } from './principal-reads.ts';

/** Paths whose value is a record: reading one of them reads all that lies in it. */
const sessionPath = 'context.session';

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
    if (this.#reads.isIdentityRead || this.#reads.users.has(person.id)) return { asking, key: null };
    const groups = this.#groups(person.body.groups);
    // Bad text makes a request invalid, and that is seen in one person's entity only.
    const isWellFormed = [person.id, person.body.name, person.body.email ?? '', person.body.source].every((each) =>
      each.isWellFormed(),
    );
    const session = this.#session(asking);
    if (groups === null || !isWellFormed || session === undefined) return { asking, key: null };
    const { paths } = this.#reads;
    const { name, email, status, source } = person.body;
    const attributes = Object.entries({ name, email: email ?? '', status, source })
      .filter(([attribute]) => paths.has(`principal.${attribute}`))
      .map(([, value]) => value);
    return { asking, key: JSON.stringify([groups, attributes, session]) };
  }

  #session(asking: Asking): readonly string[] | undefined {
    const { asker } = asking;
    const body: SessionBody | undefined =
      asker.kind === 'session' ? this.#view.get('session', asker.sessionId) : asking.as?.session?.body;
    if (body === undefined) return undefined;
    const { credential, provider, phishingResistant, authTime, bound } = body;
    const { paths, thresholds } = this.#reads;
    const isWhole = paths.has('context') || paths.has(sessionPath);
    // A proof from the future counts as none; whoever has one is judged by themselves.
    if (this.#now < authTime) return undefined;
    const authAgeSeconds = Math.floor((this.#now - authTime) / 1000);
    return Object.entries({ credential, provider, phishingResistant, bound, authAgeSeconds }).flatMap(
      ([name, value]) => {
        const path = `${sessionPath}.${name}`;
        if (!isWhole && !paths.has(path)) return [];
        const limits = isWhole ? undefined : thresholds.get(path);
        return [limits === undefined || typeof value !== 'number' ? String(value) : bucketOf(value, limits)];
      },
    );
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
