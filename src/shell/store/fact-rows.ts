import type { FactKind, FactOf, FactRow } from '#foundation/model';
import { isFactKind, parseFactBody } from '#information/inventory';
import { StoreError } from './store-error.ts';

/** Kinds whose old versions must not survive them: erasing a journal key erases what it sealed, in every version. */
export const unversionedKinds: ReadonlySet<FactKind> = new Set<FactKind>(['journal-key']);

/** Kinds whose versions are kept beyond the retention: who was allowed what, under which policy, stays answerable. */
export const keptKinds: ReadonlySet<FactKind> = new Set<FactKind>(['publication']);

/** Reads a stored row. What was written was valid then, so a failure means damage or a program older than the data. */
export function readFactRow(row: { kind: string; id: string; revision: number; body: string | null }): FactRow {
  if (!isFactKind(row.kind))
    throw new StoreError('corrupt', `the store holds a fact of the unknown kind \`${row.kind}\``);
  const body = row.body === null ? null : readBody(row.kind, row.id, row.body);
  return { kind: row.kind, id: row.id, revision: row.revision, body };
}

export function readBody<K extends FactKind>(kind: K, id: string, text: string): FactOf<K> {
  try {
    return parseFactBody(kind, id, JSON.parse(text));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new StoreError('corrupt', `the store holds a fact that cannot be read: ${words}`, { cause: error });
  }
}
