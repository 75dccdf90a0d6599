import type { Migration } from './migration.ts';

/**
 * Resources say apart whether preflights pass and whether the app cookie counts for pages of other origins; `corsPreflight` had
 * meant both, so that the second starts as the first stands, in every version.
 */
export const crossOriginCookie: Migration = {
  name: '0003-cross-origin-cookie',
  async up({ db }) {
    for (const table of ['fact', 'fact_version']) {
      const rows = await db
        .selectFrom(table)
        .select(['id', 'body'])
        .distinct()
        .where('kind', '=', 'resource')
        .execute();
      for (const { id, body } of rows as { id: string; body: string }[]) {
        const resource = JSON.parse(body) as { corsPreflight: boolean };
        await db
          .updateTable(table)
          .set({ body: JSON.stringify({ crossOriginCookie: resource.corsPreflight, ...resource }) })
          .where('kind', '=', 'resource')
          .where('id', '=', id)
          .where('body', '=', body)
          .execute();
      }
    }
  },
};
