import { compilePublication, entitiesOf, type PublishedPolicies } from '#decision/administration';
import type { PolicySource } from '#decision/engine';
import { preparePolicies } from '#decision/parser';
import type { FactView, PolicyStates } from '#foundation/model';

interface Texts {
  sequence: number;
  schema: string;
  policies: readonly PolicySource[];
  states?: PolicyStates;
}

/** Compiles policies as a publication brings them into force; with a view, over the entities of its facts, as a gateway does. */
export type MakePolicies = (view?: FactView) => PublishedPolicies;

/** Parses policies once, to be compiled for any view of facts. */
export function preparedPolicies({ sequence, schema, policies, states = [] }: Texts): MakePolicies {
  const { parsedForm, problems } = preparePolicies({ schema, policies });
  if (parsedForm === undefined) throw new Error(JSON.stringify(problems));
  const publication = { sequence, schema, policies, parsed: parsedForm, states };
  return (view) => compilePublication(publication, { entitiesFor: view === undefined ? undefined : entitiesOf(view) });
}

/** Policies as a publication brings them into force, from their texts; without signer and store. */
export function publishedPolicies({ view, ...texts }: Texts & { view?: FactView }): PublishedPolicies {
  return preparedPolicies(texts)(view);
}
