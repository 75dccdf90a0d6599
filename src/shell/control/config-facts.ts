import type { FactView } from '#foundation/model';
import type { Config } from '../config/index.ts';
import type { FactWrite } from '../store/index.ts';

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
  const goneApps = new Set(gone.flatMap(({ kind, id }) => (kind === 'resource' ? [id] : [])));
  return [...wanted, ...gone, ...accessTo(facts, goneApps)];
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
