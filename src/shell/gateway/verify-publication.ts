import type { JWK } from 'jose';
import { compilePublication, publicationStatement } from '#decision/administration';
import { canonicalJson } from '#foundation/encoding';
import type { Publication } from '#foundation/model';
import { verifyStatementJws } from '#shell/replica';

/**
 * Checks that the signer signed exactly these policies and this schema, in this order of publications. Throws when the
 * manifest does not verify, or speaks of others.
 */
export async function verifyPublication(publication: Publication, signerKeys: readonly JWK[]): Promise<void> {
  const signed = await verifyStatementJws(publication.manifest, { keys: signerKeys, type: 'nullius-publication+jws' });
  const { compiled } = compilePublication(publication);
  if (canonicalJson(signed) !== canonicalJson(publicationStatement(publication, compiled))) {
    throw new Error('the manifest speaks of other policies');
  }
}
