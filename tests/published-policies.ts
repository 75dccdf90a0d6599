import type { PublishedPolicies } from '#decision/administration';
import type { PolicySource } from '#decision/engine';
import { compilePolicies } from '#decision/parser';

/** Policies as a publication brings them into force, from their texts; without signer and store. */
export function publishedPolicies(input: {
  sequence: number;
  schema: string;
  policies: readonly PolicySource[];
}): PublishedPolicies {
  const { sequence, schema, policies } = input;
  return { sequence, compiled: compilePolicies({ schema, policies }) };
}
