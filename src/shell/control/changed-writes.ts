import { canonicalJson } from '#foundation/encoding';
import type { FactTable } from '#information/inventory';
import type { FactWrite } from '../store/index.ts';

/** Leaves out writes that would change nothing, so that what is told about is what changed. */
export function changedWrites(facts: FactTable, writes: readonly FactWrite[]): FactWrite[] {
  return writes.filter(({ kind, id, body }) => {
    const now = facts.get(kind, id);
    if (body === null) return now !== undefined;
    return now === undefined || canonicalJson(now) !== canonicalJson(body);
  });
}
