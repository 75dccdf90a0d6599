import type { Kysely } from 'kysely';
import type { FactKind, FactOf } from '#foundation/model';
import type { FactBodies } from './fact-bodies.ts';
import type { StoreTables } from './tables.ts';

/** Kinds that say whose they are, besides the person's own. */
const ownedKinds = ['session', 'grant', 'token'] as const satisfies readonly FactKind[];
const chunkRows = 500;

function isOf(user: string, body: FactOf<(typeof ownedKinds)[number]>): boolean {
  return 'owner' in body ? body.owner.type === 'User' && body.owner.id === user : body.user === user;
}

/** Drops what is kept of a removed person: every version of them, their sessions, grants and tokens that stands no more. */
export async function forgetPerson(
  rows: Kysely<StoreTables>,
  { user, bodies }: { user: string; bodies: FactBodies },
): Promise<void> {
  const ended = () => rows.deleteFrom('fact_version').where('to_revision', 'is not', null);
  await ended().where('kind', '=', 'user').where('id', '=', user).execute();
  for (const kind of ownedKinds) {
    const mentioning = await rows
      .selectFrom('fact_version')
      .select(['id', 'body'])
      .where('kind', '=', kind)
      .where('to_revision', 'is not', null)
      // Only to read less: what a body says is asked of the body. JSON within text has its quotes escaped.
      .where('body', 'like', `%${JSON.stringify(user)}%`)
      .execute();
    const ids = [
      ...new Set(mentioning.filter(({ id, body }) => isOf(user, bodies.read(kind, id, body))).map(({ id }) => id)),
    ];
    for (let start = 0; start < ids.length; start += chunkRows) {
      await ended()
        .where('kind', '=', kind)
        .where('id', 'in', ids.slice(start, start + chunkRows))
        .execute();
    }
  }
}
