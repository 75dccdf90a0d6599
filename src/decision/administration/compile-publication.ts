import {
  compilePolicySet,
  describePolicies,
  EngineError,
  type PolicySet,
  type PolicySource,
  readParsedForm,
  type SchemaJson,
} from '#decision/engine';
import type { Publication } from '#foundation/model';
import { compileBeside } from './beside.ts';
import type { FactEntities } from './fact-entities.ts';
import type { PublishedPolicies } from './judge.ts';

/** What a publication is compiled from. */
export interface CompilablePublication extends Pick<Publication, 'sequence' | 'schema' | 'parsed' | 'states'> {
  readonly policies: readonly PolicySource[];
}

export interface CompilingOptions {
  /** For who judges many questions by the same facts: their entities are kept in a store, and no question brings them along. */
  readonly entitiesFor?: ((schemaJson: SchemaJson) => FactEntities) | undefined;
}

/** The parsed policies of a publication. Throws EngineError when there are none, or others than its texts. */
export function policySetOf({ schema, policies, parsed, sequence }: Omit<CompilablePublication, 'states'>): PolicySet {
  if (parsed === null) {
    const message = `publication ${sequence} comes from an earlier version and has no parsed form`;
    throw new EngineError({ code: 'invalid-parsed-form', message, hint: 'Publish its policies again.' });
  }
  return readParsedForm(parsed, { sources: policies, schema });
}

/** Compiles what is published, from its parsed form. Throws EngineError when it does not compile; the caller then closes the gate. */
export function compilePublication(
  publication: CompilablePublication,
  { entitiesFor }: CompilingOptions = {},
): PublishedPolicies {
  const { sequence, states } = publication;
  const set = policySetOf(publication);
  const entities = entitiesFor?.(set.schemaJson);
  const over = entities === undefined ? {} : { store: entities.store };
  const common = { sequence, ...(entities === undefined ? {} : { entities }) };
  if (states.length === 0) return { ...common, compiled: compilePolicySet(set, over) };
  const beside = compileBeside(set, { states, ...over });
  const enforced = new Map([...set.policies].filter(([id]) => !beside.states.has(id)));
  const compiled = compilePolicySet({ ...set, policies: enforced }, over);
  return { ...common, compiled: { ...compiled, ...describePolicies(set.policies, set.schema) }, beside };
}
