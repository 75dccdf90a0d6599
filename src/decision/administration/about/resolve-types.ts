import type { ActionWords, Vocabulary } from '#decision/engine';
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
): ActionWords | undefined {
  return vocabulary.actions.get(`${namespace}::Action`)?.get(name);
}

interface Words {
  readonly resource: string;
  readonly action: string;
  readonly subject: string;
}

/** What a question in a namespace means by its words. */
export interface ResolvedWords {
  readonly type: string;
  /** undefined: the namespace has no such action. */
  readonly action: ActionWords | undefined;
  /** The subject's type in the same namespace; undefined when it is none of these. */
  readonly own: string | undefined;
}

interface Resolving {
  readonly vocabulary: Vocabulary;
  readonly scope: PdpScope;
  readonly isSearch: boolean;
}

type Resolved = Map<string, Map<string, Map<string, ResolvedWords>>>;
/** By whom, and by which words there are: whatever was understood is the same the next time. */
const understood = new WeakMap<
  PdpScope,
  WeakMap<Vocabulary, { readonly asked: Resolved; readonly sought: Resolved }>
>();

function below<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let found = map.get(key);
  if (found === undefined) {
    found = make();
    map.set(key, found);
  }
  return found;
}

/** Resolves the words of a question; undefined when the caller may not ask about such a resource, or there is none. */
export function resolveWords(words: Words, resolving: Resolving): ResolvedWords | undefined {
  const { vocabulary, scope, isSearch } = resolving;
  let ofScope = understood.get(scope);
  if (ofScope === undefined) {
    ofScope = new WeakMap();
    understood.set(scope, ofScope);
  }
  let known = ofScope.get(vocabulary);
  if (known === undefined) {
    known = { asked: new Map(), sought: new Map() };
    ofScope.set(vocabulary, known);
  }
  const resolved = isSearch ? known.sought : known.asked;
  const found = resolved.get(words.resource)?.get(words.action)?.get(words.subject);
  if (found !== undefined) return found;
  const type = resolveType(words.resource, resolving);
  if (type === undefined) return undefined;
  const namespace = namespaceOf(type);
  const action = resolveAction(words.action, { vocabulary, namespace });
  const own = resolveType(words.subject, { ...resolving, namespace });
  const fresh = { type, action, own };
  // Only what the schema has words for is kept: callers cannot make it grow.
  if (action !== undefined && (own !== undefined || ownType(words.subject) !== undefined)) {
    const byAction = below(resolved, words.resource, () => new Map<string, Map<string, ResolvedWords>>());
    below(byAction, words.action, () => new Map<string, ResolvedWords>()).set(words.subject, fresh);
  }
  return fresh;
}
