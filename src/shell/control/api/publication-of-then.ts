import { compilePublication, type PublishedPolicies } from '#decision/administration';
import type { PolicySet } from '#decision/engine';
import type { Publication } from '#foundation/model';
import { parsedSet } from './policies-read.ts';
import type { ApiServices } from './services.ts';

/** Publications looked through for one of a known number. */
const historyMax = 1000;

/** A publication, ready to be asked again. */
export interface PublicationOfThen {
  readonly published: PublishedPolicies;
  readonly set: PolicySet;
}

/** The publication with this number, as it stood at a revision; undefined when the store no longer has it. */
export async function findPublication(
  { store, facts }: Pick<ApiServices, 'store' | 'facts'>,
  { sequence, revision }: { sequence: number; revision: number },
): Promise<Publication | undefined> {
  const current = facts.get('publication', 'current');
  if (current?.sequence === sequence) return current;
  if (revision <= facts.revision) {
    const then = await store.factAt('publication', 'current', revision);
    if (then?.sequence === sequence) return then;
  }
  const all = await store.history('publication', 'current', { limit: historyMax });
  return all.find(({ body }) => body.sequence === sequence)?.body;
}

/** Compiles a publication and keeps what it was parsed from. Throws ApiProblem 409 when this version can no longer parse it. */
export async function preparePublicationOfThen(
  services: Pick<ApiServices, 'parser'>,
  publication: Publication,
): Promise<PublicationOfThen> {
  const set = await parsedSet(services, publication);
  const { schema, policies } = publication;
  const parsed = publication.parsed ?? (await services.parser.prepare({ policies, schema })).parsedForm ?? null;
  return { set, published: compilePublication({ ...publication, parsed }) };
}
