import type { FactId, FactKind, FactOf, FactView } from '#foundation/model';

type Bodies = { [K in FactKind]?: Record<string, Partial<FactOf<K>>> };

const user: FactOf<'user'> = {
  name: 'somebody',
  displayName: '',
  email: null,
  status: 'active',
  groups: [],
  source: 'local',
  createdAt: 0,
};
const resource: FactOf<'resource'> = {
  kind: 'app',
  displayName: '',
  description: '',
  segment: null,
  upstream: 'http://127.0.0.1:1',
  allowPrivate: true,
  preserveHost: false,
  routes: [],
  corsPreflight: false,
  crossOriginCookie: false,
  requestable: false,
  origin: 'api',
};
const session: FactOf<'session'> = {
  user: 'nobody',
  credential: 'passkey',
  provider: 'local',
  phishingResistant: true,
  authTime: 0,
  createdAt: 0,
  idleMs: 3_600_000,
  expiresAt: Number.MAX_SAFE_INTEGER,
  bound: false,
  status: 'active',
  endedReason: null,
  userAgent: '',
};
const grant: FactOf<'grant'> = {
  user: 'nobody',
  resource: 'nothing',
  state: 'active',
  reason: '',
  requestedAt: 0,
  decidedBy: null,
  decidedAt: null,
  durationMs: 1,
  expiresAt: Number.MAX_SAFE_INTEGER,
};
const token: FactOf<'token'> = {
  label: '',
  owner: { type: 'User', id: 'nobody' },
  hash: '',
  scopes: ['admin'],
  createdAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
  status: 'active',
};
const defaults: { [kind: string]: object } = {
  user,
  resource,
  session,
  grant,
  token,
  group: { displayName: '', description: '', memberOf: [], origin: 'api' },
  segment: { displayName: '', within: null, sensitivity: 'low', origin: 'api' },
};

/** A fact for tests: name only what matters, the rest is ordinary. */
export function fakeFact<K extends 'user' | 'resource' | 'session' | 'grant' | 'token'>(
  kind: K,
  body: Partial<FactOf<K>> = {},
): FactOf<K> {
  return { ...defaults[kind], ...body } as FactOf<K>;
}

/** An in-memory `FactView` for tests: name only what matters, the rest is ordinary. `put` changes a fact, null removes it. */
export function fakeFactView(
  bodies: Bodies,
): FactView & { put<K extends FactKind>(kind: K, id: string, body: Partial<FactOf<K>> | null): void } {
  const facts = new Map<string, Map<string, object>>();
  const of = (kind: string) => facts.get(kind) ?? new Map<string, object>();
  let revision = 1;
  const changes: FactId[] = [];
  function put(kind: string, id: string, body: object | null): void {
    const map = of(kind);
    facts.set(kind, map);
    if (body === null) map.delete(id);
    else map.set(id, { ...defaults[kind], ...map.get(id), ...body });
    revision += 1;
    changes[revision] = { kind: kind as FactKind, id };
  }
  for (const [kind, items] of Object.entries(bodies)) {
    for (const [id, body] of Object.entries(items)) put(kind, id, body);
  }
  const list = <K extends FactKind>(kind: K) => [...of(kind)].map(([id, body]) => ({ id, body: body as FactOf<K> }));
  return {
    epoch: 1,
    get revision() {
      return revision;
    },
    get: <K extends FactKind>(kind: K, id: string) => of(kind).get(id) as FactOf<K> | undefined,
    all: <K extends FactKind>(kind: K) => of(kind).entries() as IterableIterator<[string, FactOf<K>]>,
    appCookieByHash: (hash) => list('app-cookie').find(({ body }) => body.hash === hash),
    replacedAppCookieByHash: (hash) => list('app-cookie').find(({ body }) => body.previousHash === hash),
    tokenByHash: (hash) => list('token').find(({ body }) => body.hash === hash),
    grantsOf: (id) => list('grant').filter(({ body }) => body.user === id),
    sessionsOf: (id) => list('session').filter(({ body }) => body.user === id),
    changesSince: (since) => changes.slice(since + 1),
    put,
  };
}
