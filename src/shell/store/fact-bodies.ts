import { type KeyObject, randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { CryptoError, open, seal } from '#foundation/crypto';
import { fromBase64url, toBase64url } from '#foundation/encoding';
import type { Clock, FactKind, FactOf, FactRow } from '#foundation/model';
import { isFactKind, parseFactBody } from '#information/inventory';
import type { Database } from './database.ts';
import { type DataKeys, dataKeyFrom } from './secrets.ts';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';

/** Kinds whose bodies are secrets: they lie sealed in the database and in everything made from it. */
export const sealedKinds: readonly FactKind[] = ['journal-key'];

const purpose = 'store-facts';
const form = 's1';

interface StoredRow {
  readonly kind: string;
  readonly id: string;
  readonly revision: number;
  readonly body: string | null;
}

/**
 * Between a fact's body (canonical JSON) and the text its row holds: the same text, or for sealed kinds
 * `s1.<data key id>.<AES-256-GCM>`, bound to kind and id so that rows cannot be swapped. A store has one such data key,
 * opened when the store is, because nothing but the database may be awaited inside a transaction.
 */
export class FactBodies {
  readonly #key: { id: string; key: KeyObject } | undefined;

  /** Without a key, sealed kinds can be neither read nor written. */
  constructor(key?: { id: string; key: KeyObject }) {
    this.#key = key;
  }

  /** Opens the store's data key; the first time makes it, and seals with it what an older version had left plain. */
  static async open(database: Database, options: { dataKeys: DataKeys; clock: Clock }): Promise<FactBodies> {
    const { dataKeys, clock } = options;
    const standing = await findKey(database.rows);
    const row = standing ?? (await makeKey(database, { ...(await dataKeys.createDataKey(purpose)), clock }));
    const { key } = await dataKeys.unwrapDataKey(purpose, row.wrapped);
    return new FactBodies({ id: row.id, key: dataKeyFrom(key) });
  }

  toText(kind: FactKind, id: string, body: string): string {
    if (!sealedKinds.includes(kind)) return body;
    const { id: keyId, key } = this.#sealing(kind);
    const sealed = seal(key, Buffer.from(body), { associatedData: associatedData(keyId, { kind, id }) });
    return `${form}.${keyId}.${toBase64url(sealed)}`;
  }

  /** The canonical JSON a row holds. Its text may have been altered: throws StoreError `corrupt`. */
  toJson(kind: FactKind, id: string, text: string): string {
    if (!sealedKinds.includes(kind)) return text;
    const { id: keyId, key } = this.#sealing(kind);
    const [word, usedKey, encoded, ...rest] = text.split('.');
    const sealed = encoded === undefined ? undefined : fromBase64url(encoded);
    const refuse = (cause?: unknown) =>
      new StoreError(
        'corrupt',
        `\`${kind}\` \`${id}\` does not open: its row or its key was altered; restore a backup`,
        { cause },
      );
    if (word !== form || usedKey !== keyId || sealed === undefined || rest.length > 0) throw refuse();
    try {
      return Buffer.from(open(key, sealed, { associatedData: associatedData(keyId, { kind, id }) })).toString('utf8');
    } catch (error) {
      if (error instanceof CryptoError) throw refuse(error);
      throw error;
    }
  }

  read<K extends FactKind>(kind: K, id: string, text: string): FactOf<K> {
    try {
      return parseFactBody(kind, id, JSON.parse(this.toJson(kind, id, text)));
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const words = error instanceof Error ? error.message : String(error);
      throw new StoreError('corrupt', `the store holds a fact that cannot be read: ${words}`, { cause: error });
    }
  }

  /** Reads a stored row. What was written was valid then, so a failure means damage or a program older than the data. */
  readRow(row: StoredRow): FactRow {
    if (!isFactKind(row.kind))
      throw new StoreError('corrupt', `the store holds a fact of the unknown kind \`${row.kind}\``);
    const body = row.body === null ? null : this.read(row.kind, row.id, row.body);
    return { kind: row.kind, id: row.id, revision: row.revision, body };
  }

  #sealing(kind: FactKind): { id: string; key: KeyObject } {
    if (this.#key !== undefined) return this.#key;
    throw new StoreError('invalid', `this store was opened without data keys: it cannot read or write \`${kind}\``);
  }
}

type KeyRow = { readonly id: string; readonly wrapped: string };

function findKey(rows: Kysely<StoreTables>): Promise<KeyRow | undefined> {
  return rows.selectFrom('data_key').select(['id', 'wrapped']).where('purpose', '=', purpose).executeTakeFirst();
}

/**
 * Enters the key, unless another process was first: the head row keeps the two apart. In the same transaction everything
 * plain is sealed, so that once there is a key a plain row can only be an altered one.
 */
async function makeKey(
  { rows, dialect }: Database,
  made: { key: string; wrapped: string; clock: Clock },
): Promise<KeyRow> {
  return await rows.transaction().execute(async (transaction) => {
    const head = transaction.selectFrom('head').select('id').where('id', '=', 1);
    await (dialect === 'postgres' ? head.forUpdate() : head).execute();
    const standing = await findKey(transaction);
    if (standing !== undefined) return standing;
    const row = { id: randomUUID(), wrapped: made.wrapped };
    await transaction
      .insertInto('data_key')
      .values({ ...row, purpose, created_at: made.clock() })
      .execute();
    const bodies = new FactBodies({ id: row.id, key: dataKeyFrom(made.key) });
    for (const table of ['fact', 'fact_version'] as const) {
      const plain = await transaction
        .selectFrom(table)
        .select(['kind', 'id', 'body'])
        .where('kind', 'in', [...sealedKinds])
        .execute();
      for (const { kind, id, body } of plain) {
        if (!isFactKind(kind)) continue;
        const written = { body: bodies.toText(kind, id, body) };
        await transaction.updateTable(table).set(written).where('kind', '=', kind).where('id', '=', id).execute();
      }
    }
    return row;
  });
}

function associatedData(keyId: string, { kind, id }: { kind: string; id: string }): string {
  return JSON.stringify(['fact', keyId, kind, id]);
}
