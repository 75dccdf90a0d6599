import {
  type AppCookie,
  type Clock,
  type FactId,
  type FactKind,
  type FactOf,
  type FactRow,
  type FactView,
  factSchemas,
  type Grant,
  type Session,
  type Token,
} from '#foundation/model';
import { InventoryError } from './inventory-error.ts';

/** A fact that stands, with the revision of its last change. */
export interface StandingFact<K extends FactKind = FactKind> {
  readonly kind: K;
  readonly id: string;
  readonly revision: number;
  readonly body: FactOf<K>;
}

type AnyStandingFact = { [K in FactKind]: StandingFact<K> }[FactKind];

/** What an update did to one fact: null before it existed and after it was removed. */
export interface FactChange {
  readonly kind: FactKind;
  readonly id: string;
  readonly before: StandingFact | null;
  readonly after: StandingFact | null;
}

/** Called once per update, when all of it can be read. */
export type FactListener = (changes: readonly FactChange[], revision: number) => void;

/** Changes that are remembered for those who follow at their own pace. */
export const rememberedChangesMax = 20_000;

type Tables = { [K in FactKind]: Map<string, StandingFact<K>> };

const kinds = Object.keys(factSchemas) as FactKind[];

function emptyTables(): Tables {
  return Object.fromEntries(kinds.map((kind) => [kind, new Map()])) as unknown as Tables;
}

/** Keys under which a fact is found besides its id; the first word keeps the indexes apart. */
function indexKeys(fact: AnyStandingFact): string[] {
  switch (fact.kind) {
    case 'app-cookie':
      return [`session-cookie ${fact.body.session}`];
    case 'token':
      return [`token ${fact.body.hash}`];
    case 'grant':
      return [`user-grant ${fact.body.user}`];
    case 'session':
      return [`user-session ${fact.body.user}`];
    default:
      return [];
  }
}

/** The hashes a cookie is found by, without repetition. */
function hashesOf({ hash, previousHash }: AppCookie): readonly string[] {
  return previousHash === null || previousHash === hash ? [hash] : [hash, previousHash];
}

/** Two cookies with one hash do not come about by chance. */
const isOne = (
  found: StandingFact<'app-cookie'> | readonly StandingFact<'app-cookie'>[],
): found is StandingFact<'app-cookie'> => !Array.isArray(found);

/**
 * All current facts in memory, from which a process judges. Single-threaded use: an update is one synchronous call, so
 * that readers see all of it or nothing. Bodies are shared with the caller and never changed in place.
 */
export class FactTable implements FactView {
  readonly #clock: Clock;
  readonly #listeners = new Set<FactListener>();
  #tables = emptyTables();
  #index = new Map<string, Set<string>>();
  /** By the hashes of their newest and previous value: every request asks. */
  #cookies = new Map<string, StandingFact<'app-cookie'> | readonly StandingFact<'app-cookie'>[]>();
  #epoch = 0;
  #revision = 0;
  /** What changed lately, ascending: all that did after `#rememberedFrom`. */
  #remembered: (FactId & { readonly revision: number })[] = [];
  #rememberedFrom = 0;

  /** `clock` ends the grace of rotated app cookies. */
  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get revision(): number {
    return this.#revision;
  }

  /** How many facts stand. */
  get size(): number {
    return kinds.reduce((sum, kind) => sum + this.#tables[kind].size, 0);
  }

  get<K extends FactKind>(kind: K, id: string): FactOf<K> | undefined {
    return this.#tables[kind].get(id)?.body;
  }

  /** The fact with the revision of its last change. */
  standing<K extends FactKind>(kind: K, id: string): StandingFact<K> | undefined {
    return this.#tables[kind].get(id);
  }

  *all<K extends FactKind>(kind: K): IterableIterator<[id: string, body: FactOf<K>]> {
    for (const [id, fact] of this.#tables[kind]) yield [id, fact.body];
  }

  /** Every standing fact of every kind, as of now: later updates do not show in the answer. */
  rows(): StandingFact[] {
    return kinds.flatMap((kind): StandingFact[] => [...this.#tables[kind].values()]);
  }

  appCookieByHash(hash: string): StandingFact<'app-cookie'> | undefined {
    const found = this.#cookies.get(hash);
    if (found === undefined) return undefined;
    return isOne(found)
      ? this.#isGood(found, hash)
        ? found
        : undefined
      : found.find((fact) => this.#isGood(fact, hash));
  }

  #isGood({ body }: StandingFact<'app-cookie'>, hash: string): boolean {
    return body.hash === hash || (body.previousHash === hash && this.#clock() < body.previousUntil);
  }

  #cookiesAt(hash: string): readonly StandingFact<'app-cookie'>[] {
    const found = this.#cookies.get(hash);
    return found === undefined ? [] : isOne(found) ? [found] : found;
  }

  replacedAppCookieByHash(hash: string): StandingFact<'app-cookie'> | undefined {
    const now = this.#clock();
    return this.#cookiesAt(hash).find(
      ({ body }) => body.previousHash === hash && body.hash !== hash && now >= body.previousUntil,
    );
  }

  tokenByHash(hash: string): { id: string; body: Token } | undefined {
    return this.#find('token', `token ${hash}`)[0];
  }

  grantsOf(user: string): readonly { id: string; body: Grant }[] {
    return this.#find('grant', `user-grant ${user}`);
  }

  sessionsOf(user: string): readonly { id: string; body: Session }[] {
    return this.#find('session', `user-session ${user}`);
  }

  /** The app cookies that are children of a session. */
  cookiesOf(session: string): readonly { id: string; body: AppCookie }[] {
    return this.#find('app-cookie', `session-cookie ${session}`);
  }

  changesSince(revision: number): readonly FactId[] | undefined {
    if (revision < this.#rememberedFrom || revision > this.#revision) return undefined;
    const changes = this.#remembered;
    let start = changes.length;
    while (start > 0 && (changes[start - 1]?.revision ?? 0) > revision) start -= 1;
    return changes.slice(start);
  }

  /** Tells `listener` of every later update. Returns the function that ends it. */
  onChange(listener: FactListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes in the facts of one committed transaction. Throws InventoryError `stale-revision` when `revision` does not lie
   * after what is held, and then changes nothing.
   */
  apply(rows: readonly FactRow[], revision: number): void {
    if (!Number.isSafeInteger(revision) || revision <= this.#revision) {
      throw new InventoryError('stale-revision', `revision ${revision} does not follow ${this.#revision}`);
    }
    const changes = rows.map((row) => this.#put(row));
    this.#revision = revision;
    this.#remember(changes);
    this.#tell(changes);
  }

  #remember(changes: readonly FactChange[]): void {
    const revision = this.#revision;
    for (const { kind, id } of changes) this.#remembered.push({ revision, kind, id });
    // Half is let go at once, so that letting go costs little; a revision is remembered whole or not at all.
    if (this.#remembered.length <= rememberedChangesMax) return;
    this.#rememberedFrom = this.#remembered.at(-rememberedChangesMax / 2)?.revision ?? revision;
    this.#remembered = this.#remembered.filter((each) => each.revision > this.#rememberedFrom);
  }

  /** Replaces everything by a full copy at one revision. `rows` must not hold a fact twice. */
  replace(copy: { epoch: number; revision: number; rows: Iterable<FactRow> }): void {
    const old = this.#tables;
    const sameEpoch = copy.epoch === this.#epoch;
    this.#tables = emptyTables();
    this.#index = new Map();
    this.#cookies = new Map();
    for (const row of copy.rows) this.#put(row);
    this.#epoch = copy.epoch;
    const newest = this.#revision;
    const isLater = sameEpoch && copy.revision >= newest;
    this.#revision = copy.revision;
    const changes = differences(old, this.#tables, sameEpoch);
    if (!isLater) {
      this.#remembered = [];
      // Should an older copy of the same epoch come, its revisions may be given again with other changes: whoever saw them asks in vain.
      this.#rememberedFrom = sameEpoch ? newest + 1 : copy.revision;
    } else this.#remember(changes);
    this.#tell(changes);
  }

  #put(row: FactRow): FactChange {
    const { kind, id } = row;
    const table = this.#tables[kind] as Map<string, StandingFact>;
    const before = table.get(id) ?? null;
    if (before !== null) this.#unindex(before as AnyStandingFact);
    if (row.body === null) {
      table.delete(id);
      return { kind, id, before, after: null };
    }
    const after: StandingFact = { kind, id, revision: row.revision, body: row.body };
    table.set(id, after);
    if (kind === 'app-cookie') this.#indexCookie(after as StandingFact<'app-cookie'>);
    for (const key of indexKeys(after as AnyStandingFact)) {
      const ids = this.#index.get(key);
      if (ids === undefined) this.#index.set(key, new Set([id]));
      else ids.add(id);
    }
    return { kind, id, before, after };
  }

  #indexCookie(fact: StandingFact<'app-cookie'>): void {
    for (const hash of hashesOf(fact.body)) {
      const others = this.#cookiesAt(hash);
      this.#cookies.set(hash, others.length === 0 ? fact : [...others, fact]);
    }
  }

  #unindexCookie(fact: StandingFact<'app-cookie'>): void {
    for (const hash of hashesOf(fact.body)) {
      const left = this.#cookiesAt(hash).filter((other) => other !== fact);
      const [first] = left;
      if (first === undefined) this.#cookies.delete(hash);
      else this.#cookies.set(hash, left.length === 1 ? first : left);
    }
  }

  #unindex(fact: AnyStandingFact): void {
    if (fact.kind === 'app-cookie') this.#unindexCookie(fact);
    for (const key of indexKeys(fact)) {
      const ids = this.#index.get(key);
      ids?.delete(fact.id);
      if (ids?.size === 0) this.#index.delete(key);
    }
  }

  #find<K extends FactKind>(kind: K, key: string): StandingFact<K>[] {
    const found: StandingFact<K>[] = [];
    for (const id of this.#index.get(key) ?? []) {
      const fact = this.#tables[kind].get(id);
      if (fact !== undefined) found.push(fact);
    }
    return found;
  }

  /** A listener that throws must not keep the others in the dark: all are told, then the first error goes up. */
  #tell(changes: readonly FactChange[]): void {
    const errors: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(changes, this.#revision);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** Revisions tell facts of one epoch apart; between epochs every fact counts as changed. */
function differences(old: Tables, now: Tables, sameEpoch: boolean): FactChange[] {
  const changes: FactChange[] = [];
  for (const kind of kinds) {
    for (const [id, before] of old[kind]) {
      const after = now[kind].get(id) ?? null;
      if (!sameEpoch || after?.revision !== before.revision) changes.push({ kind, id, before, after });
    }
    for (const [id, after] of now[kind]) if (!old[kind].has(id)) changes.push({ kind, id, before: null, after });
  }
  return changes;
}
