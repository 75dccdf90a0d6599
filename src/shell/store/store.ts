import type { Kysely } from 'kysely';
import type { FactKind, FactOf, FactRow, JournalEvent } from '#foundation/model';
import type { StoreTables } from './tables.ts';
import type { FactWrite, WriteTransaction } from './write-transaction.ts';

/** The facts one committed transaction touched. */
export interface CommittedChange {
  readonly revision: number;
  /** Wall-clock milliseconds. */
  readonly time: number;
  readonly facts: readonly FactRow[];
}

/** A part of the feed: `changes` follow the asked revision without a gap; `revision` is how far the store is. */
export interface FeedPage {
  readonly epoch: number;
  readonly revision: number;
  readonly changes: readonly CommittedChange[];
}

export interface FactVersion<K extends FactKind> {
  readonly fromRevision: number;
  /** Null while it stands. */
  readonly toRevision: number | null;
  /** When it was written, milliseconds; null when the feed no longer reaches back so far. */
  readonly time: number | null;
  readonly body: FactOf<K>;
}

export interface Snapshot {
  readonly epoch: number;
  readonly revision: number;
  readonly rows: readonly FactRow[];
}

/** The store of facts, their history and feed, the outbox, sealed secrets, and the private rows of other rooms. */
export interface Store {
  readonly instanceId: string;
  /** Queries on rows that are no facts. */
  readonly rows: Kysely<StoreTables>;

  /**
   * Writes facts and journal events in one transaction. Resolves once it is durable, with the revision the facts are then
   * at. Throws StoreError: nothing was written, except that after `unavailable` the outcome can be unknown.
   */
  commit(writes: readonly FactWrite[], events?: readonly JournalEvent[]): Promise<{ revision: number }>;
  /** Runs `work` in one transaction with everything it writes; when it throws, nothing happened. */
  transaction<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<{ revision: number; value: T }>;

  head(): Promise<{ epoch: number; revision: number }>;
  read<K extends FactKind>(kind: K, id: string): Promise<{ revision: number; body: FactOf<K> } | undefined>;
  /** All facts that stand, at one revision. */
  snapshot(): Promise<Snapshot>;
  /** The feed after `revision`, some hundred revisions at a time; undefined when it does not reach back so far: take a snapshot. */
  changesSince(revision: number): Promise<FeedPage | undefined>;
  /** The fact as it was at a revision; undefined when there was none. Throws StoreError `pruned` beyond the retention. */
  factAt<K extends FactKind>(kind: K, id: string, revision: number): Promise<FactOf<K> | undefined>;
  /** All facts as they were at a revision. Throws StoreError `pruned` beyond the retention. */
  snapshotAt(revision: number): Promise<Snapshot>;
  /** Versions of a fact, newest first. */
  history<K extends FactKind>(kind: K, id: string, options?: { limit?: number }): Promise<FactVersion<K>[]>;
  /** Called after commits, here and (PostgreSQL) elsewhere: a hint to look, which may be missed or come twice. */
  onCommit(listener: () => void): () => void;
  /** Drops versions and feed entries that ended before `before` (milliseconds). Facts that stand are never touched. */
  prune(before: number): Promise<void>;

  /** Events of this writer that committed and were not yet reported appended, oldest first. */
  outboxPending(options?: { limit?: number }): Promise<JournalEvent[]>;
  outboxDone(ids: readonly string[]): Promise<void>;

  /** Seals bytes under a name, replacing what was there. */
  sealSecret(name: string, plaintext: Uint8Array): Promise<void>;
  openSecret(name: string): Promise<Uint8Array | undefined>;
  deleteSecret(name: string): Promise<void>;

  /**
   * Has every wrapped data key wrapped anew by `rewrap`, in one transaction each; their keys stay the same. Gives how many
   * changed, and all as they are wrapped now.
   */
  rewrapDataKeys(
    rewrap: (purpose: string, wrapped: string) => Promise<string>,
  ): Promise<{ rewrapped: number; wrapped: readonly string[] }>;

  close(): Promise<void>;
}
