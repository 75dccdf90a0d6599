import type { Kysely } from 'kysely';
import type { FactKind, FactOf, FactRow } from '#foundation/model';
import type { FactBodies } from './fact-bodies.ts';
import { keptKinds } from './fact-rows.ts';
import type { CommittedChange, FactVersion, FeedPage, Snapshot } from './store.ts';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';

/** Revisions read at a time. */
const pageRevisions = 500;
const historyVersionsMax = 1_000;

export type Head = Pick<StoreTables['head'], 'epoch' | 'revision' | 'pruned_revision'>;

export async function readHead(rows: Kysely<StoreTables>): Promise<Head> {
  const head = await rows
    .selectFrom('head')
    .select(['epoch', 'revision', 'pruned_revision'])
    .where('id', '=', 1)
    .executeTakeFirst();
  if (head === undefined) throw new StoreError('corrupt', 'the store has no head row; restore a backup');
  return head;
}

/** All facts at the revision of one transaction. `rows` must be a transaction in which reads repeat. */
export async function readSnapshot(rows: Kysely<StoreTables>, bodies: FactBodies): Promise<Snapshot> {
  const head = await readHead(rows);
  const facts = await rows.selectFrom('fact').selectAll().execute();
  return { epoch: head.epoch, revision: head.revision, rows: facts.map((row) => bodies.readRow(row)) };
}

/**
 * The feed after `after`. Its rows are read by one statement, which sees one state of the database: a page is a part of the
 * feed without a gap, or, when pruning passed by, nothing.
 */
export async function readChanges(
  rows: Kysely<StoreTables>,
  { after, bodies }: { after: number; bodies: FactBodies },
): Promise<FeedPage | undefined> {
  const head = await readHead(rows);
  if (after < head.pruned_revision || after > head.revision) return undefined;
  if (after === head.revision) return { epoch: head.epoch, revision: head.revision, changes: [] };
  const found = await rows
    .selectFrom('change')
    .leftJoin('fact_version', (join) =>
      join
        .onRef('fact_version.kind', '=', 'change.kind')
        .onRef('fact_version.id', '=', 'change.id')
        .onRef('fact_version.from_revision', '=', 'change.revision'),
    )
    .select(['change.revision', 'change.kind', 'change.id', 'change.time', 'fact_version.body'])
    .where('change.revision', '>', after)
    .where('change.revision', '<=', after + pageRevisions)
    .orderBy('change.revision')
    .execute();
  const changes: (CommittedChange & { facts: FactRow[] })[] = [];
  for (const row of found) {
    const last = changes.at(-1);
    if (last?.revision === row.revision) last.facts.push(bodies.readRow(row));
    else if (row.revision === (last?.revision ?? after) + 1) {
      changes.push({ revision: row.revision, time: row.time, facts: [bodies.readRow(row)] });
    } else return undefined;
  }
  if (changes.length === 0) return undefined;
  return { epoch: head.epoch, revision: Math.max(head.revision, changes.at(-1)?.revision ?? 0), changes };
}

export async function readFactAt<K extends FactKind>(
  rows: Kysely<StoreTables>,
  fact: { kind: K; id: string; revision: number; bodies: FactBodies },
): Promise<FactOf<K> | undefined> {
  const row = await rows
    .selectFrom('fact_version')
    .select('body')
    .where('kind', '=', fact.kind)
    .where('id', '=', fact.id)
    .where('from_revision', '<=', fact.revision)
    .where((eb) => eb.or([eb('to_revision', 'is', null), eb('to_revision', '>', fact.revision)]))
    .executeTakeFirst();
  if (!keptKinds.has(fact.kind)) checkReach(await readHead(rows), fact.revision);
  return row === undefined ? undefined : fact.bodies.read(fact.kind, fact.id, row.body);
}

export async function readSnapshotAt(
  rows: Kysely<StoreTables>,
  { revision, bodies }: { revision: number; bodies: FactBodies },
): Promise<Snapshot> {
  const found = await rows
    .selectFrom('fact_version')
    .select(['kind', 'id', 'from_revision as revision', 'body'])
    .where('from_revision', '<=', revision)
    .where((eb) => eb.or([eb('to_revision', 'is', null), eb('to_revision', '>', revision)]))
    .execute();
  const head = await readHead(rows);
  checkReach(head, revision);
  return { epoch: head.epoch, revision, rows: found.map((row) => bodies.readRow(row)) };
}

/** Asked after the rows were read, so that a pruning in between shows. */
function checkReach(head: Head, revision: number): void {
  if (revision > head.revision)
    throw new StoreError('invalid', `revision ${revision} lies ahead of the store, which is at ${head.revision}`);
  if (revision < head.pruned_revision) {
    throw new StoreError(
      'pruned',
      `revision ${revision} is beyond the retention, which reaches back to ${head.pruned_revision}`,
    );
  }
}

export async function readHistory<K extends FactKind>(
  rows: Kysely<StoreTables>,
  fact: { kind: K; id: string; limit: number; bodies: FactBodies },
): Promise<FactVersion<K>[]> {
  const found = await rows
    .selectFrom('fact_version')
    .leftJoin('change', (join) =>
      join
        .onRef('change.kind', '=', 'fact_version.kind')
        .onRef('change.id', '=', 'fact_version.id')
        .onRef('change.revision', '=', 'fact_version.from_revision'),
    )
    .select(['fact_version.from_revision', 'fact_version.to_revision', 'fact_version.body', 'change.time'])
    .where('fact_version.kind', '=', fact.kind)
    .where('fact_version.id', '=', fact.id)
    .orderBy('fact_version.from_revision', 'desc')
    .limit(Math.min(fact.limit, historyVersionsMax))
    .execute();
  return found.map((row) => ({
    fromRevision: row.from_revision,
    toRevision: row.to_revision,
    time: row.time,
    body: fact.bodies.read(fact.kind, fact.id, row.body),
  }));
}

/** Must run in a transaction that holds the head row. */
export async function pruneBefore(rows: Kysely<StoreTables>, before: number): Promise<void> {
  const head = await readHead(rows);
  // The oldest entry to keep decides, so that a clock that jumped prunes too little, never too much.
  const kept = await rows
    .selectFrom('change')
    .select((eb) => eb.fn.min('revision').as('revision'))
    .where('time', '>=', before)
    .executeTakeFirst();
  const cut = kept?.revision == null ? head.revision : Number(kept.revision) - 1;
  if (cut <= head.pruned_revision) return;
  await rows.deleteFrom('change').where('revision', '<=', cut).execute();
  await rows
    .deleteFrom('fact_version')
    .where('to_revision', '<=', cut)
    .where('kind', 'not in', [...keptKinds])
    .execute();
  await rows.updateTable('head').set({ pruned_revision: cut }).where('id', '=', 1).execute();
}
