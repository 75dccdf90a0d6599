import type { EntityJson, LosslessJson, RecordShape, Vocabulary } from '#decision/engine';
import { type EntityUid, type FactView, formatUid, type StoredEntity } from '#foundation/model';
import { grantEntity, isGranted } from '../cedar-request.ts';
import { personEntities, placeEntities } from '../standing.ts';
import type { Given } from './question-about.ts';
import { namespaceOf } from './resolve-types.ts';

/** One question reaches this many entities at most. */
export const entitiesMax = 1_000;

/** More entities than can be judged. */
export class TooManyEntities extends Error {}

/** The attributes of a record that the schema knows, taken out of what a caller gave; the rest is ignored, and costs nothing. */
export function pick(shape: RecordShape, given: Given): Record<string, LosslessJson> {
  const picked: Record<string, LosslessJson> = {};
  for (const [name, inner] of shape) {
    if (!Object.hasOwn(given, name)) continue;
    const value = given[name];
    // Whatever it is, the engine takes it only when it is of the type that the schema says.
    picked[name] = inner !== null && isRecord(value) ? pick(inner, value) : (value as LosslessJson);
  }
  return picked;
}

function isEmpty(record: object): boolean {
  for (const _name in record) return false;
  return true;
}

function isRecord(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is stored, as the engine takes it. */
export function storedEntity(uid: EntityUid, { attrs, parents, tags }: StoredEntity): EntityJson {
  const entity = { uid, attrs: attrs as EntityJson['attrs'], parents };
  return tags === undefined ? entity : { ...entity, tags: tags as EntityJson['attrs'] };
}

const frozen = new WeakMap<StoredEntity, EntityJson>();

/** What is stored, with what a caller gave where nothing is stored. */
function entityOf(
  uid: EntityUid,
  { stored, given }: { stored: StoredEntity | undefined; given: Record<string, LosslessJson> },
): EntityJson | undefined {
  if (stored === undefined) return Object.keys(given).length === 0 ? undefined : { uid, attrs: given, parents: [] };
  if (Object.keys(given).some((name) => !Object.hasOwn(stored.attrs, name))) {
    const entity = storedEntity(uid, stored);
    return { ...entity, attrs: { ...given, ...entity.attrs } };
  }
  let entity = frozen.get(stored);
  if (entity === undefined) {
    // Frozen, so that the engine converts it once; facts are never changed in place.
    entity = Object.freeze(storedEntity(uid, stored));
    frozen.set(stored, entity);
  }
  return entity;
}

/** Adds every entity that a value refers to. */
function references(value: unknown, add: (uid: EntityUid) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) references(item, add);
  } else if (isRecord(value)) {
    const { __entity: inner } = value;
    if (isRecord(inner) && typeof inner['type'] === 'string' && typeof inner['id'] === 'string') {
      add({ type: inner['type'], id: inner['id'] });
    } else for (const item of Object.values(value)) references(item, add);
  }
}

const referred = new WeakMap<EntityJson, readonly EntityUid[]>();

/** What an entity's attributes refer to; looked for once in those that are stored. */
function referencesOf(entity: EntityJson): readonly EntityUid[] {
  let found = referred.get(entity);
  if (found === undefined) {
    const uids: EntityUid[] = [];
    references([entity.attrs, entity.tags], (uid) => uids.push(uid));
    found = uids;
    if (Object.isFrozen(entity)) referred.set(entity, found);
  }
  return found;
}

interface NamedEntity {
  readonly uid: EntityUid;
  readonly given: Given;
}

/**
 * Gathers every entity that a question in a namespace can read: who and what it names, all above them, and all they refer to.
 * Stored facts come first; what a caller says counts only for attributes that nothing is stored about. Throws TooManyEntities.
 */
export function gatherEntities(
  view: FactView,
  { vocabulary, named, context }: { vocabulary: Vocabulary; named: readonly NamedEntity[]; context: unknown },
): readonly EntityJson[] {
  const entities: EntityJson[] = [];
  const seen = new Set<string>();
  const given = new Set<string>();
  const queue: { readonly uid: EntityUid; readonly text: string }[] = [];
  const add = (uid: EntityUid, text = formatUid(uid)) => {
    if (seen.has(text)) return;
    if (seen.size >= entitiesMax)
      throw new TooManyEntities(`more than ${entitiesMax} entities belong to this question`);
    seen.add(text);
    queue.push({ uid, text });
  };
  const give = (entity: EntityJson, text: string) => {
    if (given.has(text)) return;
    given.add(text);
    entities.push(entity);
    add(entity.uid, text);
  };
  for (const { uid } of named) add(uid);
  references(context, (uid) => add(uid));
  for (let at = 0; at < queue.length; at += 1) {
    const next = queue[at];
    if (next === undefined) break;
    const { uid, text } = next;
    if (namespaceOf(uid.type) === '') {
      for (const entity of ownEntities(view, uid)) {
        give(entity, formatUid(entity.uid));
        for (const each of referencesOf(entity)) add(each);
      }
      continue;
    }
    const entity = namespacedEntity(view, { uid, text, vocabulary, named });
    if (entity === undefined) continue;
    give(entity, text);
    for (const parent of entity.parents) add(parent);
    for (const each of referencesOf(entity)) add(each);
  }
  return entities;
}

function namespacedEntity(
  view: FactView,
  asked: { uid: EntityUid; text: string; vocabulary: Vocabulary; named: readonly NamedEntity[] },
): EntityJson | undefined {
  const { uid, text, vocabulary, named } = asked;
  const shape = vocabulary.entityTypes.get(uid.type);
  const about = named.find(({ uid: each }) => each.type === uid.type && each.id === uid.id);
  const given = shape === undefined || about === undefined ? {} : pick(shape, about.given);
  return entityOf(uid, { stored: view.get('entity', text), given });
}

/** People, groups, apps, segments and grants are made from their own facts. */
function ownEntities(view: FactView, uid: EntityUid): readonly EntityJson[] {
  if (uid.type === 'Grant') {
    const grant = view.get('grant', uid.id);
    return grant === undefined || !isGranted(grant) ? [] : [grantEntity({ id: uid.id, body: grant })];
  }
  if (uid.type === 'User' || uid.type === 'Group') return personEntities(view, uid);
  return uid.type === 'App' || uid.type === 'Segment' ? placeEntities(view, uid) : [];
}

/**
 * What must come along with a question although all stored facts are at hand: what the caller says about who and what it names, as far
 * as nothing is stored about it.
 */
export function givenEntities(
  view: FactView,
  {
    vocabulary,
    named,
    isStored,
  }: { vocabulary: Vocabulary; named: readonly NamedEntity[]; isStored: (uid: EntityUid) => boolean },
): readonly EntityJson[] {
  const entities: EntityJson[] = [];
  for (const { uid, given } of named) {
    if (namespaceOf(uid.type) === '') continue;
    if (entities.some(({ uid: each }) => each.type === uid.type && each.id === uid.id)) continue;
    const shape = vocabulary.entityTypes.get(uid.type);
    const picked = shape === undefined ? {} : pick(shape, given);
    // Nothing said changes nothing.
    if (isEmpty(picked)) continue;
    const stored = isStored(uid) ? view.get('entity', formatUid(uid)) : undefined;
    const entity = entityOf(uid, { stored, given: picked });
    // Frozen is what is stored and nothing else.
    if (entity !== undefined && !Object.isFrozen(entity)) entities.push(entity);
  }
  return entities;
}
