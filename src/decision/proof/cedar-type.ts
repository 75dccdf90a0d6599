import type { NamespaceJson, SchemaJson, TypeJson } from '#decision/engine';

/** A type of a schema, every name resolved. */
export type CedarType =
  | { readonly kind: 'bool' | 'string' | 'ipaddr' | IntegerKind }
  | { readonly kind: 'entity'; readonly name: string }
  | { readonly kind: 'set'; readonly element: CedarType }
  | RecordType;

export interface RecordType {
  readonly kind: 'record';
  readonly attributes: ReadonlyMap<string, AttributeType>;
}

export interface AttributeType {
  readonly type: CedarType;
  readonly isRequired: boolean;
}

/** Kinds whose values are 64-bit integers. */
export type IntegerKind = 'long' | 'decimal' | 'datetime' | 'duration';

export interface EntityType {
  readonly name: string;
  /** The only ids there are, or null. */
  readonly ids: readonly string[] | null;
  readonly shape: RecordType;
  readonly tags: CedarType | null;
  /** Types that may stand above it, over any number of levels. */
  readonly ancestors: ReadonlySet<string>;
}

export interface ActionType {
  readonly type: string;
  readonly id: string;
  readonly principals: readonly string[];
  readonly resources: readonly string[];
  readonly context: RecordType;
  /** Uids (as `actionKey` writes them) above it, itself included. */
  readonly within: ReadonlySet<string>;
}

/** What a schema says, in the form the encoder works with. */
export interface SchemaModel {
  readonly entityTypes: ReadonlyMap<string, EntityType>;
  readonly actions: readonly ActionType[];
}

const emptyRecord: RecordType = { kind: 'record', attributes: new Map() };
const qualify = (namespace: string, name: string) => (namespace === '' ? name : `${namespace}::${name}`);

export const actionKey = (action: { readonly type: string; readonly id: string }): string =>
  `${action.type}::${JSON.stringify(action.id)}`;

const primitives: Readonly<Record<string, CedarType>> = {
  Long: { kind: 'long' },
  String: { kind: 'string' },
  Bool: { kind: 'bool' },
  Boolean: { kind: 'bool' },
  ipaddr: { kind: 'ipaddr' },
  decimal: { kind: 'decimal' },
  datetime: { kind: 'datetime' },
  duration: { kind: 'duration' },
};

function typeReader(common: ReadonlyMap<string, TypeJson>): (json: TypeJson | undefined) => CedarType {
  const read = (json: TypeJson | undefined): CedarType => {
    if (json === undefined) return emptyRecord;
    const named = common.get(json.type);
    if (named !== undefined) return read(named);
    if (json.type === 'Set') return { kind: 'set', element: read(json.element) };
    if (json.type === 'Entity') return { kind: 'entity', name: json.name ?? '' };
    if (json.type === 'Record') {
      const attributes = Object.entries(json.attributes ?? {}).map(
        ([name, attribute]) => [name, { type: read(attribute), isRequired: attribute.required !== false }] as const,
      );
      return { kind: 'record', attributes: new Map(attributes) };
    }
    const name = json.type === 'Extension' ? (json.name ?? '') : json.type.replace(/^__cedar::/, '');
    const found = Object.hasOwn(primitives, name) ? primitives[name] : undefined;
    if (found === undefined) throw new Error(`the schema has a type \`${name}\` that is not known here`);
    return found;
  };
  return read;
}

function closure(parents: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    [...parents].map(([name, direct]) => {
      const above = new Set(direct);
      for (const parent of above) for (const next of parents.get(parent) ?? []) above.add(next);
      return [name, above];
    }),
  );
}

function asRecord(type: CedarType): RecordType {
  if (type.kind !== 'record') throw new Error('an entity or a context is not a record in the schema');
  return type;
}

function readActions(
  namespaces: readonly [string, NamespaceJson][],
  read: (json: TypeJson | undefined) => CedarType,
): ActionType[] {
  const parents = new Map<string, readonly string[]>();
  const actions: Omit<ActionType, 'within'>[] = [];
  for (const [namespace, declared] of namespaces) {
    const type = qualify(namespace, 'Action');
    for (const [id, { appliesTo, memberOf }] of Object.entries(declared.actions)) {
      parents.set(
        actionKey({ type, id }),
        (memberOf ?? []).map((parent) => actionKey({ type: parent.type ?? type, id: parent.id })),
      );
      actions.push({
        type,
        id,
        principals: appliesTo?.principalTypes ?? [],
        resources: appliesTo?.resourceTypes ?? [],
        context: asRecord(read(appliesTo?.context)),
      });
    }
  }
  const above = closure(parents);
  return actions.map((action) => {
    const key = actionKey(action);
    return { ...action, within: new Set([key, ...(above.get(key) ?? [])]) };
  });
}

/** Reads a schema in Cedar's JSON form with every name resolved, as parsed sets hold it. */
export function readSchema(schema: SchemaJson): SchemaModel {
  const namespaces = Object.entries(schema as Readonly<Record<string, NamespaceJson>>);
  const common = new Map<string, TypeJson>();
  const parents = new Map<string, readonly string[]>();
  for (const [namespace, { commonTypes, entityTypes }] of namespaces) {
    for (const [name, type] of Object.entries(commonTypes ?? {})) common.set(qualify(namespace, name), type);
    for (const [name, type] of Object.entries(entityTypes))
      parents.set(qualify(namespace, name), type?.memberOfTypes ?? []);
  }
  const read = typeReader(common);
  const above = closure(parents);
  const entityTypes = new Map<string, EntityType>();
  for (const [namespace, declared] of namespaces) {
    for (const [local, type] of Object.entries(declared.entityTypes)) {
      const name = qualify(namespace, local);
      entityTypes.set(name, {
        name,
        ids: type?.enum ?? null,
        shape: asRecord(read(type?.shape)),
        tags: type?.tags === undefined ? null : read(type.tags),
        ancestors: above.get(name) ?? new Set(),
      });
    }
  }
  return { entityTypes, actions: readActions(namespaces, read) };
}
