import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { type Kysely, sql } from 'kysely';
import { toBase64url } from '#foundation/encoding';
import { readHead } from './feed-queries.ts';
import type { Dialect } from './migrations/index.ts';
import { openDatabase } from './open-store.ts';
import { toStoreError } from './read-error.ts';
import { openSqliteForReading } from './sqlite.ts';
import type { StoreTables } from './tables.ts';

const rowsPerFetch = 1_000;

/** The first line of an export. Every other line is `{"table": name, "row": {column: value}}`; a blob is base64url. */
export interface ExportHeader {
  readonly format: 'nullius-store';
  readonly version: 1;
  /** Schema steps the rows were written under. */
  readonly schema: readonly string[];
  readonly epoch: number;
  readonly revision: number;
  readonly instanceId: string;
}

/**
 * Writes every row of a store into a file as NDJSON, as of one moment, while others go on writing. The form is the same for
 * both databases, so a store can move from one to the other. Throws StoreError.
 */
export async function exportStore(source: { path?: string; url?: string }, file: string): Promise<ExportHeader> {
  let rows: Kysely<StoreTables> | undefined;
  try {
    rows = source.path === undefined ? (await openDatabase(source)).rows : openSqliteForReading(source.path);
    const transaction =
      source.path === undefined
        ? rows.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
        : rows.transaction();
    const dialect: Dialect = source.path === undefined ? 'postgres' : 'sqlite';
    return await transaction.execute((all) => writeAll(all, { file, dialect }));
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await rows?.destroy();
  }
}

async function writeAll(rows: Kysely<StoreTables>, options: { file: string; dialect: Dialect }): Promise<ExportHeader> {
  // biome-ignore lint/suspicious/noExplicitAny: an export reads every table there is, also those of later steps
  const all = rows as Kysely<any>;
  const applied = await all.selectFrom('migration').select('name').orderBy('name').execute();
  const head = await readHead(rows);
  const instance = await rows
    .selectFrom('meta')
    .select('value')
    .where('name', '=', 'instance_id')
    .executeTakeFirstOrThrow();
  const header: ExportHeader = {
    format: 'nullius-store',
    version: 1,
    schema: applied.map((row) => String(row.name)),
    epoch: head.epoch,
    revision: head.revision,
    instanceId: instance.value,
  };
  const out = createWriteStream(options.file, { mode: 0o600, flags: 'wx', flush: true });
  const failed = once(out, 'error').then(([error]) => Promise.reject(error));
  const write = async (value: unknown) => {
    if (!out.write(`${JSON.stringify(value)}\n`)) await Promise.race([once(out, 'drain'), failed]);
  };
  try {
    await Promise.race([once(out, 'open'), failed]);
    await write(header);
    for (const table of await tableNames(all)) {
      for await (const row of readTable(all, { table, dialect: options.dialect })) await write({ table, row });
    }
    out.end();
    await Promise.race([once(out, 'finish'), failed]);
  } finally {
    failed.catch(() => {});
    out.destroy();
  }
  return header;
}

/** All tables but the list of schema steps, those first that others refer to. */
// biome-ignore lint/suspicious/noExplicitAny: see writeAll
async function tableNames(rows: Kysely<any>): Promise<string[]> {
  const tables = await rows.introspection.getTables();
  const names = tables.map((table) => table.name).filter((name) => name !== 'migration');
  return names.sort((a, b) => Number(b === 'data_key') - Number(a === 'data_key') || (a < b ? -1 : 1));
}

async function* readTable(
  // biome-ignore lint/suspicious/noExplicitAny: see writeAll
  rows: Kysely<any>,
  options: { table: string; dialect: Dialect },
): AsyncGenerator<Record<string, unknown>> {
  const query = rows.selectFrom(options.table).selectAll();
  if (options.dialect === 'sqlite') {
    for await (const row of query.stream()) yield plain(row);
    return;
  }
  // A cursor of the server's: memory stays flat however many rows there are.
  await sql`declare export_rows no scroll cursor for select * from ${sql.table(options.table)}`.execute(rows);
  for (;;) {
    const { rows: some } = await sql<Record<string, unknown>>`fetch ${sql.lit(rowsPerFetch)} from export_rows`.execute(
      rows,
    );
    for (const row of some) yield plain(row);
    if (some.length < rowsPerFetch) break;
  }
  await sql`close export_rows`.execute(rows);
}

function plain(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      value instanceof Uint8Array ? { blob: toBase64url(value) } : value,
    ]),
  );
}
