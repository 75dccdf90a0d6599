import { RequestNames } from './compiled/entities.ts';
import { EntityStore } from './compiled/entity-store.ts';
import type { DecisionRequest, EntityJson } from './decision-request.ts';
import { EngineError } from './engine-error.ts';
import type { SchemaJson } from './policy-set.ts';

const stores = new WeakMap<SchemaJson, EntityStore>();

/** Of one schema; nothing is ever put in it. */
function rulesOf(schemaJson: SchemaJson): EntityStore {
  let store = stores.get(schemaJson);
  if (store === undefined) {
    store = new EntityStore(schemaJson);
    stores.set(schemaJson, store);
  }
  return store;
}

/**
 * What of an entity a schema refuses, in words that name the attribute; undefined when it fits. Attributes may be missing: who asks may
 * bring them. What stands above it is looked at by type alone.
 */
export function entityMisfit(
  { uid, attrs, tags = {}, parents }: EntityJson,
  schemaJson: SchemaJson,
): string | undefined {
  const store = rulesOf(schemaJson);
  const type = store.rules.entityTypes.get(uid.type);
  if (type === undefined) return `the schema has no type \`${uid.type}\``;
  const names = new RequestNames(store);
  try {
    store.checkName(uid);
    for (const parent of parents) {
      store.checkName(parent);
      if (!type.ancestorTypes.has(parent.type)) return `a \`${parent.type}\` cannot stand above a \`${uid.type}\``;
    }
  } catch (error) {
    return wordsOf(error);
  }
  for (const [name, value] of Object.entries(attrs)) {
    const convert = type.attributes.get(name);
    if (convert === undefined) return `\`${uid.type}\` has no attribute \`${name}\``;
    const wrong = misfitOf(() => convert(value, names));
    if (wrong !== undefined) return `attribute \`${name}\`: ${wrong}`;
  }
  const { convertTag } = type;
  for (const [name, value] of Object.entries(tags)) {
    if (convertTag === null) return `a \`${uid.type}\` has no tags`;
    const wrong = misfitOf(() => convertTag(value, names));
    if (wrong !== undefined) return `tag \`${name}\`: ${wrong}`;
  }
  return undefined;
}

/**
 * What of a refused request does not fit, with the attribute that the engine, in its haste, did not name: of its context, its principal or
 * its resource. undefined: it is something else.
 */
export function requestMisfit(
  { action, context, entities, principal, resource }: DecisionRequest,
  schemaJson: SchemaJson,
): string | undefined {
  const store = rulesOf(schemaJson);
  const names = new RequestNames(store);
  const rules = store.rules.actions.find(({ type, id }) => type === action.type && id === action.id);
  for (const [name, value] of Object.entries(context)) {
    const convert = rules?.contextAttributes.get(name);
    const wrong = convert && misfitOf(() => convert(value, names));
    if (wrong !== undefined) return `context \`${name}\`: ${wrong}`;
  }
  for (const [who, uid] of Object.entries({ subject: principal, resource })) {
    const entity = entities.find(({ uid: each }) => each.type === uid.type && each.id === uid.id);
    const wrong = entity && entityMisfit(entity, schemaJson);
    if (wrong !== undefined) return `${who}: ${wrong}`;
  }
  return undefined;
}

function misfitOf(convert: () => unknown): string | undefined {
  try {
    convert();
    return undefined;
  } catch (error) {
    return wordsOf(error);
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof EngineError) return error.message;
  throw error;
}
