import type { EntityUid } from '#foundation/model';
import { EntityNames } from '../compiled/entity-names.ts';
import { invalid, readUid, type SchemaRules, schemaRules } from '../compiled/schema-types.ts';
import { type CedarRecord, type EntityRef, recordOf, type Value } from '../compiled/value.ts';
import type { DecisionRequest, EntityJson } from '../decision-request.ts';
import { EngineError } from '../engine-error.ts';
import type { LosslessJson } from '../lossless-json.ts';
import type { SchemaJson } from '../policy-set.ts';

/** An entity with its facts; `parents` are direct ones. */
export interface KnownEntity {
  readonly attrs: CedarRecord;
  readonly tags: ReadonlyMap<string, Value>;
  readonly parents: readonly string[];
}

/** A request and its entities, validated, as values. */
export interface ReferenceQuestion {
  readonly principal: EntityRef;
  readonly action: EntityRef;
  readonly resource: EntityRef;
  readonly context: CedarRecord;
  /** By `entityKey`; actions of the schema included. */
  readonly entities: ReadonlyMap<string, KnownEntity>;
}

/** No type holds a space, so no two entities share a key. */
export const entityKey = ({ type, id }: EntityUid) => `${type} ${id}`;

const rulesOf = new WeakMap<SchemaJson, SchemaRules>();

function rulesFor(schema: SchemaJson): SchemaRules {
  let rules = rulesOf.get(schema);
  if (rules === undefined) {
    rules = schemaRules(schema);
    rulesOf.set(schema, rules);
  }
  return rules;
}

const nothing = recordOf([]);
const noTags: ReadonlyMap<string, Value> = new Map();

class QuestionReader {
  readonly #rules: SchemaRules;
  readonly #table = new EntityNames();
  readonly #names = {
    ref: (type: string, id: string) => this.#table.ref(type, id),
    text: (text: string) => text,
  };
  readonly #entities = new Map<string, KnownEntity>();

  constructor(rules: SchemaRules) {
    this.#rules = rules;
  }

  read(request: DecisionRequest): ReferenceQuestion {
    const action = this.#rules.actions.find(({ type, id }) => type === request.action.type && id === request.action.id);
    if (action === undefined) throw invalid(`the action \`${request.action.id}\` does not exist`);
    for (const { type, id, parents } of this.#rules.actions)
      this.#entities.set(entityKey({ type, id }), { attrs: nothing, tags: noTags, parents: parents.map(entityKey) });
    const principal = this.#participant(request.principal, action.principalTypes);
    const resource = this.#participant(request.resource, action.resourceTypes);
    const context = action.convertContext(request.context, this.#names);
    for (const entity of request.entities) this.#add(entity);
    this.#refuseCycles();
    return {
      principal,
      action: this.#names.ref(action.type, action.id),
      resource,
      context,
      entities: this.#entities,
    };
  }

  #participant(uid: EntityUid, allowed: ReadonlySet<string>): EntityRef {
    if (!allowed.has(uid.type) || !uid.id.isWellFormed())
      throw invalid(`an entity of type \`${uid.type}\` cannot take part in this action`);
    this.#check(uid);
    return this.#names.ref(uid.type, uid.id);
  }

  #check({ type, id }: EntityUid): void {
    const rules = this.#rules.entityTypes.get(type);
    if (rules === undefined) throw invalid(`the entity type \`${type}\` does not exist`);
    if (rules.ids !== null && !rules.ids.has(id)) throw invalid(`\`${id}\` is no \`${type}\``);
  }

  #add(entity: EntityJson): void {
    const uid = readUid(entity.uid as unknown as LosslessJson);
    const parents = entity.parents.map((parent) => readUid(parent as unknown as LosslessJson));
    if (this.#rules.actions.some((action) => action.type === uid.type && action.id === uid.id)) {
      const above = this.#above(entityKey(uid));
      if (!parents.every((parent) => above.has(entityKey(parent)))) throw invalid('an action differs from the schema');
      return;
    }
    this.#check(uid);
    const rules = this.#rules.entityTypes.get(uid.type);
    if (rules === undefined || this.#entities.has(entityKey(uid)))
      throw invalid(`the entity \`${uid.id}\` is given twice`);
    for (const parent of parents) {
      this.#check(parent);
      if (!rules.ancestorTypes.has(parent.type))
        throw invalid(`a \`${parent.type}\` cannot stand above a \`${uid.type}\``);
    }
    const { convertTag } = rules;
    const tags = Object.entries(entity.tags ?? {}).map(([name, tag]) => {
      if (convertTag === null) throw invalid(`a \`${uid.type}\` has no tags`);
      return [name, convertTag(tag, this.#names)] as const;
    });
    const attrs = rules.convertAttrs(entity.attrs, this.#names);
    this.#entities.set(entityKey(uid), { attrs, tags: new Map(tags), parents: parents.map(entityKey) });
  }

  #above(key: string): Set<string> {
    return ancestorsOf(key, this.#entities);
  }

  #refuseCycles(): void {
    for (const key of this.#entities.keys()) {
      if (this.#above(key).has(key))
        throw new EngineError({ code: 'invalid-request', message: 'entities form a cycle' });
    }
  }
}

/** Every key above this one. */
export function ancestorsOf(key: string, entities: ReadonlyMap<string, KnownEntity>): Set<string> {
  const found = new Set(entities.get(key)?.parents);
  // A set gives what is added while it is walked, so this reaches every level once.
  for (const above of found) for (const parent of entities.get(above)?.parents ?? []) found.add(parent);
  return found;
}

/** Validates a request and its entities against the schema. Throws EngineError `invalid-request`. */
export function readQuestion(schema: SchemaJson, request: DecisionRequest): ReferenceQuestion {
  return new QuestionReader(rulesFor(schema)).read(request);
}
