import { hypotheticalSession, judge, type PublishedPolicies } from '#decision/administration';
import type { FactKind, FactOf, FactView, Group, User } from '#foundation/model';
import { problem } from './problem.ts';
import type { Noun } from './route.ts';
import type { ApiServices } from './services.ts';

/** What would change: users and groups (null: removed), and the policies in force. */
export interface Hypothesis {
  readonly users?: ReadonlyMap<string, User | null>;
  readonly groups?: ReadonlyMap<string, Group | null>;
  readonly policies?: PublishedPolicies | null;
}

/**
 * Throws ApiProblem 409 when a change would leave nobody who can administer: no active person with a passkey whom policy, after a
 * fresh sign-in, lets publish policies and change users. Where there is nobody now either, nothing can be lost, and it passes.
 */
export async function refuseToStrand(services: ApiServices, hypothesis: Hypothesis): Promise<void> {
  if (!(await anyAdministrator(services, {}))) return;
  if (await anyAdministrator(services, hypothesis)) return;
  throw problem(
    409,
    'last-administrator',
    'after this change nobody with a passkey could administer any more; make somebody else an administrator first (`nullius user invite --admin`)',
  );
}

async function anyAdministrator(services: ApiServices, hypothesis: Hypothesis): Promise<boolean> {
  const candidates = new Map(services.facts.all('user'));
  for (const [id, user] of hypothesis.users ?? []) {
    if (user === null) candidates.delete(id);
    else candidates.set(id, user);
  }
  // Members of administrators first: with usual policies the first one settles it.
  const ordered = [...candidates].sort(
    ([, a], [, b]) => Number(b.groups.includes('administrators')) - Number(a.groups.includes('administrators')),
  );
  for (const [id, user] of ordered) {
    if (user.status !== 'active' || !mightWrite(services, { id, user, hypothesis, nouns: ['policy', 'user'] }))
      continue;
    if (await services.identity.canSignIn(id)) return true;
  }
  return false;
}

/** Would policy let this person, after a fresh sign-in, write all these nouns? Whether they can sign in is another question. */
export function mightWrite(
  services: ApiServices,
  candidate: {
    readonly id: string;
    readonly user: User;
    readonly hypothesis: Hypothesis;
    readonly nouns: readonly Noun[];
  },
): boolean {
  const { id, user, hypothesis, nouns } = candidate;
  const policies = hypothesis.policies === undefined ? services.policies() : hypothesis.policies;
  const now = services.clock();
  const view = withGroups(services.facts, hypothesis.groups);
  // No fact has an empty id, so no policy can mean this session.
  const session = { id: '', body: hypotheticalSession({ user: id, now }) };
  const as = { uid: { type: 'User', id }, user, session, token: null };
  return nouns.every((noun) => {
    const question = {
      asker: { kind: 'anonymous' },
      action: 'administer-write',
      resource: { type: 'Service', id: 'control' },
      request: {
        method: 'POST',
        host: `console.${services.urls.domain}`,
        path: '/',
        route: 'default',
        address: '127.0.0.1',
        tls: services.urls.scheme === 'https',
        noun,
      },
    } as const;
    return judge({ view, policies, question, now, as }).answer === 'allow';
  });
}

/** The facts as they are, but for some groups. */
function withGroups(facts: FactView, groups: Hypothesis['groups']): FactView {
  if (groups === undefined) return facts;
  return {
    epoch: facts.epoch,
    revision: facts.revision,
    get: <K extends FactKind>(kind: K, id: string): FactOf<K> | undefined => {
      const group = kind === 'group' ? groups.get(id) : undefined;
      return group === undefined ? facts.get(kind, id) : ((group ?? undefined) as FactOf<K> | undefined);
    },
    all: (kind) => facts.all(kind),
    appCookieByHash: (hash) => facts.appCookieByHash(hash),
    replacedAppCookieByHash: (hash) => facts.replacedAppCookieByHash(hash),
    tokenByHash: (hash) => facts.tokenByHash(hash),
    grantsOf: (user) => facts.grantsOf(user),
    sessionsOf: (user) => facts.sessionsOf(user),
  };
}
