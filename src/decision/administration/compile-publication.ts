import { compilePolicies } from '#decision/engine';
import type { Publication } from '#foundation/model';
import type { PublishedPolicies } from './judge.ts';

/** Compiles what is published. Throws EngineError when it does not compile; the caller then closes the gate. */
export function compilePublication(
  publication: Pick<Publication, 'sequence' | 'schema' | 'policies'>,
): PublishedPolicies {
  const { schema, policies, sequence } = publication;
  return { sequence, compiled: compilePolicies({ schema, policies }) };
}
