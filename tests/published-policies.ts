import { compilePublication, type PublishedPolicies } from '#decision/administration';
import type { PolicySource } from '#decision/engine';
import { preparePolicies } from '#decision/parser';
import type { PolicyStates } from '#foundation/model';

/** Policies as a publication brings them into force, from their texts; without signer and store. */
export function publishedPolicies(input: {
  sequence: number;
  schema: string;
  policies: readonly PolicySource[];
  states?: PolicyStates;
}): PublishedPolicies {
  const { sequence, schema, policies, states = [] } = input;
  const { parsedForm, problems } = preparePolicies({ schema, policies });
  if (parsedForm === undefined) throw new Error(JSON.stringify(problems));
  return compilePublication({ sequence, schema, policies, parsed: parsedForm, states });
}
