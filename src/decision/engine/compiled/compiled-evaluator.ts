import type { Decision, EntityUid } from '#foundation/model';
import type { DecisionRequest, EntityJson } from '../decision-request.ts';
import type { LosslessJson } from '../lossless-json.ts';
import type { PolicyJson, SchemaJson } from '../policy-set.ts';
import { Entities, type EntityData, EntityNames, noRecord } from './entities.ts';
import { type CompiledPolicy, PolicyIndex } from './policy-index.ts';
import {
  type ActionRules,
  type EntityTypeRules,
  invalid,
  readUid,
  type SchemaRules,
  schemaRules,
} from './schema-types.ts';
import { type EntityRef, EvaluationError } from './value.ts';

/** Names of entities are kept this many at most, then forgotten all at once; policies keep theirs. */
const namesMax = 200_000;

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function actionAncestors(actions: readonly ActionRules[], names: EntityNames): Map<EntityRef, ReadonlySet<EntityRef>> {
  const ref = ({ type, id }: EntityUid) => names.ref(type, id);
  const parents = new Map(actions.map((action) => [ref(action), action.parents.map(ref)]));
  return new Map(
    [...parents].map(([action, direct]) => {
      const above = new Set(direct);
      for (const parent of above) for (const next of parents.get(parent) ?? []) above.add(next);
      return [action, above];
    }),
  );
}

/** What belongs to one table of names; made anew when the table has grown too large. */
class Generation {
  readonly names = new EntityNames();
  readonly index: PolicyIndex;
  readonly ancestors: ReadonlyMap<EntityRef, ReadonlySet<EntityRef>>;
  readonly rules = new Map<EntityRef, ActionRules>();
  /** Frozen entities, which callers give again and again, are converted once. */
  readonly converted = new WeakMap<EntityJson, { readonly ref: EntityRef; readonly data: EntityData }>();
  /** So are frozen lists of them, with the ancestors that were looked up. */
  readonly gathered = new WeakMap<readonly EntityJson[], Entities>();

  constructor(policies: readonly (readonly [string, PolicyJson])[], schema: SchemaRules) {
    this.ancestors = actionAncestors(schema.actions, this.names);
    for (const action of schema.actions) this.rules.set(this.names.ref(action.type, action.id), action);
    const actions = [...this.ancestors].map(([ref, ancestors]) => ({ ref, ancestors }));
    this.index = new PolicyIndex(policies, { names: this.names, actions });
  }
}

/**
 * Evaluates policies without WebAssembly: closures over Cedar's JSON policy format, found by their scope. Needs a schema, by
 * which requests and entities are validated while they are converted.
 */
export class CompiledEvaluator {
  readonly #policies: readonly (readonly [string, PolicyJson])[];
  readonly #schema: SchemaRules;
  #generation: Generation;

  constructor(policies: readonly (readonly [string, PolicyJson])[], schema: SchemaJson) {
    this.#policies = policies;
    this.#schema = schemaRules(schema);
    this.#generation = new Generation(this.#policies, this.#schema);
  }

  /** Decides as Cedar does. Throws EngineError `invalid-request` when request or entities do not fit the schema. */
  decide(request: DecisionRequest): Decision {
    if (this.#generation.names.size > namesMax) this.#generation = new Generation(this.#policies, this.#schema);
    const { names, index, rules } = this.#generation;
    const action = names.ref(request.action.type, request.action.id);
    const rule = rules.get(action);
    if (rule === undefined) throw invalid(`the action \`${request.action.id}\` does not exist`);
    const principal = this.#participant(request.principal, rule.principalTypes);
    const resource = this.#participant(request.resource, rule.resourceTypes);
    const context = rule.convertContext(request.context, names);
    const entities = this.#gather(request.entities);

    const permits: string[] = [];
    const forbids: string[] = [];
    const errors: { id: string; message: string }[] = [];
    const environment = { principal, action, resource, context, entities };
    const run = (policies: readonly CompiledPolicy[]) => {
      for (const policy of policies) {
        try {
          if (policy.matches(environment)) (policy.effect === 'permit' ? permits : forbids).push(policy.id);
        } catch (error) {
          if (!(error instanceof EvaluationError)) throw error;
          errors.push({ id: policy.id, message: error.message });
        }
      }
    };
    index.visit(environment, run);
    const isAllowed = forbids.length === 0 && permits.length > 0;
    return {
      decision: isAllowed ? 'allow' : 'deny',
      reasons: (forbids.length > 0 ? forbids : permits).sort(byText),
      errors: errors.sort((a, b) => byText(a.id, b.id)),
    };
  }

  #participant({ type, id }: EntityUid, allowed: ReadonlySet<string>): EntityRef {
    if (!allowed.has(type) || !id.isWellFormed())
      throw invalid(`an entity of type \`${type}\` cannot take part in this action`);
    return this.#reference({ type, id });
  }

  #reference({ type, id }: EntityUid): EntityRef {
    const rules = this.#schema.entityTypes.get(type);
    if (rules === undefined) throw invalid(`the entity type \`${type}\` does not exist`);
    if (rules.ids !== null && !rules.ids.has(id)) throw invalid(`\`${id}\` is no \`${type}\``);
    return this.#generation.names.ref(type, id);
  }

  #gather(list: readonly EntityJson[]): Entities {
    const { gathered, ancestors } = this.#generation;
    const known = gathered.get(list);
    if (known !== undefined) return known;
    const data = new Map<EntityRef, EntityData>();
    for (const entity of list) this.#add(entity, data);
    const entities = new Entities(data, ancestors);
    if (Object.isFrozen(list) && list.every(Object.isFrozen)) gathered.set(list, entities);
    return entities;
  }

  #add(entity: EntityJson, data: Map<EntityRef, EntityData>): void {
    const { converted } = this.#generation;
    let known = converted.get(entity);
    if (known === undefined) {
      known = this.#convert(entity);
      // What is not frozen might say something else next time.
      if (Object.isFrozen(entity)) converted.set(entity, known);
    }
    // Actions stand in the schema; what a caller says about one must agree with it, and adds nothing.
    if (this.#generation.rules.has(known.ref)) return;
    if (data.has(known.ref)) throw invalid(`the entity \`${known.ref.id}\` is given twice`);
    data.set(known.ref, known.data);
  }

  #convert(entity: EntityJson): { ref: EntityRef; data: EntityData } {
    const uid = readUid(entity.uid as unknown as LosslessJson);
    const parents = entity.parents.map((parent) => readUid(parent as unknown as LosslessJson));
    const action = this.#generation.names.ref(uid.type, uid.id);
    const above = this.#generation.ancestors.get(action);
    if (above !== undefined) {
      const { names } = this.#generation;
      if (!parents.every((parent) => above.has(names.ref(parent.type, parent.id))))
        throw invalid('an action differs from the schema');
      return { ref: action, data: { attrs: noRecord, tags: noRecord, parents: [] } };
    }
    const ref = this.#reference(uid);
    const rules = this.#schema.entityTypes.get(uid.type);
    if (rules === undefined) throw invalid(`the entity type \`${uid.type}\` does not exist`);
    for (const { type } of parents) {
      if (!rules.ancestorTypes.has(type)) throw invalid(`a \`${type}\` cannot stand above a \`${uid.type}\``);
    }
    return {
      ref,
      data: {
        attrs: rules.convertAttrs(entity.attrs, this.#generation.names),
        tags: this.#tags(entity, rules),
        parents: parents.map((parent) => this.#reference(parent)),
      },
    };
  }

  #tags(entity: EntityJson, rules: EntityTypeRules): EntityData['tags'] {
    const given = Object.entries(entity.tags ?? {});
    const { convertTag } = rules;
    if (convertTag === null) {
      if (given.length > 0) throw invalid(`a \`${entity.uid.type}\` has no tags`);
      return noRecord;
    }
    return new Map(given.map(([name, tag]) => [name, convertTag(tag, this.#generation.names)]));
  }
}
