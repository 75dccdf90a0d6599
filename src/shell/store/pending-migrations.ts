import type { Kysely } from 'kysely';
import { migrations } from './migrations/index.ts';
import { openDatabase } from './open-store.ts';
import { toStoreError } from './read-error.ts';
import { openSqliteForReading } from './sqlite.ts';
import { StoreError } from './store-error.ts';

/** The schema's steps that a store still lacks. Changes nothing. Throws StoreError when there is no store. */
export async function pendingMigrations(source: { path?: string; url?: string }): Promise<string[]> {
  // biome-ignore lint/suspicious/noExplicitAny: the table of steps is not one of the store's own
  let rows: Kysely<any> | undefined;
  try {
    rows = source.path === undefined ? (await openDatabase(source)).rows : openSqliteForReading(source.path);
    const tables = await rows.introspection.getTables();
    if (!tables.some((table) => table.name === 'migration')) {
      throw new StoreError('invalid', 'there is no store to upgrade');
    }
    const applied = await rows.selectFrom('migration').select('name').execute();
    const names = new Set(applied.map((row) => String(row.name)));
    return migrations.map((migration) => migration.name).filter((name) => !names.has(name));
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await rows?.destroy();
  }
}
