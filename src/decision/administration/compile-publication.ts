import { compilePolicySet, EngineError, readParsedForm } from '#decision/engine';
import type { Publication } from '#foundation/model';
import type { PublishedPolicies } from './judge.ts';

/** Compiles what is published, from its parsed form. Throws EngineError when it does not compile; the caller then closes the gate. */
export function compilePublication(
  publication: Pick<Publication, 'sequence' | 'schema' | 'policies' | 'parsed'>,
): PublishedPolicies {
  const { schema, policies, parsed, sequence } = publication;
  if (parsed === null) {
    const message = `publication ${sequence} comes from an earlier version and has no parsed form`;
    throw new EngineError({ code: 'invalid-parsed-form', message, hint: 'Publish its policies again.' });
  }
  return { sequence, compiled: compilePolicySet(readParsedForm(parsed, { sources: policies, schema })) };
}
