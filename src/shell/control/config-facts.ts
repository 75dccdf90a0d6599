import type { FactTable } from '#information/inventory';
import type { Config } from '../config/index.ts';
import type { FactWrite } from '../store/index.ts';

type ConfigKind = 'resource' | 'segment' | 'group';

/**
 * What must be written so that resources, segments and groups of origin `config` are exactly those of the configuration. One that
 * the API made under the same name becomes the configuration's; what the file no longer has is removed.
 */
export function configFacts(facts: FactTable, config: Config): FactWrite[] {
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
  return [...wanted, ...gone];
}
