// The part of the store's suite about schema steps.
import assert from 'node:assert/strict';
import type { Resource } from '#foundation/model';
import { type Migration, type Store, StoreError } from './index.ts';
import type { Bench } from './store-suite.ts';

const code = (wanted: StoreError['code']) => (error: unknown) => error instanceof StoreError && error.code === wanted;

const wiki: Resource = {
  kind: 'app',
  displayName: 'Wiki',
  description: '',
  segment: null,
  upstream: 'http://127.0.0.1:9',
  allowPrivate: true,
  preserveHost: false,
  routes: [],
  corsPreflight: false,
  crossOriginCookie: false,
  requestable: true,
  origin: 'api',
};

/** Steps are taken once, whole, and by no older program. */
export function migrationTests(
  onStore: (title: string, body: (store: Store, bench: Bench) => Promise<void>) => void,
): void {
  onStore(
    'openStore() refuses a schema newer than the program, and two that open at once migrate once',
    async (_, bench) => {
      let ran = 0;
      const extra: Migration = {
        name: '0999-later',
        up: async ({ createTable, types }) => {
          ran += 1;
          await createTable('later').addColumn('id', types.text).execute();
        },
      };
      const { migrations } = await import('./migrations/index.ts');
      const newer = { migrations: [...migrations, extra] };
      const both = await Promise.all([bench.open(newer), bench.open(newer)]);
      await Promise.all(both.map((one) => one.close()));
      assert.equal(ran, 1);
      await assert.rejects(bench.open(), code('newer-schema'));
    },
  );

  onStore('a migration that fails leaves the schema as it was', async (store, bench) => {
    const { migrations } = await import('./migrations/index.ts');
    const broken: Migration = {
      name: '0999-broken',
      up: async ({ createTable, types }) => {
        await createTable('half').addColumn('id', types.text).execute();
        throw new Error('broken step');
      },
    };
    await assert.rejects(bench.open({ migrations: [...migrations, broken] }), /broken step/);
    // biome-ignore lint/suspicious/noExplicitAny: asks for a table that must not exist
    await assert.rejects((store.rows as any).selectFrom('half').selectAll().execute());
    await (await bench.open()).close();
  });

  onStore(
    'resources of before `crossOriginCookie` keep what `corsPreflight` meant, in every version',
    async (store, bench) => {
      for (const corsPreflight of [true, false]) {
        await store.commit([{ kind: 'resource', id: 'wiki', body: { ...wiki, corsPreflight } }]);
      }
      // As an earlier version left it.
      for (const table of ['fact', 'fact_version'] as const) {
        const rows = await store.rows.selectFrom(table).select(['id', 'body']).where('kind', '=', 'resource').execute();
        for (const { body } of rows) {
          const { crossOriginCookie: _, ...before } = JSON.parse(body);
          const to = { body: JSON.stringify(before) };
          await store.rows.updateTable(table).set(to).where('kind', '=', 'resource').where('body', '=', body).execute();
        }
      }
      // biome-ignore lint/suspicious/noExplicitAny: the migrations' own table is none of the store's
      await (store.rows as any).deleteFrom('migration').where('name', '=', '0003-cross-origin-cookie').execute();
      const again = await bench.open();
      try {
        assert.equal((await again.read('resource', 'wiki'))?.body.crossOriginCookie, false);
        const rows = await again.rows
          .selectFrom('fact_version')
          .select('body')
          .where('kind', '=', 'resource')
          .execute();
        const said = rows.map(({ body }) => JSON.parse(body)).map((it) => [it.corsPreflight, it.crossOriginCookie]);
        assert.deepEqual(said.sort(), [
          [false, false],
          [true, true],
        ]);
      } finally {
        await again.close();
      }
    },
  );
}
