import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PublishedPolicies } from '#decision/administration';
import { compilePolicySet, type PolicySet, readParsedForm } from '#decision/engine';
import { preparePolicies } from '#decision/parser';

/** The shipped schema. */
export const shippedSchema = readFileSync(join(import.meta.dirname, '../policies/schema.cedarschema'), 'utf8');

/** Policies as a publication brings them into force, with the parsed set they come from; without signer and store. */
export function publishedSet(
  text: string,
  { schema = shippedSchema, sequence = 1 }: { schema?: string; sequence?: number } = {},
): { published: PublishedPolicies; set: PolicySet } {
  const policies = [{ file: 'a.cedar', text }];
  const { problems, parsedForm } = preparePolicies({ policies, schema });
  if (parsedForm === undefined) throw new Error(JSON.stringify(problems));
  const set = readParsedForm(parsedForm, { sources: policies, schema });
  return { published: { sequence, compiled: compilePolicySet(set) }, set };
}
