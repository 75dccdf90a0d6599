import type { FactTable } from '#information/inventory';

/** Counts the changes of journal keys: after an erasure no event is sealed by a key that was seen before. */
export function keysVersionOf(facts: Pick<FactTable, 'onChange'>): () => number {
  let version = 0;
  facts.onChange((changes) => {
    if (changes.some(({ kind }) => kind === 'journal-key')) version += 1;
  });
  return () => version;
}
