import type { SchemaJson } from './policy-set.ts';
import type { NamespaceJson, TypeJson } from './schema-json.ts';

/** Names of a record's attributes; null for what is no record, else the names inside. */
export type RecordShape = ReadonlyMap<string, RecordShape | null>;

export interface ActionWords {
  readonly type: string;
  readonly id: string;
  readonly principalTypes: ReadonlySet<string>;
  readonly resourceTypes: ReadonlySet<string>;
  readonly context: RecordShape;
}

/** What can be said by a schema: for those who turn questions of other forms into Cedar's. */
export interface Vocabulary {
  /** Attributes by qualified name of the entity type. */
  readonly entityTypes: ReadonlyMap<string, RecordShape>;
  /** By qualified action type, then by id. */
  readonly actions: ReadonlyMap<string, ReadonlyMap<string, ActionWords>>;
}

const nothing: RecordShape = new Map();
const vocabularies = new WeakMap<SchemaJson, Vocabulary>();

const noVocabulary: Vocabulary = { entityTypes: new Map(), actions: new Map() };

/** The vocabulary of a schema in Cedar's JSON format, names resolved; empty without one. Made once for each. */
export function vocabularyOf(schema: SchemaJson | null): Vocabulary {
  if (schema === null) return noVocabulary;
  let vocabulary = vocabularies.get(schema);
  if (vocabulary === undefined) {
    vocabulary = makeVocabulary(Object.entries(schema as Readonly<Record<string, NamespaceJson>>));
    vocabularies.set(schema, vocabulary);
  }
  return vocabulary;
}

const qualify = (namespace: string, name: string) => (namespace === '' ? name : `${namespace}::${name}`);

function makeVocabulary(namespaces: readonly (readonly [string, NamespaceJson])[]): Vocabulary {
  const common = new Map<string, TypeJson>();
  for (const [namespace, { commonTypes }] of namespaces) {
    for (const [name, type] of Object.entries(commonTypes ?? {})) common.set(qualify(namespace, name), type);
  }
  // Cedar refuses common types that contain themselves, so this ends.
  const shapeOf = (type: TypeJson | undefined): RecordShape | null => {
    let resolved = type;
    while (resolved !== undefined && common.has(resolved.type)) resolved = common.get(resolved.type);
    if (resolved === undefined || resolved.type !== 'Record') return null;
    return new Map(Object.entries(resolved.attributes ?? {}).map(([name, inner]) => [name, shapeOf(inner)]));
  };
  const entityTypes = new Map<string, RecordShape>();
  const actions = new Map<string, ReadonlyMap<string, ActionWords>>();
  for (const [namespace, declared] of namespaces) {
    for (const [name, { shape }] of Object.entries(declared.entityTypes)) {
      entityTypes.set(qualify(namespace, name), shapeOf(shape) ?? nothing);
    }
    const type = qualify(namespace, 'Action');
    const ofNamespace = new Map<string, ActionWords>();
    for (const [id, { appliesTo }] of Object.entries(declared.actions)) {
      ofNamespace.set(id, {
        type,
        id,
        principalTypes: new Set(appliesTo?.principalTypes),
        resourceTypes: new Set(appliesTo?.resourceTypes),
        context: shapeOf(appliesTo?.context) ?? nothing,
      });
    }
    actions.set(type, ofNamespace);
  }
  return { entityTypes, actions };
}
