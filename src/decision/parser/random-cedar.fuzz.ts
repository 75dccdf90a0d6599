// Random schemas, and policies, entities and requests that fit them, from a seed: made along the types, so that most requests reach deep into
// conditions, and now and then against them.
import type { DecisionRequest, EntityJson, LosslessJson, PolicyJson, SchemaJson, TemplateLink } from '#decision/engine';
import type { EntityUid } from '#foundation/model';
import { type EntityType, Expressions } from './random-expressions.fuzz.ts';
import {
  attributeNames,
  bool,
  Dice,
  extension,
  extensionNames,
  extensionTexts,
  ids,
  long,
  longs,
  makers,
  type RecordType,
  type Type,
  text,
  texts,
} from './random-words.fuzz.ts';

interface Action {
  readonly id: string;
  readonly principals: readonly string[];
  readonly resources: readonly string[];
  readonly context: RecordType;
}

/** A random schema, and what fits it. */
export class RandomCedar {
  readonly dice: Dice;
  readonly schema: SchemaJson;
  readonly #types: readonly EntityType[];
  readonly #actions: readonly Action[];
  readonly #groups = ['all', 'some'] as const;

  constructor(seed: number) {
    this.dice = new Dice(seed);
    const { dice } = this;
    const names = ['A', 'B', 'C', 'D'].slice(0, 2 + dice.below(2));
    this.#types = names.map((name) => ({
      name,
      above: dice.some(names),
      shape: this.#record({ depth: 2, names, countMax: 4 }),
      tags: dice.chance(40) ? this.#type({ depth: 1, names }) : null,
    }));
    this.#actions = dice.times(1 + dice.below(3), (index) => ({
      id: `do ${index}`,
      principals: atLeastOne(dice.some(names), names),
      resources: atLeastOne(dice.some(names), names),
      context: this.#record({ depth: 2, names, countMax: 3 }),
    }));
    this.schema = { '': { entityTypes: this.#entityTypes(), actions: this.#actionsJson() } };
  }

  #entityTypes(): object {
    return Object.fromEntries(
      this.#types.map(({ name, above, shape, tags }) => [
        name,
        { memberOfTypes: above, shape, ...(tags === null ? {} : { tags }) },
      ]),
    );
  }

  #actionsJson(): object {
    const groups = { all: {}, some: { memberOf: [{ id: 'all' }] } };
    const actions = this.#actions.map(({ id, principals, resources, context }, index) => [
      id,
      {
        memberOf: [{ id: this.#groups[index % 2] }],
        appliesTo: { principalTypes: principals, resourceTypes: resources, context },
      },
    ]);
    return { ...groups, ...Object.fromEntries(actions) };
  }

  #record({ depth, names, countMax }: { depth: number; names: readonly string[]; countMax: number }): RecordType {
    const chosen = this.dice.some(attributeNames, 60).slice(0, countMax);
    const attributes = chosen.map((name) => [
      name,
      { ...this.#type({ depth, names }), ...(this.dice.chance(30) ? { required: false } : {}) },
    ]);
    return { type: 'Record', attributes: Object.fromEntries(attributes) };
  }

  #type({ depth, names }: { depth: number; names: readonly string[] }): Type {
    const kind = this.dice.below(depth > 0 ? 12 : 9);
    if (kind < 2) return long;
    if (kind === 2) return text;
    if (kind === 3) return bool;
    if (kind < 6) return extension(this.dice.one(extensionNames));
    if (kind < 9) return { type: 'Entity', name: this.dice.one(names) };
    if (kind < 11) return { type: 'Set', element: this.#type({ depth: depth - 1, names }) };
    return this.#record({ depth: depth - 1, names, countMax: 3 });
  }

  /** A value of a type in Cedar's JSON. */
  value(type: Type): LosslessJson {
    const { dice } = this;
    switch (type.type) {
      case 'Long':
        return dice.one(longs);
      case 'String':
        return dice.one(texts);
      case 'Boolean':
        return dice.chance(50);
      case 'Entity':
        return { __entity: { type: type.name, id: dice.one(ids) } };
      case 'Extension':
        return { __extn: { fn: makers[type.name] ?? '', arg: dice.one(extensionTexts[type.name] ?? []) } };
      case 'Set':
        return dice.times(dice.below(4), () => this.value(type.element));
      case 'Record': {
        const kept = Object.entries(type.attributes).filter(
          ([, { required }]) => required !== false || dice.chance(60),
        );
        return Object.fromEntries(kept.map(([name, inner]) => [name, this.value(inner)]));
      }
    }
  }

  /** Some entities of every type; parents point only to smaller ids, or to other types in one direction, so that there is no circle. */
  entities(): EntityJson[] {
    return this.#types.flatMap(({ name, above, shape, tags }, rank) =>
      this.dice.some(ids, 65).map((id) => {
        const lower = this.#types.flatMap((type, other) =>
          above.includes(type.name) && other <= rank
            ? ids.slice(0, other === rank ? ids.indexOf(id) : ids.length).map((each) => ({ type: type.name, id: each }))
            : [],
        );
        return {
          uid: { type: name, id },
          attrs: this.value(shape) as EntityJson['attrs'],
          parents: this.dice.some(lower, 40),
          ...(tags === null ? {} : { tags: this.#tags(tags) }),
        };
      }),
    );
  }

  #tags(type: Type): { readonly [name: string]: LosslessJson } {
    return Object.fromEntries(this.dice.some(texts, 40).map((name) => [name, this.value(type)]));
  }

  /** The actions as entities, for evaluators that are given no schema. */
  actionEntities(): EntityJson[] {
    const uid = (id: string) => ({ type: 'Action', id });
    return [
      { uid: uid('all'), attrs: {}, parents: [] },
      { uid: uid('some'), attrs: {}, parents: [uid('all')] },
      ...this.#actions.map(({ id }, index) => ({
        uid: uid(id),
        attrs: {},
        parents: [uid(this.#groups[index % 2] ?? 'all')],
      })),
    ];
  }

  request(): Omit<DecisionRequest, 'entities'> {
    const { dice } = this;
    const action = dice.one(this.#actions);
    return {
      principal: { type: dice.one(action.principals), id: dice.one(ids) },
      action: { type: 'Action', id: action.id },
      resource: { type: dice.one(action.resources), id: dice.one(ids) },
      context: this.value(action.context) as DecisionRequest['context'],
    };
  }

  policy(): PolicyJson {
    const { dice } = this;
    const action = dice.one(this.#actions);
    const [principal, resource] = [dice.one(action.principals), dice.one(action.resources)];
    const expressions = new Expressions(this, {
      types: new Map(this.#types.map((type) => [type.name, type])),
      variables: [
        [{ Var: 'principal' }, { type: 'Entity', name: principal }],
        [{ Var: 'resource' }, { type: 'Entity', name: resource }],
        [{ Var: 'context' }, action.context],
      ],
    });
    return {
      effect: dice.chance(60) ? 'permit' : 'forbid',
      principal: this.#scope(principal),
      action: this.#actionScope(action.id),
      resource: this.#scope(resource),
      conditions: dice.times(dice.chance(80) ? 1 : dice.below(3), () => ({
        kind: dice.chance(75) ? 'when' : 'unless',
        body: expressions.of(bool, 4),
      })),
    };
  }

  /** A policy whose scope has slots, and entities for them. */
  template(): { template: PolicyJson; values: TemplateLink['values'] } {
    const policy = this.policy();
    const slot = (name: '?principal' | '?resource') =>
      this.dice.one<unknown>([
        { op: '==', slot: name },
        { op: 'in', slot: name },
        { op: 'is', entity_type: this.dice.one(this.typeNames()), in: { slot: name } },
      ]);
    const uid = () => this.uid(this.dice.one(this.typeNames()));
    const which = this.dice.below(3);
    const principal = which === 1 ? {} : { '?principal': uid() };
    const resource = which === 0 ? {} : { '?resource': uid() };
    return {
      template: {
        ...policy,
        ...(which === 1 ? {} : { principal: slot('?principal') }),
        ...(which === 0 ? {} : { resource: slot('?resource') }),
      },
      values: { ...principal, ...resource },
    };
  }

  uid(type: string): EntityUid {
    return { type, id: this.dice.one(ids) };
  }

  typeNames(): string[] {
    return this.#types.map(({ name }) => name);
  }

  #scope(type: string): unknown {
    const above = this.dice.one([...(this.#types.find(({ name }) => name === type)?.above ?? []), type]);
    switch (this.dice.below(8)) {
      case 0:
        return { op: '==', entity: this.uid(type) };
      case 1:
        return { op: 'in', entity: this.uid(above) };
      case 2:
        return { op: 'is', entity_type: this.dice.chance(85) ? type : this.dice.one(this.typeNames()) };
      case 3:
        return { op: 'is', entity_type: type, in: { entity: this.uid(above) } };
      default:
        return { op: 'All' };
    }
  }

  #actionScope(id: string): unknown {
    const uids = ['all', 'some', id].map((each) => ({ type: 'Action', id: each }));
    switch (this.dice.below(6)) {
      case 0:
        return { op: '==', entity: { type: 'Action', id } };
      case 1:
        return { op: 'in', entity: this.dice.one(uids) };
      case 2:
        return { op: 'in', entities: this.dice.some(uids) };
      default:
        return { op: 'All' };
    }
  }
}

function atLeastOne<T>(chosen: readonly T[], from: readonly T[]): readonly T[] {
  return chosen.length > 0 ? chosen : from.slice(0, 1);
}
