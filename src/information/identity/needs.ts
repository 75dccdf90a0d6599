import type { Clock, EventSink, FactKind, FactOf, FactView, JournalEvent, RandomBytes } from '#foundation/model';

/**
 * A private row of this room: passkeys, invitations, challenges, recovery codes, artifacts of the OpenID Provider.
 * Rows whose id was a bearer value carry its SHA-256 instead.
 */
export interface IdentityRecord {
  readonly kind: string;
  readonly id: string;
  /** What it belongs to: a user id, a grant, a session; or null. */
  readonly owner: string | null;
  /** JSON. */
  readonly body: string;
  /** Milliseconds since the epoch; a row past it counts as absent. Null: it stays. */
  readonly expiresAt: number | null;
}

/** The private table inside one transaction. */
export interface IdentityRecords {
  get(kind: string, id: string): Promise<IdentityRecord | undefined>;
  /** Those of these ids that are there, at the price of a few. */
  some(kind: string, ids: readonly string[]): Promise<readonly IdentityRecord[]>;
  byOwner(kind: string, owner: string): Promise<readonly IdentityRecord[]>;
  all(kind: string): Promise<readonly IdentityRecord[]>;
  count(kind: string): Promise<number>;
  /** False when the row was there already. */
  insert(record: IdentityRecord): Promise<boolean>;
  /** Each id of a kind once. */
  put(...records: readonly IdentityRecord[]): Promise<void>;
  /** True for exactly one caller: whoever removed it. */
  remove(kind: string, id: string): Promise<boolean>;
  removeByOwner(kind: string, owner: string): Promise<number>;
  /** Removes the row of a kind that would be the first to expire. */
  removeOldest(kind: string): Promise<void>;
  removeExpired(now: number): Promise<number>;
}

/** One serialisable transaction over facts, private rows and the outbox of events: all or nothing. */
export interface IdentityTransaction {
  readonly records: IdentityRecords;
  fact<K extends FactKind>(kind: K, id: string): Promise<FactOf<K> | undefined>;
  put<K extends FactKind>(kind: K, id: string, body: FactOf<K>): Promise<void>;
  remove(kind: FactKind, id: string): Promise<void>;
  event(event: JournalEvent): Promise<void>;
}

export interface IdentityStore {
  /** Current facts; shows a transaction's writes once it has committed. */
  facts(): FactView;
  transact<T>(work: (transaction: IdentityTransaction) => Promise<T>): Promise<T>;
}

/** Where people reach this installation (the shell's PublicUrls fit). */
export interface SiteUrls {
  readonly domain: string;
  readonly appsDomain: string;
  readonly scheme: 'http' | 'https';
  readonly port: number | null;
}

/** What this room needs of the world: clock, chance, store, event log. */
export interface IdentityCore {
  readonly urls: SiteUrls;
  readonly store: IdentityStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** For events that belong to no transaction, such as failed sign-ins. */
  readonly emit: EventSink;
  /** 32 bytes that stay the same across restarts and controls; every key of this room is derived from it. */
  readonly secret: Uint8Array;
  /** How long a session lives at most, and unused. */
  readonly session: { readonly lifetimeMs: number; readonly idleMs: number };
}
