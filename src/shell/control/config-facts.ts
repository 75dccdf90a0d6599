import type { FactView, Group, User } from '#foundation/model';
import type { Config } from '../config/index.ts';
import { type FactWrite, writesMax } from '../store/index.ts';

type ConfigKind = 'resource' | 'segment' | 'group';

/**
 * What must be written so that resources, segments and groups of origin `config` are exactly those of the configuration. One that
 * the API made under the same name becomes the configuration's; what the file no longer has is removed.
 */
export function configFacts(facts: Pick<FactView, 'all'>, config: Config): FactWrite[] {
  const wanted: FactWrite[] = [
    ...config.segments.map((segment) => ({
      kind: 'segment' as const,
      id: segment.name,
      body: {
        displayName: segment.displayName ?? segment.name,
        within: segment.within ?? null,
        sensitivity: segment.sensitivity,
        origin: 'config' as const,
      },
    })),
    ...config.groups.map((group) => ({
      kind: 'group' as const,
      id: group.name,
      body: {
        displayName: group.displayName ?? group.name,
        description: group.description,
        memberOf: group.memberOf,
        origin: 'config' as const,
      },
    })),
    ...config.resources.map(({ name, segment, displayName, ...rest }) => ({
      kind: 'resource' as const,
      id: name,
      body: { ...rest, displayName: displayName ?? name, segment: segment ?? null, origin: 'config' as const },
    })),
  ];
  const kept = new Set(wanted.map((write) => `${write.kind} ${write.id}`));
  const kinds: readonly ConfigKind[] = ['resource', 'segment', 'group'];
  const gone = kinds.flatMap((kind) =>
    [...facts.all(kind)]
      .filter(([id, body]) => body.origin === 'config' && !kept.has(`${kind} ${id}`))
      .map(([id]): FactWrite => ({ kind, id, body: null })),
  );
  const goneOf = (wantedKind: ConfigKind) => new Set(gone.flatMap(({ kind, id }) => (kind === wantedKind ? [id] : [])));
  const { users, groups } = withoutGroups(facts, goneOf('group'));
  return [
    ...wanted,
    ...gone,
    ...[...users].map(([id, body]) => ({ kind: 'user' as const, id, body })),
    // What the file says of its own groups stands above.
    ...[...groups].flatMap(([id, body]) => (kept.has(`group ${id}`) ? [] : [{ kind: 'group' as const, id, body }])),
    ...accessTo(facts, goneOf('resource')),
  ];
}

/** Memberships go with their group: policies may name it still, another one may take its name later, and nobody stays in either. */
export function withoutGroups(
  facts: Pick<FactView, 'all'>,
  gone: ReadonlySet<string>,
): { readonly users: ReadonlyMap<string, User>; readonly groups: ReadonlyMap<string, Group> } {
  const isLeft = (name: string) => !gone.has(name);
  const users = new Map<string, User>();
  const groups = new Map<string, Group>();
  if (gone.size === 0) return { users, groups };
  for (const [id, user] of facts.all('user'))
    if (!user.groups.every(isLeft)) users.set(id, { ...user, groups: user.groups.filter(isLeft) });
  for (const [id, group] of facts.all('group'))
    if (isLeft(id) && !group.memberOf.every(isLeft))
      groups.set(id, { ...group, memberOf: group.memberOf.filter(isLeft) });
  return { users, groups };
}

/** What hangs on another fact: memberships, and what gives access. */
const hangsOnOthers = ({ kind, body }: FactWrite) =>
  kind === 'user' ? body !== null : ['app-cookie', 'grant', 'session', 'token'].includes(kind);

/**
 * One commit, unless what goes is too much for one, such as a large group or an app that thousands use: then what hangs on it goes first, so
 * that whatever stops this in the middle, the next try still finds the group or the app, and goes on.
 */
export function inCommits(writes: readonly FactWrite[]): FactWrite[][] {
  const ordered = [...writes.filter(hangsOnOthers), ...writes.filter((write) => !hangsOnOthers(write))];
  const count = Math.ceil(ordered.length / writesMax);
  return Array.from({ length: count }, (_, at) => ordered.slice(at * writesMax, (at + 1) * writesMax));
}

/** Grants and cookies go with their app: another one may take its name later, and nobody keeps access to that. */
export function accessTo(facts: Pick<FactView, 'all'>, apps: ReadonlySet<string>): FactWrite[] {
  if (apps.size === 0) return [];
  const grants = [...facts.all('grant')].filter(([, { resource }]) => apps.has(resource));
  const cookies = [...facts.all('app-cookie')].filter(([, { resource }]) => apps.has(resource));
  return [
    ...cookies.map(([id]): FactWrite => ({ kind: 'app-cookie', id, body: null })),
    ...grants.map(([id]): FactWrite => ({ kind: 'grant', id, body: null })),
  ];
}
