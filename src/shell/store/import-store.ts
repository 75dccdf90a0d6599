import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Kysely, Transaction } from 'kysely';
import { z } from 'zod';
import { fromBase64url } from '#foundation/encoding';
import type { Clock } from '#foundation/model';
import type { ExportHeader } from './export-store.ts';
import { migrateWithin } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { openDatabase } from './open-store.ts';
import { toStoreError } from './read-error.ts';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';

/** Parameters per statement stay below SQLite's 32,766. */
const parametersMax = 20_000;

const headerSchema = z.strictObject({
  format: z.literal('nullius-store'),
  version: z.literal(1),
  schema: z.array(z.string()),
  epoch: z.int().min(0),
  revision: z.int().min(0),
  instanceId: z.string(),
});
const valueSchema = z.union([z.string(), z.int(), z.null(), z.strictObject({ blob: z.string() })]);
const lineSchema = z.strictObject({ table: z.string(), row: z.record(z.string(), valueSchema) });

type Cell = string | number | null | Uint8Array;

/**
 * Fills an empty database from an export, in one transaction, and starts a new epoch, so that gateways that have seen later
 * facts than these know the difference. Throws StoreError `not-empty`, `newer-schema`, `corrupt`; then nothing was written.
 */
export async function importStore(
  target: { path?: string; url?: string },
  options: { file: string; clock: Clock },
): Promise<ExportHeader & { readonly newEpoch: number }> {
  const database = await openDatabase(target);
  try {
    return await database.rows.transaction().execute(async (transaction) => {
      // biome-ignore lint/suspicious/noExplicitAny: an import writes every table there is
      const rows = transaction as Transaction<any>;
      if ((await rows.introspection.getTables()).length > 0) {
        throw new StoreError('not-empty', 'the database to restore into is not empty; give an empty one');
      }
      const lines = createInterface({ input: createReadStream(options.file), crlfDelay: Number.POSITIVE_INFINITY });
      const iterator = lines[Symbol.asyncIterator]();
      const header = headerSchema.parse(JSON.parse((await iterator.next()).value ?? ''));
      await makeTables(transaction, { dialect: database.dialect, header });
      await insertAll(rows, iterator);
      const newEpoch = await raiseEpoch(transaction, { header, clock: options.clock });
      return { ...header, newEpoch };
    });
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new StoreError('corrupt', 'the export of the store cannot be read; it is damaged or not one of ours', {
        cause: error,
      });
    }
    throw toStoreError(error);
  } finally {
    await database.close();
  }
}

/** The schema as it was when the rows were written; opening the store brings it up to date. */
async function makeTables(
  transaction: Transaction<StoreTables>,
  options: { dialect: 'sqlite' | 'postgres'; header: ExportHeader },
): Promise<void> {
  const { schema } = options.header;
  const unknown = schema.find((name) => !migrations.some((migration) => migration.name === name));
  if (unknown !== undefined) {
    throw new StoreError(
      'newer-schema',
      `the backup has the schema step \`${unknown}\`, which this version does not know; restore it with a newer one`,
    );
  }
  await migrateWithin(transaction, {
    dialect: options.dialect,
    migrations: migrations.filter((migration) => schema.includes(migration.name)),
    birth: { epoch: 0, instanceId: randomUUID() },
  });
  await transaction.deleteFrom('head').execute();
  await transaction.deleteFrom('meta').execute();
}

async function insertAll(
  // biome-ignore lint/suspicious/noExplicitAny: see importStore
  rows: Kysely<any>,
  lines: AsyncIterableIterator<string>,
): Promise<void> {
  const known = await rows.introspection.getTables();
  const tables = new Map(known.map((one) => [one.name, new Set(one.columns.map((column) => column.name))]));
  tables.delete('migration');
  let table = '';
  let batch: Record<string, Cell>[] = [];
  let cells = 0;
  const flush = async () => {
    if (batch.length > 0) await rows.insertInto(table).values(batch).execute();
    batch = [];
    cells = 0;
  };
  for await (const text of lines) {
    const line = lineSchema.parse(JSON.parse(text));
    const columns = tables.get(line.table);
    if (columns === undefined || Object.keys(line.row).some((column) => !columns.has(column))) {
      throw new StoreError('corrupt', 'the export holds rows of a table or column that its schema does not have');
    }
    if (line.table !== table || cells > parametersMax) await flush();
    table = line.table;
    const row = Object.fromEntries(Object.entries(line.row).map(([column, value]) => [column, cell(value)]));
    batch.push(row);
    cells += Object.keys(row).length;
  }
  await flush();
}

function cell(value: z.infer<typeof valueSchema>): Cell {
  if (typeof value !== 'object' || value === null) return value;
  const bytes = fromBase64url(value.blob);
  if (bytes === undefined) throw new StoreError('corrupt', 'the export holds a blob that cannot be read');
  return bytes;
}

/** Later than the backup's and, by the clock, later than any store that came after it. */
async function raiseEpoch(
  transaction: Transaction<StoreTables>,
  options: { header: ExportHeader; clock: Clock },
): Promise<number> {
  const heads = await transaction.selectFrom('head').selectAll().execute();
  const { header } = options;
  if (heads.length !== 1 || heads[0]?.epoch !== header.epoch || heads[0].revision !== header.revision) {
    throw new StoreError('corrupt', 'the export does not hold what its first line says');
  }
  const epoch = Math.max(header.epoch + 1, options.clock());
  await transaction.updateTable('head').set({ epoch }).where('id', '=', 1).execute();
  return epoch;
}
