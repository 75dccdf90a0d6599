import { sql, type Transaction } from 'kysely';
import { canonicalJson } from '#foundation/encoding';
import type { FactKind, FactOf, JournalEvent } from '#foundation/model';
import { parseFactBody } from '#information/inventory';
import type { FactBodies } from './fact-bodies.ts';
import { unversionedKinds } from './fact-rows.ts';
import { forgetPerson } from './forget-person.ts';
import type { Dialect } from './migrations/index.ts';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';

/** One fact to write (`body`) or to remove (null). */
export type FactWrite = { [K in FactKind]: FactWriteOf<K> }[FactKind];

export interface FactWriteOf<K extends FactKind> {
  readonly kind: K;
  readonly id: string;
  readonly body: FactOf<K> | null;
  /** The revision the fact must stand at, 0 when it must not exist. Without it the write always holds. */
  readonly expectedRevision?: number;
}

interface PreparedWrite {
  readonly kind: FactKind;
  readonly id: string;
  /** Canonical JSON, or null to remove. */
  readonly text: string | null;
}

/** Facts that one commit writes. */
export const writesMax = 10_000;
const eventsMax = 10_000;
/** Rows per statement: seven columns at most stay below SQLite's 32,766 parameters. */
const chunkRows = 500;
export const notifyChannel = 'nullius_commit';

/**
 * What one transaction does. It holds the head row from its first statement on, so that transactions follow one another
 * and the order of revisions is the order of commits on both databases.
 */
export class WriteTransaction {
  /** Rows that are no facts, in the same transaction. Await nothing but the database while it is open. */
  readonly rows: Transaction<StoreTables>;
  readonly #dialect: Dialect;
  readonly #head: { revision: number; outbox_position: number };
  readonly #bodies: FactBodies;
  readonly #writer: string;
  readonly #time: number;
  #outboxPosition: number;
  #wrote = false;

  private constructor(rows: Transaction<StoreTables>, head: StoreTables['head'], options: TransactionOptions) {
    this.rows = rows;
    this.#head = head;
    this.#outboxPosition = head.outbox_position;
    this.#dialect = options.dialect;
    this.#bodies = options.bodies;
    this.#writer = options.writer;
    this.#time = options.time;
  }

  static async begin(rows: Transaction<StoreTables>, options: TransactionOptions): Promise<WriteTransaction> {
    const query = rows.selectFrom('head').selectAll().where('id', '=', 1);
    const head = await (options.dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst();
    if (head === undefined) throw new StoreError('corrupt', 'the store has no head row; restore a backup');
    return new WriteTransaction(rows, head, options);
  }

  /** The fact as it stands inside this transaction. */
  async read<K extends FactKind>(kind: K, id: string): Promise<{ revision: number; body: FactOf<K> } | undefined> {
    const row = await this.rows
      .selectFrom('fact')
      .select(['revision', 'body'])
      .where('kind', '=', kind)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : { revision: row.revision, body: this.#bodies.read(kind, id, row.body) };
  }

  /**
   * Writes facts. What changes nothing (an equal body, the removal of what is not there) leaves no trace. Throws
   * StoreError `conflict` or `invalid`; the whole transaction must then be given up.
   */
  async write(writes: readonly FactWrite[]): Promise<void> {
    if (writes.length > writesMax) {
      throw new StoreError(
        'invalid',
        `a transaction writes at most ${writesMax} facts at a time, not ${writes.length}`,
      );
    }
    const standing = await this.#standing(writes);
    const effective: PreparedWrite[] = [];
    const seen = new Set<string>();
    for (const write of writes) {
      const key = `${write.kind} ${write.id}`;
      if (seen.has(key)) throw new StoreError('invalid', `\`${write.kind}\` \`${write.id}\` is written twice at once`);
      seen.add(key);
      const now = standing.get(key);
      checkExpected(write, now?.revision ?? 0);
      const text = write.body === null ? null : canonicalJson(parseFactBody(write.kind, write.id, write.body));
      if (text !== (now?.body ?? null)) effective.push({ kind: write.kind, id: write.id, text });
    }
    if (effective.length === 0) return;
    this.#wrote = true;
    for (let start = 0; start < effective.length; start += chunkRows) {
      await this.#writeChunk(effective.slice(start, start + chunkRows));
    }
  }

  /** Puts journal events into the outbox: they are appended if, and only if, this transaction commits. */
  async emit(events: readonly JournalEvent[]): Promise<void> {
    if (events.length > eventsMax) {
      throw new StoreError(
        'invalid',
        `a transaction emits at most ${eventsMax} events at a time, not ${events.length}`,
      );
    }
    const revision = this.#head.revision + (this.#wrote ? 1 : 0);
    for (let start = 0; start < events.length; start += chunkRows) {
      const values = events.slice(start, start + chunkRows).map((event) => {
        this.#outboxPosition += 1;
        return {
          position: this.#outboxPosition,
          id: event.id,
          writer: this.#writer,
          revision,
          event: canonicalJson(event),
        };
      });
      await this.rows.insertInto('outbox').values(values).execute();
    }
  }

  /** Drops what is kept of a removed person besides what stands. Nobody can be asked about their past from then on. */
  async forgetPerson(user: string): Promise<void> {
    await forgetPerson(this.rows, { user, bodies: this.#bodies });
  }

  /** The last step before the commit. Gives the revision at which the facts now are. */
  async finish(): Promise<{ revision: number; wrote: boolean }> {
    const revision = this.#head.revision + (this.#wrote ? 1 : 0);
    if (this.#wrote || this.#outboxPosition !== this.#head.outbox_position) {
      await this.rows
        .updateTable('head')
        .set({ revision, outbox_position: this.#outboxPosition })
        .where('id', '=', 1)
        .execute();
    }
    if (this.#wrote && this.#dialect === 'postgres') {
      await sql`select pg_notify(${notifyChannel}, ${String(revision)})`.execute(this.rows);
    }
    return { revision, wrote: this.#wrote };
  }

  async #standing(writes: readonly FactWrite[]): Promise<Map<string, { revision: number; body: string }>> {
    const standing = new Map<string, { revision: number; body: string }>();
    for (const [kind, ids] of idsByKind(writes)) {
      for (let start = 0; start < ids.length; start += chunkRows) {
        const rows = await this.rows
          .selectFrom('fact')
          .select(['id', 'revision', 'body'])
          .where('kind', '=', kind)
          .where('id', 'in', ids.slice(start, start + chunkRows))
          .execute();
        for (const row of rows) {
          const body = this.#bodies.toJson(kind, row.id, row.body);
          standing.set(`${kind} ${row.id}`, { revision: row.revision, body });
        }
      }
    }
    return standing;
  }

  async #writeChunk(writes: readonly PreparedWrite[]): Promise<void> {
    const revision = this.#head.revision + 1;
    for (const [kind, ids] of idsByKind(writes)) await this.#endVersions(kind, ids, revision);
    for (const [kind, ids] of idsByKind(writes.filter((write) => write.text === null))) {
      await this.rows.deleteFrom('fact').where('kind', '=', kind).where('id', 'in', ids).execute();
    }
    const kept = writes.flatMap(({ kind, id, text }) =>
      text === null ? [] : [{ kind, id, body: this.#bodies.toText(kind, id, text) }],
    );
    if (kept.length > 0) {
      await this.rows
        .insertInto('fact')
        .values(kept.map((fact) => ({ ...fact, revision })))
        .onConflict((conflict) =>
          conflict.columns(['kind', 'id']).doUpdateSet((eb) => ({
            revision: eb.ref('excluded.revision'),
            body: eb.ref('excluded.body'),
          })),
        )
        .execute();
      await this.rows
        .insertInto('fact_version')
        .values(kept.map((fact) => ({ ...fact, from_revision: revision, to_revision: null })))
        .execute();
    }
    await this.rows
      .insertInto('change')
      .values(writes.map(({ kind, id }) => ({ revision, kind, id, time: this.#time })))
      .onConflict((conflict) => conflict.columns(['revision', 'kind', 'id']).doNothing())
      .execute();
  }

  async #endVersions(kind: FactKind, ids: string[], revision: number): Promise<void> {
    const gone = this.rows.deleteFrom('fact_version').where('kind', '=', kind).where('id', 'in', ids);
    if (unversionedKinds.has(kind)) {
      await gone.execute();
      return;
    }
    // A fact written twice in one transaction has one version, the last.
    await gone.where('from_revision', '=', revision).execute();
    await this.rows
      .updateTable('fact_version')
      .set({ to_revision: revision })
      .where('kind', '=', kind)
      .where('id', 'in', ids)
      .where('to_revision', 'is', null)
      .execute();
  }
}

export interface TransactionOptions {
  readonly dialect: Dialect;
  readonly writer: string;
  readonly time: number;
  readonly bodies: FactBodies;
}

function idsByKind(writes: readonly { kind: FactKind; id: string }[]): Map<FactKind, string[]> {
  const groups = new Map<FactKind, string[]>();
  for (const { kind, id } of writes) {
    const ids = groups.get(kind);
    if (ids === undefined) groups.set(kind, [id]);
    else ids.push(id);
  }
  return groups;
}

function checkExpected(write: FactWrite, revision: number): void {
  if (write.expectedRevision === undefined || write.expectedRevision === revision) return;
  const words =
    revision === 0
      ? 'does not exist'
      : write.expectedRevision === 0
        ? 'exists already'
        : `is at revision ${revision}, not ${write.expectedRevision}: somebody else changed it`;
  throw new StoreError('conflict', `\`${write.kind}\` \`${write.id}\` ${words}`);
}
