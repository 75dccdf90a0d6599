import { judge, type PublishedPolicies } from '#decision/administration';
import type { FactKind, FactOf, FactView, Group, Session, User } from '#foundation/model';
import { problem } from './problem.ts';
import type { ApiServices } from './services.ts';

/** What would change: users and groups (null: removed), and the policies in force. */
export interface Hypothesis {
  readonly users?: ReadonlyMap<string, User | null>;
  readonly groups?: ReadonlyMap<string, Group | null>;
  readonly policies?: PublishedPolicies | null;
}

const hypotheticalSession = 'hypothetical';

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
    if (user.status !== 'active' || !mayAdminister(services, { id, user, hypothesis })) continue;
    if (await services.identity.canSignIn(id)) return true;
  }
  return false;
}

function mayAdminister(services: ApiServices, candidate: { id: string; user: User; hypothesis: Hypothesis }): boolean {
  const policies = candidate.hypothesis.policies === undefined ? services.policies() : candidate.hypothesis.policies;
  const now = services.clock();
  const view = hypotheticalView(services.facts, { ...candidate, now, groups: candidate.hypothesis.groups });
  return ['policy', 'user'].every((noun) => {
    const question = {
      asker: { kind: 'session', sessionId: hypotheticalSession },
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
    return judge({ view, policies, question, now }).answer === 'allow';
  });
}

/** The facts as they are, but for one user and a fresh session of theirs. */
function hypotheticalView(
  facts: FactView,
  candidate: { id: string; user: User; now: number; groups: Hypothesis['groups'] },
): FactView {
  const session: Session = {
    user: candidate.id,
    credential: 'passkey',
    provider: 'local',
    phishingResistant: true,
    authTime: candidate.now,
    createdAt: candidate.now,
    idleMs: 3_600_000,
    expiresAt: candidate.now + 3_600_000,
    bound: false,
    status: 'active',
    endedReason: null,
    userAgent: '',
  };
  return {
    get epoch() {
      return facts.epoch;
    },
    get revision() {
      return facts.revision;
    },
    get: <K extends FactKind>(kind: K, id: string): FactOf<K> | undefined => {
      if (kind === 'user' && id === candidate.id) return candidate.user as FactOf<K>;
      if (kind === 'session' && id === hypotheticalSession) return session as FactOf<K>;
      const group = kind === 'group' ? candidate.groups?.get(id) : undefined;
      if (group !== undefined) return (group ?? undefined) as FactOf<K> | undefined;
      return facts.get(kind, id);
    },
    all: (kind) => facts.all(kind),
    appCookieByHash: (hash) => facts.appCookieByHash(hash),
    replacedAppCookieByHash: (hash) => facts.replacedAppCookieByHash(hash),
    tokenByHash: (hash) => facts.tokenByHash(hash),
    grantsOf: (user) => facts.grantsOf(user),
    sessionsOf: (user) => facts.sessionsOf(user),
  };
}
