import { sha256Base64url } from '#foundation/crypto';
import type { Publication } from '#foundation/model';
import type { PublishedPolicies } from './judge.ts';

/** What the signer signs about a publication, and what gateways compare it with: hashes, not texts. */
export interface PublicationStatement {
  readonly sequence: number;
  readonly schemaHash: string;
  readonly policies: readonly { readonly id: string; readonly hash: string; readonly state: 'enforced' }[];
  readonly author: string;
  readonly publishedAt: number;
}

/** The statement about a publication whose policies compiled to `compiled`; policies in the order of their ids. */
export function publicationStatement(
  publication: Omit<Publication, 'manifest'>,
  compiled: PublishedPolicies['compiled'],
): PublicationStatement {
  const policies = [...compiled.policies.values()]
    .map((policy) => ({ id: policy.id, hash: sha256Base64url(policy.text), state: 'enforced' as const }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    sequence: publication.sequence,
    schemaHash: sha256Base64url(publication.schema),
    policies,
    author: publication.author,
    publishedAt: publication.publishedAt,
  };
}
