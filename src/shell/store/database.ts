import type { Kysely } from 'kysely';
import type { Dialect } from './migrations/index.ts';
import type { StoreTables } from './tables.ts';

/** One of the two databases, ready for queries; what differs between them ends here. */
export interface Database {
  readonly dialect: Dialect;
  readonly rows: Kysely<StoreTables>;
  /** Throws StoreError when a commit made now would not be where the next start looks for it. */
  assertInPlace(): void;
  /** Runs `work` in a read-only transaction whose reads all see one state. */
  readTogether<T>(work: (rows: Kysely<StoreTables>) => Promise<T>): Promise<T>;
  /** Hints that another process committed. */
  onForeignCommit(listener: () => void): void;
  close(): Promise<void>;
}
