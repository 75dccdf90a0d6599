import type { DescribedPolicies } from '#decision/engine';
import { sha256Base64url } from '#foundation/crypto';
import type { Publication } from '#foundation/model';

/** What the signer signs about a publication, and what gateways compare it with: hashes, not texts. */
export interface PublicationStatement {
  readonly sequence: number;
  readonly schemaHash: string;
  /** Of the parsed form: what is compiled. Publications of earlier versions have none. */
  readonly parsedHash?: string;
  /** Of the texts: what people read. */
  readonly policies: readonly { readonly id: string; readonly hash: string; readonly state: 'enforced' }[];
  readonly author: string;
  readonly publishedAt: number;
}

/** The statement about a publication whose policies are `described`; policies in the order of their ids. */
export function publicationStatement(
  publication: Omit<Publication, 'manifest'>,
  described: DescribedPolicies,
): PublicationStatement {
  const policies = [...described.policies.values()]
    .map(({ id, hash }) => ({ id, hash, state: 'enforced' as const }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    sequence: publication.sequence,
    schemaHash: sha256Base64url(publication.schema),
    ...(publication.parsed === null ? {} : { parsedHash: sha256Base64url(publication.parsed) }),
    policies,
    author: publication.author,
    publishedAt: publication.publishedAt,
  };
}
