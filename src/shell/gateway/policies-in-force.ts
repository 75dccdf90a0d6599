import type { JWK } from 'jose';
import {
  type CompilingOptions,
  compilePublication,
  entitiesOf,
  type PublishedPolicies,
} from '#decision/administration';
import type { FactView, Publication } from '#foundation/model';
import { verifyPublication } from '#shell/replica';

/**
 * The published policies, compiled once for each publication. What does not compile leaves null, and nothing is allowed
 * until something that does is published.
 */
export class PoliciesInForce {
  #compiled: PublishedPolicies | null = null;
  /** Of what is compiled. Of two publications of one number only the manifest tells which it is. */
  #manifest = '';
  /** What was compiled to check a manifest, kept for when it comes into force: compiling takes a good part of the start. */
  #verified: { readonly manifest: string; readonly published: PublishedPolicies } | undefined;
  /** For the one view of facts that this process has. */
  #entitiesFor: CompilingOptions['entitiesFor'];
  readonly #onProblem: (message: string) => void;

  constructor(onProblem: (message: string) => void) {
    this.#onProblem = onProblem;
  }

  get current(): PublishedPolicies | null {
    return this.#compiled;
  }

  /** For the replica: throws for what the signer did not sign, before it is among the facts. */
  verify(publication: Publication, { signerKeys, facts }: { signerKeys: readonly JWK[]; facts: FactView }): void {
    const published = verifyPublication(publication, signerKeys, this.#compiling(facts));
    this.#verified = { manifest: publication.manifest, published };
  }

  refresh(facts: FactView): void {
    const publication = facts.get('publication', 'current');
    if (publication === undefined) {
      this.#compiled = null;
      return;
    }
    if (this.#compiled !== null && publication.manifest === this.#manifest) return;
    this.#manifest = publication.manifest;
    try {
      const isVerified = this.#verified?.manifest === publication.manifest;
      this.#compiled =
        (isVerified ? this.#verified?.published : undefined) ?? compilePublication(publication, this.#compiling(facts));
      // Now, and not while the first request waits.
      this.#compiled.entities?.standsFor(facts, { about: 'everything' });
    } catch (error) {
      this.#compiled = null;
      this.#onProblem(`policies ${publication.sequence} do not compile, so nothing is allowed: ${String(error)}`);
    }
  }

  #compiling(facts: FactView): CompilingOptions {
    this.#entitiesFor ??= entitiesOf(facts);
    return { entitiesFor: this.#entitiesFor };
  }
}
