import { createHash } from 'node:crypto';
import type { JWK } from 'jose';
import { z } from 'zod';
import { canonicalJson } from '#foundation/encoding';
import type { FactRow } from '#foundation/model';
import { parseFactRow } from '#information/inventory';
import type { SnapshotStatement } from '#shell/wire';
import { ReplicaError } from './replica-error.ts';
import { verifyStatementJws } from './verify-statement-jws.ts';

/** Explicit typing, RFC 8725 section 3.11: no other statement of the signer passes for a snapshot. */
const statementType = 'nullius-snapshot+jws';

const statementSchema = z.strictObject({
  epoch: z.int().min(0),
  revision: z.int().min(0),
  factCount: z.int().min(0),
  digest: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});

/**
 * Verifies a snapshot statement (attacker-controlled until then): canonical base64url, a key of the signer chosen by `kid`, its
 * algorithm, its type, its fields. Throws ReplicaError `not-authentic`.
 */
export function verifyStatement(jws: string, keys: readonly JWK[]): SnapshotStatement {
  const payload = verifyStatementJws(jws, { keys, type: statementType });
  const statement = statementSchema.safeParse(payload);
  if (!statement.success) throw notAuthentic('the statement has other fields than a snapshot has', statement.error);
  return statement.data;
}

/** Gathers the facts of a snapshot; nothing is believed before `finish` has compared count and digest. */
export class SnapshotIntake {
  readonly statement: SnapshotStatement;
  readonly #hash = createHash('sha256');
  readonly #rows = new Map<string, FactRow>();

  constructor(statement: SnapshotStatement) {
    this.statement = statement;
  }

  /** `value` is attacker-controlled: what is hashed is what came, before any of it is read. */
  add(value: unknown): void {
    if (this.#rows.size >= this.statement.factCount) throw notAuthentic('the snapshot holds more facts than it states');
    this.#hash.update(canonicalJson(value)).update('\n');
    const row = parseFactRow(value);
    const key = `${row.kind} ${row.id}`;
    if (row.body === null || this.#rows.has(key) || row.revision > this.statement.revision) {
      throw notAuthentic(`the snapshot holds \`${row.kind}\` \`${row.id}\` twice, removed or from the future`);
    }
    this.#rows.set(key, row);
  }

  finish(): FactRow[] {
    if (this.#rows.size !== this.statement.factCount)
      throw notAuthentic('the snapshot holds fewer facts than it states');
    if (this.#hash.digest('base64url') !== this.statement.digest)
      throw notAuthentic('the facts are not those that were signed');
    return [...this.#rows.values()];
  }
}

function notAuthentic(words: string, cause?: unknown): ReplicaError {
  return new ReplicaError('not-authentic', `a snapshot was refused: ${words}`, { cause });
}
