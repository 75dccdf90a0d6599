import type { EntityUid } from '#foundation/model';
import type { EntityJson } from '../decision-request.ts';
import type { LosslessJson } from '../lossless-json.ts';
import { Ancestors, type EntityData, EntityRef, noRefs, noTags } from './entity-ref.ts';
import { ancestorsBy, convertEntity, type EntityStore, type NameSource } from './entity-store.ts';
import { invalid, readUid } from './schema-types.ts';
import type { HeldKeys } from './scope-keys.ts';
import type { Attributes, Value } from './value.ts';

/** Names entities that the store may not know, for as long as one request lasts: what strangers send is not kept. */
export class RequestNames implements NameSource {
  readonly #store: EntityStore;
  readonly #around: RequestNames | null;
  /** The first stands by itself: most questions name one. */
  #first: EntityRef | null = null;
  #others: Map<string, EntityRef> | null = null;

  constructor(store: EntityStore, around: RequestNames | null = null) {
    this.#store = store;
    this.#around = around;
  }

  find(type: string, id: string): EntityRef | undefined {
    return this.#store.names.find(type, id) ?? this.#stranger(type, id);
  }

  #stranger(type: string, id: string): EntityRef | undefined {
    const first = this.#first;
    if (first !== null && first.id === id && first.type === type) return first;
    // No type holds a space, so no two entities share a key.
    const other = this.#others?.get(`${type} ${id}`);
    return other !== undefined || this.#around === null ? other : this.#around.#stranger(type, id);
  }

  text(text: string): string {
    return text;
  }

  ref(type: string, id: string): EntityRef {
    const found = this.find(type, id);
    if (found !== undefined) return found;
    const stranger = new EntityRef(type, id);
    if (this.#first === null) this.#first = stranger;
    else {
      this.#others ??= new Map();
      this.#others.set(`${type} ${id}`, stranger);
    }
    return stranger;
  }
}

const unknown = { tags: noTags, parents: noRefs } as const;

/** Entities that a request brings along: they stand before those of the store, or instead of them. */
export class Overlay {
  readonly names: RequestNames;
  /** Of the store, when this was made. */
  readonly version: number;
  /** Nothing stands behind it but the schema's actions. */
  readonly isWhole: boolean;
  readonly #actions: EntityStore['actions'];
  readonly #data = new Map<EntityRef, EntityData>();
  /** null: nobody has asked yet. */
  #ancestors: Map<EntityRef, Ancestors> | null = null;

  /** Throws EngineError `invalid-request`. */
  constructor(store: EntityStore, { list, isWhole }: { list: readonly EntityJson[]; isWhole: boolean }) {
    this.names = new RequestNames(store);
    this.version = store.version;
    this.isWhole = isWhole;
    this.#actions = store.actions;
    for (const entity of list) this.#add(entity, store);
    // A circle runs through a parent that is given: what is stored has none.
    if (list.some(({ parents }) => parents.length > 0)) this.#refuseCircles();
  }

  #dataOf(ref: EntityRef): Pick<EntityRef, 'tags' | 'parents'> {
    const own = this.#data.get(ref);
    if (own !== undefined) return own;
    return this.isWhole && !this.#actions.has(ref) ? unknown : ref;
  }

  attrsOf(ref: EntityRef): Attributes | null {
    const own = this.#data.get(ref);
    if (own !== undefined) return own.attrs;
    return (this.isWhole && !this.#actions.has(ref)) || ref.shape === null ? null : ref;
  }

  tagsOf(ref: EntityRef): ReadonlyMap<string, Value> {
    return this.#dataOf(ref).tags;
  }

  #parentsOf(ref: EntityRef): readonly EntityRef[] {
    return this.#dataOf(ref).parents;
  }

  ancestors(ref: EntityRef): Ancestors {
    this.#ancestors ??= new Map();
    let above = this.#ancestors.get(ref);
    if (above === undefined) {
      above = new Ancestors(
        ancestorsBy(ref, (each) => this.#parentsOf(each)),
        0,
      );
      this.#ancestors.set(ref, above);
    }
    return above;
  }

  #add(entity: EntityJson, store: EntityStore): void {
    const uid = readUid(entity.uid as unknown as LosslessJson);
    const parents = entity.parents.map((parent) => readUid(parent as unknown as LosslessJson));
    const ref = this.names.ref(uid.type, uid.id);
    if (store.actions.has(ref)) {
      // Actions stand in the schema; what a caller says about one must agree with it, and adds nothing.
      const above = store.ancestors(ref);
      if (!parents.every(({ type, id }) => above.has(this.names.ref(type, id))))
        throw invalid('an action differs from the schema');
      return;
    }
    if (this.#data.has(ref)) throw invalid(`the entity \`${ref.id}\` is given twice`);
    const data = convertEntity(entity, { rules: store.rules, names: this.names, ref });
    const refs = parents.map((parent) => this.#parent(parent, { of: ref, store }));
    this.#data.set(ref, { ...data, parents: refs, mentions: noRefs });
  }

  #parent(uid: EntityUid, { of, store }: { of: EntityRef; store: EntityStore }): EntityRef {
    store.checkName(uid);
    if (store.rules.entityTypes.get(of.type)?.ancestorTypes.has(uid.type) !== true)
      throw invalid(`a \`${uid.type}\` cannot stand above a \`${of.type}\``);
    return this.names.ref(uid.type, uid.id);
  }

  /** Goes up from every entity of the request once, without recursion: the list is the caller's. */
  #refuseCircles(): void {
    const state = new Map<EntityRef, 'open' | 'done'>();
    for (const start of this.#data.keys()) {
      const steps = state.has(start) ? [] : [{ ref: start, next: 0 }];
      for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
        const parents = this.#parentsOf(step.ref);
        if (step.next === 0) state.set(step.ref, 'open');
        const parent = parents[step.next];
        step.next += 1;
        if (parent === undefined) {
          state.set(step.ref, 'done');
          steps.pop();
        } else if (state.get(parent) === 'open') {
          throw invalid(`entities of type \`${parent.type}\` form a cycle`);
        } else if (!state.has(parent)) steps.push({ ref: parent, next: 0 });
      }
    }
  }
}

/** With more parents than these, one list of all above costs less. */
const sharedParentsMax = 4;

/** The entities of one question: those of the store, behind what the request brings along. */
export class Entities {
  readonly #store: EntityStore;
  readonly #overlay: Overlay | null;
  /** Every entity that was looked at; null: nobody wants to know. */
  readonly reads: Set<EntityRef> | null;

  constructor(store: EntityStore, { overlay, reads }: { overlay: Overlay | null; reads: Set<EntityRef> | null }) {
    this.#store = store;
    this.#overlay = overlay;
    this.reads = reads;
  }

  /** null: nothing is known about it. */
  attrs(ref: EntityRef): Attributes | null {
    if (this.reads !== null) this.reads.add(ref);
    if (this.#overlay !== null) return this.#overlay.attrsOf(ref);
    return ref.shape === null ? null : ref;
  }

  tags(ref: EntityRef): ReadonlyMap<string, Value> {
    if (this.reads !== null) this.reads.add(ref);
    return this.#overlay === null ? ref.tags : this.#overlay.tagsOf(ref);
  }

  /** All entities above this one, itself not included. */
  ancestors(ref: EntityRef): Ancestors {
    const above = this.#overlay === null ? this.#store.ancestors(ref) : this.#overlay.ancestors(ref);
    if (this.reads !== null) {
      this.reads.add(ref);
      for (const each of above.list) this.reads.add(each);
    }
    return above;
  }

  /** Cedar's `in` for two entities. */
  isIn(ref: EntityRef, above: EntityRef): boolean {
    if (ref === above) return true;
    if (this.#overlay !== null || this.reads !== null || ref.parents.length > sharedParentsMax)
      return this.ancestors(ref).has(above);
    // What a parent shares with its other children, and not a list of its own: that would be memory to fetch for every entity.
    for (const parent of ref.parents) if (this.#store.asParent(parent).has(above)) return true;
    return false;
  }

  /** Has `held` hold the keys of what stands above this one. */
  holdKeysAbove(ref: EntityRef, held: HeldKeys): void {
    if (this.#overlay !== null || this.reads !== null)
      for (const each of this.ancestors(ref).list) held.add(each.keyOfStandingIn);
    else {
      const place = this.#store.keysAbove(ref);
      held.addList(this.#store.keys.lists.block, place);
    }
  }
}
