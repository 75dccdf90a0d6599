import { z } from 'zod';
import {
  type FactKind,
  type FactOf,
  type Grant,
  grantSchema,
  groupSchema,
  nameSchema,
  policyDraftSchema,
  publicationSchema,
  type Resource,
  resourceSchema,
  type Session,
  segmentSchema,
  sessionSchema,
  type Token,
  tokenSchema,
  type User,
  userSchema,
} from '#foundation/model';
import { appOrigin } from '../../config/urls.ts';
import { ApiProblem, type MissingName, notFound, problem } from './problem.ts';
import type { ApiServices } from './services.ts';

/** Every fact in the API has its id and the revision of its last change, which is also its ETag. */
const standing = { id: z.string(), revision: z.int() };

/** `passkeys`: how many they have here, which is none for who signs in elsewhere. */
export const userView = userSchema.extend({ ...standing, passkeys: z.int() });
export const groupView = groupSchema.extend(standing);
export const segmentView = segmentSchema.extend(standing);
export const resourceView = resourceSchema.extend({ ...standing, url: z.string() });
export const sessionView = sessionSchema.extend({ ...standing, userName: z.string().nullable() });
export const tokenView = tokenSchema.omit({ hash: true }).extend(standing);
export const grantView = grantSchema.extend({ ...standing, userName: z.string().nullable() });
export const publicationView = publicationSchema.omit({ manifest: true, parsed: true }).extend(standing);
export const policyDraftView = policyDraftSchema.extend(standing);

export const idParams = z.strictObject({ id: z.string().min(1).max(200) });
export const nameParams = z.strictObject({ id: nameSchema });

type Viewed<K extends FactKind> = FactOf<K> & { id: string; revision: number };

const namedKinds: readonly string[] = ['group', 'segment', 'resource'] satisfies MissingName['kind'][];
const isNamed = (kind: string): kind is MissingName['kind'] => namedKinds.includes(kind);

/** A fact with id and revision. Throws ApiProblem 404. */
export function viewFact<K extends FactKind>(services: Pick<ApiServices, 'facts'>, kind: K, id: string): Viewed<K> {
  const found = services.facts.standing(kind, id);
  if (found === undefined) throw new ApiProblem(notFound(kind, id).details, isNamed(kind) ? { kind, id } : undefined);
  return { ...found.body, id, revision: found.revision };
}

/** Throws ApiProblem 409 when there is one already. */
export function checkAbsent(services: Pick<ApiServices, 'facts'>, kind: FactKind, id: string): void {
  if (services.facts.get(kind, id) !== undefined) throw problem(409, 'exists', `there is a ${kind} \`${id}\` already`);
}

/** All facts of a kind, as viewFact() gives them. */
export function* viewAll<K extends FactKind>(
  services: Pick<ApiServices, 'facts'>,
  kind: K,
): IterableIterator<Viewed<K>> {
  for (const [id] of services.facts.all(kind)) {
    const found = services.facts.standing(kind, id);
    if (found !== undefined) yield { ...found.body, id, revision: found.revision };
  }
}

function userName(services: Pick<ApiServices, 'facts'>, id: string): string | null {
  return services.facts.get('user', id)?.name ?? null;
}

/** People with what the store of identity knows about them; keep lists to a page. */
export async function viewUsers(
  services: Pick<ApiServices, 'identity'>,
  users: readonly (User & { id: string; revision: number })[],
) {
  const passkeys = await services.identity.passkeyCounts(users.map(({ id }) => id));
  return users.map((user) => ({ ...user, passkeys: passkeys.get(user.id) ?? 0 }));
}

/** One person as the API answers: throws ApiProblem 404. */
export async function answerUser(services: Pick<ApiServices, 'identity' | 'facts'>, id: string) {
  const user = viewFact(services, 'user', id);
  const passkeys = await services.identity.passkeyCounts([id]);
  return { body: { ...user, passkeys: passkeys.get(id) ?? 0 }, revision: user.revision };
}

export function viewSession(services: Pick<ApiServices, 'facts'>, session: Session & { id: string; revision: number }) {
  return { ...session, userName: userName(services, session.user) };
}

export function viewGrant(services: Pick<ApiServices, 'facts'>, grant: Grant & { id: string; revision: number }) {
  return { ...grant, userName: userName(services, grant.user) };
}

export function viewResource(
  services: Pick<ApiServices, 'urls'>,
  resource: Resource & { id: string; revision: number },
) {
  return { ...resource, url: `${appOrigin(services.urls, resource.id)}/` };
}

/** Without its hash: nothing that helps to guess a token leaves the store. */
export function viewToken({ hash: _hash, ...token }: Token & { id: string; revision: number }) {
  return token;
}
