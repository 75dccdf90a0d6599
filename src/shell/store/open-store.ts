import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Clock, FactKind, FactOf, JournalEvent } from '#foundation/model';
import type { Database } from './database.ts';
import { FactBodies } from './fact-bodies.ts';
import {
  pruneBefore,
  readChanges,
  readFactAt,
  readHead,
  readHistory,
  readSnapshot,
  readSnapshotAt,
} from './feed-queries.ts';
import { migrate } from './migrate.ts';
import { type Migration, migrations } from './migrations/index.ts';
import { toStoreError } from './read-error.ts';
import { type DataKeys, SecretBox } from './secrets.ts';
import { openSqlite } from './sqlite.ts';
import type { FactVersion, FeedPage, Snapshot, Store } from './store.ts';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';
import { rootKeyOf } from './wrapped-key.ts';
import { type FactWrite, WriteTransaction } from './write-transaction.ts';

const outboxPageMax = 1_000;
const historyLimit = 100;

export interface OpenStoreOptions {
  /** SQLite file; its folder is made. */
  readonly path?: string;
  /** `postgres://…`, instead of `path`. */
  readonly url?: string;
  readonly clock: Clock;
  /** Whose outbox rows this store writes and reads: one name per control process. */
  readonly writer?: string;
  /** The signer's envelope encryption; without it secrets and journal keys cannot be sealed or opened. */
  readonly dataKeys?: DataKeys;
  /** How long SQLite waits for another process, milliseconds. */
  readonly busyTimeoutMs?: number;
  /** Called when a transaction found no space; true when it made some, and then the transaction is tried once more. */
  readonly releaseSpace?: () => boolean;
  /** The schema's steps, when not those of this version. */
  readonly migrations?: readonly Migration[];
}

/** Opens a store, bringing its schema up to date. Throws StoreError. */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const database = await openDatabase(options);
  try {
    await migrate(database.rows, {
      dialect: database.dialect,
      migrations: options.migrations ?? migrations,
      birth: { epoch: options.clock(), instanceId: randomUUID() },
    });
    const instance = await database.rows
      .selectFrom('meta')
      .select('value')
      .where('name', '=', 'instance_id')
      .executeTakeFirstOrThrow();
    const { dataKeys, clock } = options;
    const bodies = dataKeys === undefined ? new FactBodies() : await FactBodies.open(database, { dataKeys, clock });
    return new DatabaseStore(database, { ...options, instanceId: instance.value, bodies });
  } catch (error) {
    await database.close().catch(() => {});
    throw toStoreError(error);
  }
}

export async function openDatabase(
  options: Pick<OpenStoreOptions, 'path' | 'url' | 'busyTimeoutMs'>,
): Promise<Database> {
  try {
    if (options.url !== undefined) {
      // A driver that embedded installations never need.
      const { openPostgres } = await import('./postgres.ts');
      return openPostgres(options.url);
    }
    if (options.path === undefined) throw new TypeError('a store needs `path` or `url`');
    return openSqlite(options.path, options);
  } catch (error) {
    throw toStoreError(error);
  }
}

class DatabaseStore implements Store {
  readonly instanceId: string;
  readonly #database: Database;
  readonly #bodies: FactBodies;
  readonly #clock: Clock;
  readonly #writer: string;
  readonly #secrets: SecretBox | undefined;
  readonly #releaseSpace: (() => boolean) | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(database: Database, options: OpenStoreOptions & { instanceId: string; bodies: FactBodies }) {
    this.instanceId = options.instanceId;
    this.#database = database;
    this.#bodies = options.bodies;
    this.#clock = options.clock;
    this.#writer = options.writer ?? 'control';
    this.#releaseSpace = options.releaseSpace;
    this.#secrets =
      options.dataKeys === undefined ? undefined : new SecretBox({ dataKeys: options.dataKeys, clock: options.clock });
    database.onForeignCommit(() => this.#hint());
  }

  get rows(): Kysely<StoreTables> {
    return this.#database.rows;
  }

  async commit(writes: readonly FactWrite[], events: readonly JournalEvent[] = []): Promise<{ revision: number }> {
    const { revision } = await this.transaction(async (transaction) => {
      await transaction.write(writes);
      await transaction.emit(events);
    });
    return { revision };
  }

  async transaction<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<{ revision: number; value: T }> {
    try {
      return await this.#transactOnce(work);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'full' || this.#releaseSpace?.() !== true) throw error;
      return await this.#transactOnce(work);
    }
  }

  async #transactOnce<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<{ revision: number; value: T }> {
    const done = await this.#guard(() =>
      this.rows.transaction().execute(async (rows) => {
        const transaction = await WriteTransaction.begin(rows, {
          dialect: this.#database.dialect,
          writer: this.#writer,
          time: this.#clock(),
          bodies: this.#bodies,
        });
        const value = await work(transaction);
        const end = await transaction.finish();
        this.#database.assertInPlace();
        return { value, ...end };
      }),
    );
    if (done.wrote) this.#hint();
    return { revision: done.revision, value: done.value };
  }

  async head(): Promise<{ epoch: number; revision: number }> {
    const { epoch, revision } = await this.#guard(() => readHead(this.rows));
    return { epoch, revision };
  }

  async read<K extends FactKind>(kind: K, id: string): Promise<{ revision: number; body: FactOf<K> } | undefined> {
    const row = await this.#guard(() =>
      this.rows
        .selectFrom('fact')
        .select(['revision', 'body'])
        .where('kind', '=', kind)
        .where('id', '=', id)
        .executeTakeFirst(),
    );
    return row === undefined ? undefined : { revision: row.revision, body: this.#bodies.read(kind, id, row.body) };
  }

  snapshot(): Promise<Snapshot> {
    return this.#guard(() => this.#database.readTogether((rows) => readSnapshot(rows, this.#bodies)));
  }

  changesSince(revision: number): Promise<FeedPage | undefined> {
    return this.#guard(() => readChanges(this.rows, { after: revision, bodies: this.#bodies }));
  }

  factAt<K extends FactKind>(kind: K, id: string, revision: number): Promise<FactOf<K> | undefined> {
    return this.#guard(() => readFactAt(this.rows, { kind, id, revision, bodies: this.#bodies }));
  }

  snapshotAt(revision: number): Promise<Snapshot> {
    return this.#guard(() => readSnapshotAt(this.rows, { revision, bodies: this.#bodies }));
  }

  history<K extends FactKind>(kind: K, id: string, options: { limit?: number } = {}): Promise<FactVersion<K>[]> {
    return this.#guard(() =>
      readHistory(this.rows, { kind, id, limit: options.limit ?? historyLimit, bodies: this.#bodies }),
    );
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async prune(before: number): Promise<void> {
    await this.transaction((transaction) => pruneBefore(transaction.rows, before));
  }

  async outboxPending(options: { limit?: number } = {}): Promise<JournalEvent[]> {
    const found = await this.#guard(() =>
      this.rows
        .selectFrom('outbox')
        .select('event')
        .where('writer', '=', this.#writer)
        .orderBy('position')
        .limit(Math.min(options.limit ?? outboxPageMax, outboxPageMax))
        .execute(),
    );
    return found.map((row) => JSON.parse(row.event) as JournalEvent);
  }

  async outboxDone(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += outboxPageMax) {
      const some = ids.slice(start, start + outboxPageMax);
      await this.#guard(() =>
        this.rows.deleteFrom('outbox').where('writer', '=', this.#writer).where('id', 'in', some).execute(),
      );
    }
  }

  sealSecret(name: string, plaintext: Uint8Array): Promise<void> {
    return this.#guard(() => this.#box().seal(this.rows, { name, plaintext }));
  }

  openSecret(name: string): Promise<Uint8Array | undefined> {
    return this.#guard(() => this.#box().open(this.rows, name));
  }

  async deleteSecret(name: string): Promise<void> {
    await this.#guard(() => this.rows.deleteFrom('secret').where('name', '=', name).execute());
  }

  async rewrapDataKeys(
    rewrap: (purpose: string, wrapped: string) => Promise<string>,
  ): Promise<{ rewrapped: number; wrapped: readonly string[] }> {
    const keys = await this.#guard(() => this.rows.selectFrom('data_key').selectAll().orderBy('id').execute());
    const now: string[] = [];
    let rewrapped = 0;
    for (const { id, purpose, wrapped } of keys) {
      if (rootKeyOf(wrapped) === undefined)
        throw new StoreError('corrupt', `the data key \`${id}\` is not in a known form`);
      const next = await rewrap(purpose, wrapped);
      now.push(next);
      if (rootKeyOf(next) === rootKeyOf(wrapped)) continue;
      const change = this.rows.updateTable('data_key').set({ wrapped: next });
      await this.#guard(() => change.where('id', '=', id).where('wrapped', '=', wrapped).execute());
      rewrapped += 1;
    }
    return { rewrapped, wrapped: now };
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #box(): SecretBox {
    if (this.#secrets === undefined)
      throw new StoreError('invalid', 'this store was opened without data keys: it holds no secrets');
    return this.#secrets;
  }

  #hint(): void {
    for (const listener of this.#listeners) listener();
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStoreError(error);
    }
  }
}
