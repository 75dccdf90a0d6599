// Random expressions of a type, over variables whose types are known.
import type { LosslessJson } from '#decision/engine';
import {
  attributeNames,
  bool,
  type Dice,
  extension,
  extensionNames,
  extensionTexts,
  long,
  makers,
  patterns,
  type RecordType,
  sameType,
  type Type,
  text,
  wrongTexts,
} from './random-words.fuzz.ts';

export interface EntityType {
  readonly name: string;
  readonly above: readonly string[];
  readonly shape: RecordType;
  readonly tags: Type | null;
}

/** What expressions need of the set that they belong to. */
export interface RandomWorld {
  readonly dice: Dice;
  value(type: Type): LosslessJson;
  typeNames(): string[];
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
export class Expressions {
  readonly #cedar: RandomWorld;
  readonly #types: ReadonlyMap<string, EntityType>;
  /** Everything that can be reached from the variables by attributes. */
  readonly #paths: readonly Typed[];

  constructor(cedar: RandomWorld, world: { types: ReadonlyMap<string, EntityType>; variables: readonly Typed[] }) {
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
