import type { Vocabulary } from '#decision/engine';
import type { EntityUid } from '#foundation/model';
import { type PdpScope, pdpScopeCovers } from '#foundation/model';

/** Types of facts that are asked about by these names, small or capital as callers prefer. */
const ownTypes: ReadonlyMap<string, 'User' | 'Workload' | 'Anonymous' | 'App'> = new Map([
  ['user', 'User'],
  ['User', 'User'],
  ['workload', 'Workload'],
  ['Workload', 'Workload'],
  ['anonymous', 'Anonymous'],
  ['Anonymous', 'Anonymous'],
  ['app', 'App'],
  ['App', 'App'],
]);

/** `User`, `Workload`, `Anonymous` or `App`; undefined when the name is none of ours. */
export function ownType(name: string): 'User' | 'Workload' | 'Anonymous' | 'App' | undefined {
  return ownTypes.get(name);
}

/** The namespace of a qualified type name; empty when it has none. */
export function namespaceOf(type: string): string {
  const end = type.lastIndexOf('::');
  return end < 0 ? '' : type.slice(0, end);
}

const capitalised = (name: string) => name.slice(0, 1).toUpperCase() + name.slice(1);

/**
 * Finds the entity type in a namespace that a caller means: qualified, or the name alone, as it is or with a capital. Without a
 * `namespace`, all that the caller may ask about are looked through. Undefined when there is none, or more than one.
 */
export function resolveType(
  name: string,
  {
    vocabulary,
    scope,
    isSearch,
    namespace,
  }: { vocabulary: Vocabulary; scope: PdpScope; isSearch: boolean; namespace?: string },
): string | undefined {
  const { entityTypes } = vocabulary;
  const covers = (each: string) => each !== '' && pdpScopeCovers(scope, { namespace: each, isSearch });
  const qualified = namespaceOf(name);
  if (qualified !== '') return entityTypes.has(name) && covers(qualified) ? name : undefined;
  const namespaces = namespace === undefined ? knownNamespaces(vocabulary).filter(covers) : [namespace];
  const found = namespaces.flatMap((each) => {
    const type = [`${each}::${name}`, `${each}::${capitalised(name)}`].find((candidate) => entityTypes.has(candidate));
    return type === undefined ? [] : [type];
  });
  return found.length === 1 ? found[0] : undefined;
}

const namespacesOf = new WeakMap<Vocabulary, readonly string[]>();

function knownNamespaces(vocabulary: Vocabulary): readonly string[] {
  let known = namespacesOf.get(vocabulary);
  if (known === undefined) {
    known = [...new Set([...vocabulary.entityTypes.keys()].map(namespaceOf))].filter((each) => each !== '');
    namespacesOf.set(vocabulary, known);
  }
  return known;
}

/** An action of a namespace; undefined when there is none of this name. */
export function resolveAction(
  name: string,
  { vocabulary, namespace }: { vocabulary: Vocabulary; namespace: string },
): EntityUid | undefined {
  const type = `${namespace}::Action`;
  return vocabulary.actions.get(type)?.has(name) === true ? { type, id: name } : undefined;
}
