// Random schemas, and policies, entities and requests that fit them, from a seed: made along the types, so that most requests reach deep into
// conditions, and now and then against them.
import type { DecisionRequest, EntityJson, LosslessJson, PolicyJson, SchemaJson } from '#decision/engine';
import type { EntityUid } from '#foundation/model';

export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below `count` (mulberry32). */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  some<T>(items: readonly T[], percent = 50): T[] {
    return items.filter(() => this.chance(percent));
  }

  times<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}

const extensionNames = ['ipaddr', 'decimal', 'datetime', 'duration'] as const;
type Type =
  | { readonly type: 'Long' | 'String' | 'Boolean' }
  | { readonly type: 'Extension'; readonly name: (typeof extensionNames)[number] }
  | { readonly type: 'Entity'; readonly name: string }
  | { readonly type: 'Set'; readonly element: Type }
  | RecordType;
interface RecordType {
  readonly type: 'Record';
  readonly attributes: { readonly [name: string]: Type & { readonly required?: boolean } };
}

const bool: Type = { type: 'Boolean' };
const long: Type = { type: 'Long' };
const text: Type = { type: 'String' };
const extension = (name: (typeof extensionNames)[number]): Type => ({ type: 'Extension', name });
const sameType = (a: Type, b: Type) => JSON.stringify(bare(a)) === JSON.stringify(bare(b));
function bare(type: Type): unknown {
  if (type.type === 'Record')
    return Object.entries(type.attributes).map(([name, inner]) => [name, inner.required !== false, bare(inner)]);
  if (type.type === 'Set') return ['Set', bare(type.element)];
  return [type.type, 'name' in type ? type.name : ''];
}

const attributeNames = ['a', 'b', 'c d', 'constructor', 'ü'];
const ids = ['0', '1', '"\\'];
const longs: readonly LosslessJson[] = [
  ...[0, 1, 2, 3, -1, -7, 60, 1000, 86_400_000, 3_037_000_500, 9_007_199_254_740_991],
  ...[9_007_199_254_740_993n, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n],
];
const texts = ['', 'a', 'ab', 'aab', 'a*b', 'é"\\', 'ba', 'constructor'];
const patterns: readonly (readonly unknown[])[] = [
  ['Wildcard'],
  [{ Literal: 'a' }, 'Wildcard'],
  ['Wildcard', { Literal: 'b' }],
  [{ Literal: 'a' }, 'Wildcard', { Literal: 'b' }],
  ['Wildcard', { Literal: 'a' }, 'Wildcard', { Literal: 'a' }, 'Wildcard'],
  [{ Literal: 'a' }, { Literal: '*' }, { Literal: 'b' }],
  [],
];
const extensionTexts: Readonly<Record<string, readonly string[]>> = {
  ipaddr: [
    '10.0.0.1',
    '10.0.0.0/8',
    '127.0.0.1/8',
    '224.0.0.1',
    '0.0.0.0/0',
    '255.255.255.255',
    '::1',
    'ff00::/8',
    'fe80::1/64',
    '::/0',
  ],
  decimal: ['0.0', '1.5', '-1.5', '-0.0001', '922337203685477.5807', '12.3400'],
  datetime: [
    '2024-02-29',
    '1970-01-01T00:00:00Z',
    '1969-12-31T23:59:59.999Z',
    '2024-01-01T12:00:00.500+0530',
    '9999-12-31',
  ],
  duration: ['1d', '-1h30m', '0ms', '1d2h3m4s5ms', '-1ms', '106751991167d'],
};
const makers: Readonly<Record<string, string>> = {
  ipaddr: 'ip',
  decimal: 'decimal',
  datetime: 'datetime',
  duration: 'duration',
};
const wrongTexts = ['1.2.3', '01.2.3.4', '1.00000', '2023-02-29', '1s1m', '', '107000000000d'];

interface Action {
  readonly id: string;
  readonly principals: readonly string[];
  readonly resources: readonly string[];
  readonly context: RecordType;
}

interface EntityType {
  readonly name: string;
  readonly above: readonly string[];
  readonly shape: RecordType;
  readonly tags: Type | null;
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

type Expression = { readonly [operator: string]: unknown };
type Typed = readonly [expression: Expression, type: Type];
const binary = (operator: string, left: Expression, right: Expression): Expression => ({ [operator]: { left, right } });

// Not an object literal: one with `then` looks like a promise to linters.
const conditional = (...[test, yes, no]: readonly Expression[]) =>
  Object.fromEntries([
    ['if', test],
    ['then', yes],
    ['else', no],
  ]);

/** Expressions of a policy whose variables have these types. */
class Expressions {
  readonly #cedar: RandomCedar;
  readonly #types: ReadonlyMap<string, EntityType>;
  /** Everything that can be reached from the variables by attributes. */
  readonly #paths: readonly Typed[];

  constructor(cedar: RandomCedar, world: { types: ReadonlyMap<string, EntityType>; variables: readonly Typed[] }) {
    this.#cedar = cedar;
    this.#types = world.types;
    const paths = [...world.variables];
    let fresh: readonly Typed[] = world.variables;
    for (let step = 0; step < 3; step += 1) {
      fresh = fresh.flatMap((typed) => this.#attributes(typed)).slice(0, 60);
      paths.push(...fresh);
    }
    this.#paths = paths;
  }

  #attributes([left, type]: Typed): Typed[] {
    const shape = type.type === 'Entity' ? this.#types.get(type.name)?.shape : type;
    if (shape?.type !== 'Record') return [];
    return Object.entries(shape.attributes).map(([attr, inner]) => {
      const access = { '.': { left, attr } };
      if (inner.required !== false || this.#cedar.dice.chance(25)) return [access, inner];
      const guarded = { 'if-then-else': conditional({ has: { left, attr } }, access, this.#literal(inner)) };
      return [guarded, inner];
    });
  }

  #literal(type: Type): Expression {
    const { dice } = this.#cedar;
    switch (type.type) {
      case 'Extension': {
        const texts_ = dice.chance(97) ? (extensionTexts[type.name] ?? []) : wrongTexts;
        return { [makers[type.name] ?? '']: [{ Value: dice.one(texts_) }] };
      }
      case 'Set':
        return { Set: dice.times(1 + dice.below(3), () => this.#literal(type.element)) };
      case 'Record': {
        const kept = Object.entries(type.attributes).filter(
          ([, { required }]) => required !== false || dice.chance(60),
        );
        return { Record: Object.fromEntries(kept.map(([name, inner]) => [name, this.#literal(inner)])) };
      }
      default:
        return { Value: this.#cedar.value(type) };
    }
  }

  #anyType(): Type {
    const { dice } = this.#cedar;
    return dice.one<Type>([
      ...[long, text, bool, extension(dice.one(extensionNames)), { type: 'Set', element: long } as const],
      ...this.#paths.map(([, type]) => type),
    ]);
  }

  #entity(): Type {
    return { type: 'Entity', name: this.#cedar.dice.one(this.#cedar.typeNames()) };
  }

  /** An expression of this type, or once in a while of another. */
  of(wanted: Type, depth: number): Expression {
    const { dice } = this.#cedar;
    const type = dice.chance(98) ? wanted : this.#anyType();
    if (depth > 0 && dice.chance(type.type === 'Boolean' ? 85 : 45)) return this.#grown(type, depth - 1);
    const paths = this.#paths.filter(([, found]) => sameType(found, type));
    return paths.length > 0 && dice.chance(70) ? dice.one(paths)[0] : this.#literal(type);
  }

  #grown(type: Type, depth: number): Expression {
    const { dice } = this.#cedar;
    const of = (inner: Type) => this.of(inner, depth);
    if (dice.chance(8)) return { 'if-then-else': conditional(of(bool), of(type), of(type)) };
    switch (type.type) {
      case 'Boolean':
        return this.#boolean(depth);
      case 'Long': {
        if (dice.chance(15)) return { neg: { arg: of(long) } };
        if (dice.chance(25)) {
          const method = dice.one(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays']);
          return { [method]: [of(extension('duration'))] };
        }
        return dice.chance(15) ? this.#tag(long, depth) : binary(dice.one(['+', '-', '*']), of(long), of(long));
      }
      case 'Extension': {
        const time = extension('datetime');
        if (type.name === 'datetime')
          return dice.chance(30) ? { toDate: [of(time)] } : { offset: [of(time), of(extension('duration'))] };
        if (type.name === 'duration')
          return dice.chance(30) ? { toTime: [of(time)] } : { durationSince: [of(time), of(time)] };
        return this.#tag(type, depth);
      }
      case 'Set':
        return { Set: dice.times(1 + dice.below(3), () => of(type.element)) };
      case 'Record':
        return { '.': { left: { Record: { x: of(type) } }, attr: 'x' } };
      default:
        return this.#tag(type, depth);
    }
  }

  #tag(type: Type, depth: number): Expression {
    const owners = [...this.#types.values()].filter(({ tags }) => tags !== null && sameType(tags, type));
    const { dice } = this.#cedar;
    if (owners.length === 0) return this.of(type, 0);
    const left = this.of({ type: 'Entity', name: dice.one(owners).name }, depth);
    const right = this.of(text, 0);
    const get = { getTag: { left, right } };
    if (dice.chance(30)) return get;
    return { 'if-then-else': conditional({ hasTag: { left, right } }, get, this.of(type, 0)) };
  }

  #boolean(depth: number): Expression {
    const { dice } = this.#cedar;
    const of = (inner: Type) => this.of(inner, depth);
    const ip = extension('ipaddr');
    const decimal = extension('decimal');
    switch (dice.below(17)) {
      case 0:
      case 1:
        return binary('&&', of(bool), of(bool));
      case 2:
      case 3:
        return binary('||', of(bool), of(bool));
      case 4:
        return { '!': { arg: of(bool) } };
      case 5:
      case 6: {
        const type = this.#anyType();
        return binary(dice.one(['==', '!=']), of(type), of(type));
      }
      case 7: {
        const type = dice.one([long, long, extension('datetime'), extension('duration')]);
        return binary(dice.one(['<', '<=', '>', '>=']), of(type), of(type));
      }
      case 8:
      case 9: {
        const type = this.#entity();
        return binary('in', of(this.#entity()), of(dice.chance(50) ? type : { type: 'Set', element: type }));
      }
      case 10:
        return this.#has(depth);
      case 11:
        return { like: { left: of(text), pattern: dice.one(patterns) } };
      case 12: {
        const is = { left: of(this.#entity()), entity_type: dice.one(this.#cedar.typeNames()) };
        return { is: dice.chance(50) ? is : { ...is, in: of(this.#entity()) } };
      }
      case 13: {
        const element = this.#anyType();
        const set: Type = { type: 'Set', element };
        if (dice.chance(40)) return binary('contains', of(set), of(element));
        if (dice.chance(20)) return { isEmpty: { arg: of(set) } };
        return binary(dice.one(['containsAll', 'containsAny']), of(set), of(set));
      }
      case 14:
        if (dice.chance(40)) return { isInRange: [of(ip), of(ip)] };
        return { [dice.one(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])]: [of(ip)] };
      case 15:
        return {
          [dice.one(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])]: [of(decimal), of(decimal)],
        };
      default:
        return binary('hasTag', of(this.#entity()), of(text));
    }
  }

  #has(depth: number): Expression {
    const { dice } = this.#cedar;
    const owners = this.#paths.filter(([, { type }]) => type === 'Entity' || type === 'Record');
    const left = dice.chance(80) ? dice.one(owners)[0] : this.of(this.#entity(), depth);
    const attr = dice.chance(70) ? dice.one(attributeNames) : dice.times(2, () => dice.one(['a', 'b', 'constructor']));
    return { has: { left, attr } };
  }
}
