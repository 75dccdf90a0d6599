import type { Kysely } from 'kysely';
import { openDatabase } from './open-store.ts';
import { toStoreError } from './read-error.ts';
import { openSqliteForReading } from './sqlite.ts';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';
import { rootKeyOf } from './wrapped-key.ts';

/**
 * Which root keys wrap the data keys of a store, in use or not, and how many each. Changes nothing. Throws StoreError when there is no
 * store, or a data key in a form that is not known: then nobody can say what it needs.
 */
export async function rootKeysInUse(source: { path?: string; url?: string }): Promise<ReadonlyMap<string, number>> {
  let rows: Kysely<StoreTables> | undefined;
  try {
    rows = source.path === undefined ? (await openDatabase(source)).rows : openSqliteForReading(source.path);
    const counts = new Map<string, number>();
    for (const { id, wrapped } of await rows.selectFrom('data_key').select(['id', 'wrapped']).execute()) {
      const root = rootKeyOf(wrapped);
      if (root === undefined) throw new StoreError('corrupt', `the data key \`${id}\` is not in a known form`);
      counts.set(root, (counts.get(root) ?? 0) + 1);
    }
    return counts;
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await rows?.destroy();
  }
}
