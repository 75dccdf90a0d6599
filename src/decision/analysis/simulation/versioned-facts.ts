import type { AppCookie, FactId, FactKind, FactOf, FactRow, FactView, Grant, Session, Token } from '#foundation/model';

/** Revisions from one on, up to and without another. */
interface Span {
  readonly from: number;
  readonly until: number;
}

interface Version {
  readonly from: number;
  readonly body: unknown;
}

/** Kinds a decision about an app reads; entities of applications where a policy names one. */
const kinds = ['user', 'group', 'segment', 'resource', 'session', 'token', 'grant', 'entity'] as const;
export type ReplayedKind = (typeof kinds)[number];
const isReplayed = (kind: FactKind): kind is ReplayedKind => (kinds as readonly string[]).includes(kind);

/** Versions held at most; later ones are left out, and told. */
const versionsMax = 2_000_000;

/**
 * The facts as they were, at whatever revision is asked for: all versions since a first revision in memory. Single-threaded use: set the
 * revision with `at`, then read.
 */
export class VersionedFacts implements FactView {
  readonly #byKind = new Map<string, Map<string, Version[]>>(kinds.map((kind) => [kind, new Map()]));
  /** Ids of sessions and grants that a user ever had. */
  readonly #ofUser = { session: new Map<string, Set<string>>(), grant: new Map<string, Set<string>>() };
  /** Apps on which a user ever had a grant. */
  readonly #grantedApps = new Map<string, Set<string>>();
  /** Revisions at which something of these kinds changed, ascending. */
  readonly #changes = { place: [0], person: [0], anything: [0] };
  /** Every change after the first revision, ascending. */
  readonly #log: (FactId & { readonly revision: number })[] = [];
  readonly epoch: number;
  readonly first: number;
  #last: number;
  #count = 0;
  #revision: number;

  /** Begins with all facts as they stood at `first`. */
  constructor({ epoch, first, rows }: { epoch: number; first: number; rows: Iterable<FactRow> }) {
    this.epoch = epoch;
    this.first = first;
    this.#last = first;
    this.#revision = first;
    for (const row of rows) this.#put(row, first);
  }

  /** The revision that is read. */
  get revision(): number {
    return this.#revision;
  }

  /** Newest revision that is held. */
  get last(): number {
    return this.#last;
  }

  /** Takes in the next committed change. False: there is no more room, and nothing was taken in. */
  append(rows: Iterable<FactRow>, revision: number): boolean {
    if (this.#count >= versionsMax) return false;
    for (const row of rows) this.#put(row, revision);
    this.#last = revision;
    return true;
  }

  /** Reads at this revision from now on, or at the nearest that is held; gives which. */
  at(revision: number): number {
    this.#revision = Math.min(Math.max(revision, this.first), this.#last);
    return this.#revision;
  }

  /** The span around the revision that is read in which nothing of this kind changed. */
  changeSpan(what: 'place' | 'person' | 'anything'): Span {
    const all = this.#changes[what];
    let [low, high] = [0, all.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((all[middle] ?? 0) <= this.#revision) low = middle;
      else high = middle;
    }
    return { from: all[low] ?? 0, until: all[low + 1] ?? Number.POSITIVE_INFINITY };
  }

  /** The span in which this fact is what it is at the revision that is read. */
  span(kind: ReplayedKind, id: string): Span {
    let span: Span = { from: 0, until: Number.POSITIVE_INFINITY };
    for (const { from } of this.#byKind.get(kind)?.get(id) ?? []) {
      if (from > this.#revision) return { ...span, until: from };
      span = { from, until: Number.POSITIVE_INFINITY };
    }
    return span;
  }

  changesSince(revision: number): readonly FactId[] {
    const [from, to] = [Math.min(revision, this.#revision), Math.max(revision, this.#revision)];
    return this.#log.slice(this.#changesUpTo(from), this.#changesUpTo(to));
  }

  /** How many changes there are up to a revision. */
  #changesUpTo(revision: number): number {
    let [low, high] = [0, this.#log.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#log[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #put({ kind, id, body }: FactRow, revision: number): void {
    if (!isReplayed(kind)) return;
    const table = this.#byKind.get(kind) as Map<string, Version[]>;
    const versions = table.get(id);
    if (versions === undefined) table.set(id, [{ from: revision, body }]);
    else versions.push({ from: revision, body });
    this.#count += 1;
    if (revision > this.first) this.#log.push({ revision, kind, id });
    if (body !== null && (kind === 'session' || kind === 'grant')) {
      const { user } = body as { user: string };
      const known = this.#ofUser[kind].get(user);
      if (known === undefined) this.#ofUser[kind].set(user, new Set([id]));
      else known.add(id);
      if (kind === 'grant') {
        const { resource } = body as { resource: string };
        this.#grantedApps.set(user, (this.#grantedApps.get(user) ?? new Set()).add(resource));
      }
    }
    this.#changed('anything', revision);
    if (kind === 'resource' || kind === 'segment') this.#changed('place', revision);
    if (kind === 'user' || kind === 'group') this.#changed('person', revision);
  }

  #changed(what: 'place' | 'person' | 'anything', revision: number): void {
    if (this.#changes[what].at(-1) !== revision) this.#changes[what].push(revision);
  }

  #body(versions: readonly Version[] | undefined): unknown {
    if (versions === undefined) return undefined;
    for (let index = versions.length - 1; index >= 0; index -= 1) {
      const version = versions[index] as Version;
      if (version.from <= this.#revision) return version.body ?? undefined;
    }
    return undefined;
  }

  get<K extends FactKind>(kind: K, id: string): FactOf<K> | undefined {
    return this.#body(this.#byKind.get(kind)?.get(id)) as FactOf<K> | undefined;
  }

  *all<K extends FactKind>(kind: K): IterableIterator<[id: string, body: FactOf<K>]> {
    for (const [id, versions] of this.#byKind.get(kind) ?? []) {
      const body = this.#body(versions);
      if (body !== undefined) yield [id, body as FactOf<K>];
    }
  }

  #owned<K extends 'session' | 'grant'>(kind: K, user: string): { id: string; body: FactOf<K> }[] {
    const ids = this.#ofUser[kind].get(user);
    if (ids === undefined) return [];
    return [...ids].flatMap((id) => {
      const body = this.get(kind, id);
      return body === undefined || (body as { user: string }).user !== user ? [] : [{ id, body }];
    });
  }

  grantsOf(user: string): readonly { id: string; body: Grant }[] {
    return this.#owned('grant', user);
  }

  /** Apps on which the user had a grant at any revision that is held; undefined: there is none. */
  everGranted(user: string): ReadonlySet<string> | undefined {
    return this.#grantedApps.get(user);
  }

  sessionsOf(user: string): readonly { id: string; body: Session }[] {
    return this.#owned('session', user);
  }

  // Who asked is recorded: nothing is looked up by what a client shows.
  appCookieByHash(): { id: string; body: AppCookie } | undefined {
    return undefined;
  }

  replacedAppCookieByHash(): { id: string; body: AppCookie } | undefined {
    return undefined;
  }

  tokenByHash(): { id: string; body: Token } | undefined {
    return undefined;
  }
}
