import type { JWK } from 'jose';
import { entitiesOf, type PublishedPolicies } from '#decision/administration';
import type { FactTable } from '#information/inventory';
import { verifyPublication } from '#shell/replica';

/**
 * The published policies, verified and compiled once per publication. What the signer did not sign, or does not compile, is null:
 * then nothing is allowed. `keys` are the signer's for statements.
 */
export function followPolicies(
  facts: FactTable,
  { keys, onProblem }: { keys: readonly JWK[]; onProblem: (error: unknown) => void },
): () => PublishedPolicies | null {
  let published: PublishedPolicies | null = null;
  let revision = -1;
  const entitiesFor = entitiesOf(facts);
  return () => {
    const standing = facts.standing('publication', 'current');
    if (standing === undefined) return null;
    if (standing.revision !== revision) {
      revision = standing.revision;
      try {
        published = verifyPublication(standing.body, keys, { entitiesFor });
      } catch (error) {
        published = null;
        onProblem(error);
      }
    }
    return published;
  };
}
