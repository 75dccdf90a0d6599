import { compilePublication, type PublishedPolicies } from '#decision/administration';
import type { FactView } from '#foundation/model';

/**
 * The published policies, compiled once for each publication. What does not compile leaves null, and nothing is allowed
 * until something that does is published.
 */
export class PoliciesInForce {
  #compiled: PublishedPolicies | null = null;
  readonly #onProblem: (message: string) => void;

  constructor(onProblem: (message: string) => void) {
    this.#onProblem = onProblem;
  }

  get current(): PublishedPolicies | null {
    return this.#compiled;
  }

  refresh(facts: FactView): void {
    const publication = facts.get('publication', 'current');
    if (publication === undefined) {
      this.#compiled = null;
      return;
    }
    if (publication.sequence === this.#compiled?.sequence) return;
    try {
      this.#compiled = compilePublication(publication);
    } catch (error) {
      this.#compiled = null;
      this.#onProblem(`policies ${publication.sequence} do not compile, so nothing is allowed: ${String(error)}`);
    }
  }
}
