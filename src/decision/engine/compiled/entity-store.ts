import type { EntityUid } from '#foundation/model';
import type { EntityJson } from '../decision-request.ts';
import { EngineError } from '../engine-error.ts';
import type { LosslessJson } from '../lossless-json.ts';
import type { SchemaJson } from '../policy-set.ts';
import { EntityNames } from './entity-names.ts';
import { Ancestors, type EntityData, type EntityRef, noRefs, noTags } from './entity-ref.ts';
import { type ActionRules, invalid, readUid, type SchemaRules, schemaRules } from './schema-types.ts';
import { ScopeKeys } from './scope-keys.ts';
import { CedarRecord, RecordShape } from './value.ts';
import { entityJson } from './value-json.ts';

/** A change of one entity: how it stands from now on, or that it is gone. */
export type EntityChange = { readonly put: EntityJson } | { readonly remove: EntityUid };

/** Gives the object of an entity: by a store, or by a request beside it. */
export interface NameSource {
  ref(type: string, id: string): EntityRef;
  /** The same text, and where texts are kept for long, the same object for equal ones. */
  text(text: string): string;
}

/** Texts up to this length that recur are kept once, this many of them. */
const [sharedLengthMax, sharedCountMax] = [32, 10_000];

const actionAttrs = new CedarRecord(new RecordShape([]), []);
/** Everything above an entity, by what `parentsOf` says of each. */
export function ancestorsBy(ref: EntityRef, parentsOf: (ref: EntityRef) => readonly EntityRef[]): readonly EntityRef[] {
  const parents = parentsOf(ref);
  if (parents.length === 0) return noRefs;
  const found = new Set(parents);
  // A set gives what is added while it is walked, so this reaches every level once.
  for (const above of found) for (const parent of parentsOf(above)) found.add(parent);
  return [...found];
}

const storedParents = (ref: EntityRef) => ref.parents;
const keysOf = (above: readonly EntityRef[]) => above.map((ref) => ref.keyOfStandingIn).filter((key) => key > 0);

function dataOf(ref: EntityRef): EntityData | null {
  const { shape, tags, parents, mentions } = ref;
  if (shape === null) return null;
  return { attrs: new CedarRecord(shape, ref.values(shape.names.length)), tags, parents, mentions };
}

/**
 * The entities that decisions are made from, converted once. Single-threaded: `apply` is one
 * synchronous call and so is a decision, so that no decision sees half a change. A change costs what the entity itself costs:
 * ancestors are found when somebody asks, and forgotten when an entity with children changes its parents.
 */
export class EntityStore implements NameSource {
  readonly rules: SchemaRules;
  readonly schemaJson: SchemaJson;
  readonly names = new EntityNames();
  /** Of all policies over these entities. */
  readonly keys = new ScopeKeys();
  /** Rules of the schema's actions; they are entities of the store too, and no change touches them. */
  readonly actions: ReadonlyMap<EntityRef, ActionRules>;
  readonly #texts = new Map<string, string>();
  #size = 0;
  #version = 0;
  /** Goes up when the ancestors of entities other than the changed one may have changed. */
  #hierarchy = 1;

  /** Throws EngineError `schema-syntax`. */
  constructor(schemaJson: SchemaJson) {
    this.schemaJson = schemaJson;
    this.rules = schemaRules(schemaJson);
    const refs = this.rules.actions.map((rules) => [this.pin(rules.type, rules.id), rules] as const);
    this.actions = new Map(refs);
    for (const [ref, { parents }] of refs) {
      const above = parents.map(({ type, id }) => this.pin(type, id));
      ref.know(actionAttrs);
      ref.parents = above;
    }
  }

  /** Entities, the schema's actions not counted. */
  get size(): number {
    return this.#size;
  }

  /** Another number after every change. */
  get version(): number {
    return this.#version;
  }

  /** Names an entity that is spoken of but need not be known. */
  ref(type: string, id: string): EntityRef {
    return this.names.ref(type, id);
  }

  text(text: string): string {
    if (text.length > sharedLengthMax) return text;
    const shared = this.#texts.get(text);
    if (shared !== undefined) return shared;
    if (this.#texts.size < sharedCountMax) this.#texts.set(text, text);
    return text;
  }

  /** Names an entity for good: policies do, and there are far fewer of these than entities. */
  pin(type: string, id: string): EntityRef {
    const ref = this.names.ref(type, id);
    ref.uses += 1;
    return ref;
  }

  /** All entities above this one, itself not included. */
  ancestors(ref: EntityRef): Ancestors {
    const known = ref.above;
    if (known !== null && known.stamp === this.#hierarchy) return known;
    const [parent] = ref.parents;
    const above =
      parent !== undefined && ref.parents.length === 1
        ? this.asParent(parent)
        : new Ancestors(ancestorsBy(ref, storedParents), this.#hierarchy);
    ref.above = above;
    return above;
  }

  /** Is it known? */
  has({ type, id }: EntityUid): boolean {
    const ref = this.names.find(type, id);
    return ref !== undefined && ref.shape !== null;
  }

  /** Where the keys of what stands above this one stand in `keys.lists`. */
  keysAbove(ref: EntityRef): number {
    const { lists } = this.keys;
    if (ref.keysEpoch === lists.epoch) return ref.keysPlace;
    const [parent] = ref.parents;
    if (parent !== undefined && ref.parents.length === 1) {
      const above = this.asParent(parent);
      if (above.keysEpoch !== lists.epoch) {
        above.keysPlace = lists.add(keysOf(above.list));
        above.keysEpoch = lists.epoch;
      }
      ref.keysPlace = above.keysPlace;
    } else ref.keysPlace = lists.add(keysOf(ancestorsBy(ref, storedParents)));
    // Adding may have begun another.
    ref.keysEpoch = lists.epoch;
    return ref.keysPlace;
  }

  /** Before its parents change: nobody asks for these lists again. */
  #wasteKeys(ref: EntityRef): void {
    const { lists } = this.keys;
    const { asParent, parents } = ref;
    if (ref.keysEpoch === lists.epoch && parents.length !== 1) lists.waste(ref.keysPlace);
    if (asParent?.keysEpoch === lists.epoch) lists.waste(asParent.keysPlace);
    ref.keysEpoch = 0;
  }

  /** What stands above every child of this one: itself, and all above it. */
  asParent(ref: EntityRef): Ancestors {
    if (ref.asParent === null || ref.asParent.stamp !== this.#hierarchy)
      ref.asParent = new Ancestors([ref, ...ancestorsBy(ref, storedParents)], this.#hierarchy);
    return ref.asParent;
  }

  /** The entity as it stands, in Cedar's JSON; undefined when it is not known. */
  get({ type, id }: EntityUid): EntityJson | undefined {
    const ref = this.names.find(type, id);
    const data = ref === undefined ? null : dataOf(ref);
    return ref === undefined || data === null ? undefined : entityJson(ref, data);
  }

  /** Every entity that is known; the schema's actions not counted. */
  *known(): Generator<EntityUid> {
    for (const ref of this.names.all()) if (ref.shape !== null && !this.actions.has(ref)) yield ref;
  }

  /** All entities above this one; none where it is not known. */
  above({ type, id }: EntityUid): readonly EntityUid[] {
    const ref = this.names.find(type, id);
    return ref === undefined ? noRefs : this.ancestors(ref).list;
  }

  /** Puts one entity in, or in place of what it was. */
  put(entity: EntityJson): void {
    this.apply([{ put: entity }]);
  }

  /** Takes one entity out; nothing happens when it is not there. Others may still name it. */
  remove(uid: EntityUid): void {
    this.apply([{ remove: uid }]);
  }

  /** Puts an entity under one more parent. Throws EngineError when it is not known, or would stand above itself. */
  addParent({ type, id }: EntityUid, parent: EntityUid): void {
    const ref = this.names.find(type, id);
    const data = ref === undefined ? null : dataOf(ref);
    if (ref === undefined || data === null) throw invalid(`the entity \`${id}\` of type \`${type}\` is not known`);
    const touched: EntityRef[] = [];
    this.#transact(touched, () => {
      const above = this.#parents(ref.type, { list: [parent as unknown as LosslessJson], touched });
      const parents = data.parents.concat(above.filter((each) => !data.parents.includes(each)));
      this.#change(ref, { ...data, parents });
    });
  }

  /** Takes an entity from under one parent; nothing happens when it did not stand there. */
  removeParent({ type, id }: EntityUid, parent: EntityUid): void {
    const ref = this.names.find(type, id);
    const above = this.names.find(parent.type, parent.id);
    const data = ref === undefined ? null : dataOf(ref);
    if (ref === undefined || data === null || above === undefined) return;
    const parents = data.parents.filter((each) => each !== above);
    this.#transact([ref], () => this.#change(ref, { ...data, parents }));
  }

  /**
   * Makes all these changes or none. Throws EngineError `invalid-request` when an entity does not fit the schema, or the hierarchy
   * would run in a circle.
   */
  apply(changes: readonly EntityChange[]): void {
    const touched: EntityRef[] = [];
    this.#transact(touched, () => {
      for (const change of changes) {
        if ('remove' in change) {
          const gone = this.names.find(change.remove.type, change.remove.id);
          if (gone !== undefined && gone.shape !== null) this.#change(gone, null);
          continue;
        }
        const uid = readUid(change.put.uid as unknown as LosslessJson);
        const ref = this.names.find(uid.type, uid.id) ?? this.#name(uid);
        touched.push(ref);
        this.#change(ref, this.#convert(ref, { entity: change.put, touched }));
      }
    });
  }

  readonly #undo: { readonly ref: EntityRef; readonly before: EntityData | null }[] = [];

  /** `touched` is read after `change` has run: names that nobody needs any more are given up. */
  #transact(touched: EntityRef[], change: () => void): void {
    this.#version += 1;
    try {
      change();
      for (const { ref } of this.#undo) {
        const isCircle = ref.shape !== null && ref.children > 0 && this.ancestors(ref).has(ref);
        if (isCircle)
          throw new EngineError({ code: 'invalid-request', message: `entities of type \`${ref.type}\` form a cycle` });
      }
    } catch (error) {
      for (const { ref, before } of this.#undo.toReversed()) this.#set(ref, before);
      throw error;
    } finally {
      for (const { ref, before } of this.#undo)
        touched.push(ref, ...(before?.parents ?? []), ...(before?.mentions ?? []));
      this.#undo.length = 0;
      for (const ref of touched) if (ref.uses === 0 && ref.shape === null) this.names.forget(ref);
    }
  }

  #change(ref: EntityRef, data: EntityData | null): void {
    if (this.actions.has(ref)) throw invalid('an action differs from the schema');
    this.#undo.push({ ref, before: dataOf(ref) });
    this.#set(ref, data);
  }

  #set(ref: EntityRef, data: EntityData | null): void {
    const { parents: before, shape } = ref;
    const after = data?.parents ?? noRefs;
    for (const parent of before) {
      parent.uses -= 1;
      parent.children -= 1;
    }
    for (const mention of ref.mentions) mention.uses -= 1;
    for (const parent of after) {
      parent.uses += 1;
      parent.children += 1;
    }
    for (const mention of data?.mentions ?? noRefs) mention.uses += 1;
    if (before.length !== after.length || before.some((parent, index) => parent !== after[index])) {
      this.#wasteKeys(ref);
      ref.above = null;
      ref.asParent = null;
      if (ref.children > 0) {
        this.#hierarchy += 1;
        this.keys.lists.clear();
      }
    }
    this.#size += Number(data !== null) - Number(shape !== null);
    ref.know(data?.attrs ?? null);
    ref.tags = data?.tags ?? noTags;
    ref.parents = after;
    ref.mentions = data?.mentions ?? noRefs;
  }

  #parents(type: string, { list, touched }: { list: readonly LosslessJson[]; touched: EntityRef[] }): EntityRef[] {
    const rules = this.rules.entityTypes.get(type);
    const parents = list.map((json) => {
      const uid = readUid(json);
      const parent = this.#name(uid);
      touched.push(parent);
      if (rules?.ancestorTypes.has(uid.type) !== true)
        throw invalid(`a \`${uid.type}\` cannot stand above a \`${type}\``);
      return parent;
    });
    return parents.length < 2 ? parents : [...new Set(parents)];
  }

  #name(uid: EntityUid): EntityRef {
    this.checkName(uid);
    return this.names.ref(uid.type, uid.id);
  }

  /** Is there such a type, and such an id in it? Throws EngineError `invalid-request`. */
  checkName({ type, id }: EntityUid): void {
    const rules = this.rules.entityTypes.get(type);
    if (rules === undefined) throw invalid(`the entity type \`${type}\` does not exist`);
    if (rules.ids !== null && !rules.ids.has(id)) throw invalid(`\`${id}\` is no \`${type}\``);
  }

  #convert(ref: EntityRef, { entity, touched }: { entity: EntityJson; touched: EntityRef[] }): EntityData {
    const mentions: EntityRef[] = [];
    const names: NameSource = {
      text: (text) => this.text(text),
      ref: (type, id) => {
        const mention = this.names.ref(type, id);
        mentions.push(mention);
        touched.push(mention);
        return mention;
      },
    };
    const data = convertEntity(entity, { rules: this.rules, names, ref });
    const parents = this.#parents(ref.type, { list: entity.parents as unknown as readonly LosslessJson[], touched });
    return { ...data, parents, mentions: mentions.length === 0 ? noRefs : [...mentions] };
  }
}

/** Attributes and tags of an entity, validated. Throws EngineError `invalid-request`. */
export function convertEntity(
  entity: EntityJson,
  { rules, names, ref }: { rules: SchemaRules; names: NameSource; ref: EntityRef },
): Pick<EntityData, 'attrs' | 'tags'> {
  const type = rules.entityTypes.get(ref.type);
  if (type === undefined) throw invalid(`the entity type \`${ref.type}\` does not exist`);
  if (type.ids !== null && !type.ids.has(ref.id)) throw invalid(`\`${ref.id}\` is no \`${ref.type}\``);
  const attrs = type.convertAttrs(entity.attrs, names);
  const given = entity.tags === undefined ? [] : Object.entries(entity.tags);
  if (given.length === 0) return { attrs, tags: noTags };
  const { convertTag } = type;
  if (convertTag === null) throw invalid(`a \`${ref.type}\` has no tags`);
  return { attrs, tags: new Map(given.map(([name, tag]) => [name, convertTag(tag, names)])) };
}
