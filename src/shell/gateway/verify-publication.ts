import type { JWK } from 'jose';
import { compilePublication, type PublishedPolicies, publicationStatement } from '#decision/administration';
import { canonicalJson } from '#foundation/encoding';
import type { Publication } from '#foundation/model';
import { verifyStatementJws } from '#shell/replica';

/**
 * Checks that the signer signed exactly these policies and this schema, in this order of publications. Throws when the
 * manifest does not verify, or speaks of others. Gives them compiled.
 */
export async function verifyPublication(
  publication: Publication,
  signerKeys: readonly JWK[],
): Promise<PublishedPolicies> {
  const signed = await verifyStatementJws(publication.manifest, { keys: signerKeys, type: 'nullius-publication+jws' });
  const published = compilePublication(publication);
  if (canonicalJson(signed) !== canonicalJson(publicationStatement(publication, published.compiled))) {
    throw new Error('the manifest speaks of other policies');
  }
  return published;
}
