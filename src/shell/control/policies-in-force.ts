import { compilePublication, type PublishedPolicies } from '#decision/administration';
import type { FactTable } from '#information/inventory';

/** The published policies, compiled once per publication. What does not compile is null: then nothing is allowed. */
export function followPolicies(facts: FactTable, onProblem: (error: unknown) => void): () => PublishedPolicies | null {
  let compiled: PublishedPolicies | null = null;
  let revision = -1;
  return () => {
    const standing = facts.standing('publication', 'current');
    if (standing === undefined) return null;
    if (standing.revision !== revision) {
      revision = standing.revision;
      try {
        compiled = compilePublication(standing.body);
      } catch (error) {
        compiled = null;
        onProblem(error);
      }
    }
    return compiled;
  };
}
