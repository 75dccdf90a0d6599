import { type Kysely, sql, type Transaction } from 'kysely';
import { type Dialect, type Migration, migrationSchema } from './migrations/index.ts';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';

/** Any constant serves; it only has to be the same in every version of the program. */
const migrationLockKey = 6_855_585;

/** What a database that has no head row yet starts with. */
export interface Birth {
  /** Wall-clock milliseconds, so that a store created anew lies after every earlier one for gateways that remember. */
  readonly epoch: number;
  readonly instanceId: string;
}

export interface MigrateOptions {
  readonly dialect: Dialect;
  readonly migrations: readonly Migration[];
  readonly birth: Birth;
}

interface MigrationTable {
  migration: { name: string; applied_at: number };
}

/**
 * Brings the schema up to date in one transaction, alone: two processes that start together do it once. Throws
 * StoreError `newer-schema` when the database holds a step this program does not know. Returns the steps taken.
 */
export async function migrate(db: Kysely<StoreTables>, options: MigrateOptions): Promise<string[]> {
  return await db.transaction().execute((transaction) => migrateWithin(transaction, options));
}

/** The same inside a transaction of the caller's. */
export async function migrateWithin(transaction: Transaction<StoreTables>, options: MigrateOptions): Promise<string[]> {
  if (options.dialect === 'postgres')
    await sql`select pg_advisory_xact_lock(${sql.lit(migrationLockKey)})`.execute(transaction);
  const schema = migrationSchema(transaction, options.dialect);
  await schema
    .createTable('migration')
    .ifNotExists()
    .addColumn('name', schema.types.text, (column) => column.primaryKey())
    .addColumn('applied_at', schema.types.integer, (column) => column.notNull())
    .execute();
  const steps = transaction as unknown as Transaction<MigrationTable>;
  const applied = new Set((await steps.selectFrom('migration').select('name').execute()).map((row) => row.name));
  refuseUnknown(applied, options.migrations);
  const taken: string[] = [];
  for (const migration of options.migrations) {
    if (applied.has(migration.name)) continue;
    await migration.up(schema);
    await steps.insertInto('migration').values({ name: migration.name, applied_at: options.birth.epoch }).execute();
    taken.push(migration.name);
  }
  await createHead(transaction, options.birth);
  return taken;
}

function refuseUnknown(applied: ReadonlySet<string>, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map((migration) => migration.name));
  const unknown = [...applied].filter((name) => !known.has(name)).sort();
  if (unknown.length === 0) return;
  throw new StoreError(
    'newer-schema',
    `the store was written by a newer version of Nullius (it has the schema step \`${unknown[0]}\`, this version knows up to ` +
      `\`${[...known].at(-1) ?? 'none'}\`); install that version again, or restore a backup of this one`,
  );
}

async function createHead(transaction: Transaction<StoreTables>, birth: Birth): Promise<void> {
  const head = await transaction.selectFrom('head').select('id').executeTakeFirst();
  if (head !== undefined) return;
  await transaction
    .insertInto('head')
    .values({ id: 1, epoch: birth.epoch, revision: 0, outbox_position: 0, pruned_revision: 0 })
    .execute();
  await transaction
    .insertInto('meta')
    .values([
      { name: 'instance_id', value: birth.instanceId },
      { name: 'created_at', value: String(birth.epoch) },
    ])
    .execute();
}
