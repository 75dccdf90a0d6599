import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { canonicalJson } from '#foundation/encoding';
import type { FactTable } from '#information/inventory';
import type { SnapshotStatement } from '#shell/wire';

/** Facts written down between two looks at the event loop. */
const factsPerTurn = 1_000;

/** A full copy of the facts at one revision, ready to be sent. */
export interface SnapshotCopy {
  readonly statement: SnapshotStatement;
  /** Canonical JSON of each fact row, in the order the digest covers them. */
  readonly facts: readonly string[];
}

/** Writes down every fact that stands. The table may go on meanwhile: the copy is of the moment of the call. */
export async function copySnapshot(table: FactTable): Promise<SnapshotCopy> {
  const { epoch, revision } = table;
  const rows = table.rows();
  const hash = createHash('sha256');
  const facts: string[] = [];
  for (const row of rows) {
    const text = canonicalJson(row);
    hash.update(text).update('\n');
    facts.push(text);
    if (facts.length % factsPerTurn === 0) await breathe();
  }
  return { statement: { epoch, revision, factCount: facts.length, digest: hash.digest('base64url') }, facts };
}
