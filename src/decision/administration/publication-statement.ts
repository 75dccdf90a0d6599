import type { DescribedPolicies } from '#decision/engine';
import { sha256Base64url } from '#foundation/crypto';
import { canonicalJson } from '#foundation/encoding';
import type { PolicyState, Publication } from '#foundation/model';

/** What the signer signs about a publication, and what gateways compare it with: hashes, not texts. */
export interface PublicationStatement {
  readonly sequence: number;
  readonly schemaHash: string;
  /** Of the parsed form: what is compiled. Publications of earlier versions have none. */
  readonly parsedHash?: string;
  /** Of the texts of tests and invariants; absent when there are none. */
  readonly checksHash?: string;
  /** The commit that the texts came from, as whoever published them said; absent when they said none. */
  readonly commit?: string;
  /** Of the texts: what people read, each with its state. */
  readonly policies: readonly SignedPolicy[];
  readonly author: string;
  readonly publishedAt: number;
}

export type SignedPolicy = { readonly id: string; readonly hash: string } & (
  | { readonly state: 'enforced' }
  | PolicyState
);

const enforced = { state: 'enforced' } as const;

/** The statement about a publication whose policies are `described`; policies in the order of their ids. */
export function publicationStatement(
  publication: Omit<Publication, 'manifest'>,
  described: DescribedPolicies,
): PublicationStatement {
  const states = new Map(publication.states.map(({ id, ...state }) => [id, state as PolicyState]));
  const policies = [...described.policies.values()]
    .map(({ id, hash }): SignedPolicy => ({ id, hash, ...(states.get(id) ?? enforced) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const { tests, invariants, git } = publication;
  const hasChecks = tests.length > 0 || invariants.length > 0;
  return {
    sequence: publication.sequence,
    schemaHash: sha256Base64url(publication.schema),
    ...(publication.parsed === null ? {} : { parsedHash: sha256Base64url(publication.parsed) }),
    ...(hasChecks ? { checksHash: sha256Base64url(canonicalJson({ tests, invariants })) } : {}),
    ...(git === null ? {} : { commit: git.commit }),
    policies,
    author: publication.author,
    publishedAt: publication.publishedAt,
  };
}
