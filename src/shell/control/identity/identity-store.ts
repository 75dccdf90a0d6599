import type { Kysely } from 'kysely';
import type { FactKind, FactOf, FactView, JournalEvent } from '#foundation/model';
import {
  IdentityError,
  type IdentityRecord,
  type IdentityRecords,
  type IdentityStore,
  type IdentityTransaction,
} from '#information/identity';
import type { Store, StoreTables } from '#shell/store';
import { describeFault } from '../describe-fault.ts';

/** Control's own table of facts, and the way to wait for it. */
export interface CurrentFacts {
  readonly table: FactView;
  reach(revision: number): Promise<void>;
}

type WriteTransaction = Parameters<Parameters<Store['transaction']>[0]>[0];
type FactWrites = Parameters<WriteTransaction['write']>[0];

/** Fits the store to what identity needs: its private rows are one table, read and written in the same transactions. */
export function identityStore(store: Store, facts: CurrentFacts): IdentityStore {
  return {
    facts: () => facts.table,
    async transact(work) {
      try {
        const { revision, value } = await store.transaction(async (transaction) => work(fit(transaction)));
        await facts.reach(revision);
        return value;
      } catch (error) {
        throw toIdentityError(error);
      }
    },
  };
}

/** A store that is full, locked or away is told to the person who signs in; a conflict is a matter of identity's own. */
function toIdentityError(error: unknown): unknown {
  const fault = describeFault(error);
  return fault === undefined ? error : new IdentityError('unavailable', fault.detail, { cause: error });
}

function fit(transaction: WriteTransaction): IdentityTransaction {
  return {
    records: recordsOf(transaction.rows),
    async fact<K extends FactKind>(kind: K, id: string): Promise<FactOf<K> | undefined> {
      return (await transaction.read(kind, id))?.body;
    },
    async put<K extends FactKind>(kind: K, id: string, body: FactOf<K>): Promise<void> {
      await transaction.write([{ kind, id, body }] as FactWrites);
    },
    async remove(kind, id) {
      await transaction.write([{ kind, id, body: null }]);
    },
    async event(event: JournalEvent) {
      await transaction.emit([event]);
    },
  };
}

const toRecord = (row: StoreTables['identity_record']): IdentityRecord => ({
  kind: row.kind,
  id: row.id,
  owner: row.owner,
  body: row.body,
  expiresAt: row.expires_at,
});
const toRow = (record: IdentityRecord): StoreTables['identity_record'] => ({
  kind: record.kind,
  id: record.id,
  owner: record.owner,
  body: record.body,
  expires_at: record.expiresAt,
});

/** Rows per statement: five columns stay far below SQLite's 32,766 parameters. */
const chunkRows = 500;

function* chunksOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += chunkRows) yield all.slice(start, start + chunkRows);
}

function recordsOf(rows: Kysely<StoreTables>): IdentityRecords {
  const select = (kind: string) => rows.selectFrom('identity_record').selectAll().where('kind', '=', kind);
  return {
    async get(kind, id) {
      const row = await select(kind).where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toRecord(row);
    },
    async some(kind, ids) {
      const found: IdentityRecord[] = [];
      for (const chunk of chunksOf(ids)) {
        found.push(...(await select(kind).where('id', 'in', chunk).execute()).map(toRecord));
      }
      return found;
    },
    async byOwner(kind, owner) {
      return (await select(kind).where('owner', '=', owner).orderBy('id').execute()).map(toRecord);
    },
    async all(kind) {
      return (await select(kind).orderBy('id').execute()).map(toRecord);
    },
    async count(kind) {
      const { count } = await rows
        .selectFrom('identity_record')
        .select((eb) => eb.fn.countAll<number | string | bigint>().as('count'))
        .where('kind', '=', kind)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async insert(record) {
      const inserted = await rows
        .insertInto('identity_record')
        .values(toRow(record))
        .onConflict((conflict) => conflict.columns(['kind', 'id']).doNothing())
        .executeTakeFirst();
      return Number(inserted.numInsertedOrUpdatedRows ?? 0) > 0;
    },
    async put(...records) {
      for (const chunk of chunksOf(records)) {
        await rows
          .insertInto('identity_record')
          .values(chunk.map(toRow))
          .onConflict((conflict) =>
            conflict.columns(['kind', 'id']).doUpdateSet((eb) => ({
              owner: eb.ref('excluded.owner'),
              body: eb.ref('excluded.body'),
              expires_at: eb.ref('excluded.expires_at'),
            })),
          )
          .execute();
      }
    },
    async remove(kind, id) {
      return removed(rows.deleteFrom('identity_record').where('kind', '=', kind).where('id', '=', id));
    },
    async removeByOwner(kind, owner) {
      return removedCount(rows.deleteFrom('identity_record').where('kind', '=', kind).where('owner', '=', owner));
    },
    async removeOldest(kind) {
      const oldest = await select(kind).orderBy('expires_at').limit(1).executeTakeFirst();
      if (oldest === undefined) return;
      await rows.deleteFrom('identity_record').where('kind', '=', kind).where('id', '=', oldest.id).execute();
    },
    async removeExpired(now) {
      return removedCount(rows.deleteFrom('identity_record').where('expires_at', '<=', now));
    },
  };
}

interface Deletion {
  executeTakeFirst(): Promise<{ readonly numDeletedRows: bigint } | undefined>;
}

async function removedCount(deletion: Deletion): Promise<number> {
  return Number((await deletion.executeTakeFirst())?.numDeletedRows ?? 0);
}

async function removed(deletion: Deletion): Promise<boolean> {
  return (await removedCount(deletion)) > 0;
}
