import { createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { CryptoError, open, seal } from '#foundation/crypto';
import { fromBase64url } from '#foundation/encoding';
import type { Clock } from '#foundation/model';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';

/** The signer's envelope encryption: keys in base64url, `wrapped` under the root key. */
export interface DataKeys {
  createDataKey(purpose: string): Promise<{ key: string; wrapped: string }>;
  unwrapDataKey(purpose: string, wrapped: string): Promise<{ key: string }>;
}

const purpose = 'store-secrets';
const secretBytesMax = 1024 * 1024;

/** Secrets sealed by AES-256-GCM under a data key of the signer's; the name is bound in, so that rows cannot be swapped. */
export class SecretBox {
  readonly #dataKeys: DataKeys;
  readonly #clock: Clock;

  readonly #opened = new Map<string, KeyObject>();

  constructor(options: { dataKeys: DataKeys; clock: Clock }) {
    this.#dataKeys = options.dataKeys;
    this.#clock = options.clock;
  }

  async seal(rows: Kysely<StoreTables>, secret: { name: string; plaintext: Uint8Array }): Promise<void> {
    const { name, plaintext } = secret;
    if (plaintext.byteLength > secretBytesMax) {
      throw new StoreError('invalid', `the secret \`${name}\` is larger than ${secretBytesMax} bytes`);
    }
    const { id, key } = await this.#sealingKey(rows);
    const row = {
      data_key_id: id,
      sealed: seal(key, plaintext, { associatedData: associatedData(id, name) }),
      updated_at: this.#clock(),
    };
    await rows
      .insertInto('secret')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
  }

  async open(rows: Kysely<StoreTables>, name: string): Promise<Uint8Array | undefined> {
    const row = await rows
      .selectFrom('secret')
      .innerJoin('data_key', 'data_key.id', 'secret.data_key_id')
      .select(['data_key.id', 'data_key.wrapped', 'secret.sealed'])
      .where('secret.name', '=', name)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const key = await this.#unwrap(row.id, row.wrapped);
    try {
      return open(key, row.sealed, { associatedData: associatedData(row.id, name) });
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error;
      throw new StoreError(
        'corrupt',
        `the secret \`${name}\` does not open: its row or its key was altered; restore a backup`,
        {
          cause: error,
        },
      );
    }
  }

  /** The newest data key, made when there is none. Two processes that make one at once both keep theirs: either opens. */
  async #sealingKey(rows: Kysely<StoreTables>): Promise<{ id: string; key: KeyObject }> {
    const row = await rows
      .selectFrom('data_key')
      .select(['id', 'wrapped'])
      .where('purpose', '=', purpose)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) return { id: row.id, key: await this.#unwrap(row.id, row.wrapped) };
    const made = await this.#dataKeys.createDataKey(purpose);
    const id = randomUUID();
    await rows
      .insertInto('data_key')
      .values({ id, purpose, wrapped: made.wrapped, created_at: this.#clock() })
      .execute();
    return { id, key: this.#remember(id, made.key) };
  }

  async #unwrap(id: string, wrapped: string): Promise<KeyObject> {
    const known = this.#opened.get(id);
    if (known !== undefined) return known;
    const { key } = await this.#dataKeys.unwrapDataKey(purpose, wrapped);
    return this.#remember(id, key);
  }

  #remember(id: string, text: string): KeyObject {
    const key = dataKeyFrom(text);
    this.#opened.set(id, key);
    return key;
  }
}

/** Reads a data key as the signer gave it. */
export function dataKeyFrom(text: string): KeyObject {
  const key = fromBase64url(text);
  if (key?.byteLength !== 32) throw new StoreError('corrupt', 'the signer gave a data key that is not 32 bytes');
  return createSecretKey(key);
}

function associatedData(keyId: string, name: string): string {
  return JSON.stringify(['secret', keyId, name]);
}
