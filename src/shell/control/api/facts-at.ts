import type { FactView } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { StoreError } from '../../store/index.ts';
import type { ApiServices } from './services.ts';

const unneededKinds = new Set(['app-cookie', 'publication', 'journal-key', 'gateway']);

/** The facts as they are now, standing still: what is judged in many turns is judged by one revision. */
export function factsStandingStill({ facts, clock }: Pick<ApiServices, 'facts' | 'clock'>): FactView {
  const copy = new FactTable({ clock });
  const rows = facts.rows().filter(({ kind }) => !unneededKinds.has(kind));
  copy.replace({ epoch: facts.epoch, revision: facts.revision, rows });
  return copy;
}

/** The facts as they were at a revision, or in words why they cannot be had. */
export async function factsAt(
  { store, clock }: Pick<ApiServices, 'store' | 'clock'>,
  revision: number,
): Promise<FactView | string> {
  try {
    const { epoch, rows } = await store.snapshotAt(revision);
    const table = new FactTable({ clock });
    table.replace({ epoch, revision, rows: rows.filter(({ kind }) => !unneededKinds.has(kind)) });
    return table;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'pruned') return `The facts of then are pruned: ${error.message}.`;
    if (error.code === 'invalid') return `The facts of then are not in this store: ${error.message}.`;
    throw error;
  }
}
