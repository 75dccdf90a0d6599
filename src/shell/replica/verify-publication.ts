import type { JWK } from 'jose';
import {
  type CompilingOptions,
  compilePublication,
  type PublishedPolicies,
  publicationStatement,
} from '#decision/administration';
import type { DescribedPolicies } from '#decision/engine';
import { sha256Base64url } from '#foundation/crypto';
import { canonicalJson } from '#foundation/encoding';
import type { Publication } from '#foundation/model';
import { ReplicaError } from './replica-error.ts';
import { verifyStatementJws } from './verify-statement-jws.ts';

const statementType = 'nullius-publication+jws';

/**
 * Checks that the signer signed exactly these texts, this schema and this parsed form, in this order of publications, and compiles
 * them. Nothing of the parsed form is read before the signature over its hash has been verified. Throws ReplicaError
 * `not-authentic`, and EngineError for what was signed but does not compile.
 */
export function verifyPublication(
  publication: Publication,
  signerKeys: readonly JWK[],
  options: CompilingOptions = {},
): PublishedPolicies {
  const signed = verifyStatementJws(publication.manifest, { keys: signerKeys, type: statementType });
  const { parsed } = publication;
  if (parsed !== null && Object(signed).parsedHash !== sha256Base64url(parsed)) {
    throw new ReplicaError('not-authentic', 'the manifest speaks of another parsed form');
  }
  const published = compilePublication(publication, options);
  refuseOthers(publication, { signed, described: published.compiled });
  return published;
}

/** The same for what is not to be compiled, of any version: was this what the signer signed? `described` by its parser. */
export function isPublicationSigned(
  publication: Publication,
  { keys, described }: { keys: readonly JWK[]; described: DescribedPolicies },
): boolean {
  try {
    const signed = verifyStatementJws(publication.manifest, { keys, type: statementType });
    refuseOthers(publication, { signed, described });
    return true;
  } catch (error) {
    if (error instanceof ReplicaError) return false;
    throw error;
  }
}

function refuseOthers(
  publication: Publication,
  { signed, described }: { signed: unknown; described: DescribedPolicies },
): void {
  if (canonicalJson(signed) === canonicalJson(publicationStatement(publication, described))) return;
  throw new ReplicaError('not-authentic', 'the manifest speaks of other policies');
}
