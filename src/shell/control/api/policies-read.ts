import { type PrincipalReads, readsOfPrincipal } from '#decision/analysis';
import { type PolicySet, readParsedForm } from '#decision/engine';
import type { Publication } from '#foundation/model';
import { problem } from './problem.ts';
import type { ApiServices } from './services.ts';

/** By publication: what its policies can notice about who asks is small, and asked for again and again. */
const known = new WeakMap<Publication, PrincipalReads>();

/** The parsed policies of a publication; those of earlier versions, which had no parsed form, are parsed anew. */
export async function parsedSet(
  { parser }: Pick<ApiServices, 'parser'>,
  publication: Pick<Publication, 'schema' | 'policies' | 'parsed'>,
): Promise<PolicySet> {
  const { schema, policies } = publication;
  const parsed = publication.parsed ?? (await parser.prepare({ policies, schema })).parsedForm;
  if (parsed === undefined) {
    throw problem(409, 'invalid-policies', 'the policies of this publication can no longer be parsed by this version');
  }
  return readParsedForm(parsed, { sources: policies, schema });
}

/** What the policies in force can notice about who asks. Throws ApiProblem 409 when nothing is published. */
export async function readsInForce(services: Pick<ApiServices, 'parser' | 'facts'>): Promise<PrincipalReads> {
  const publication = services.facts.get('publication', 'current');
  if (publication === undefined) throw problem(409, 'no-policies', 'no policies are in force: nobody can do anything');
  let reads = known.get(publication);
  if (reads === undefined) {
    const isStaged = publication.states.some(({ state }) => state === 'staged');
    reads = readsOfPrincipal(await parsedSet(services, publication), { isStaged });
    known.set(publication, reads);
  }
  return reads;
}
