import { Datetime, Duration } from './datetime.ts';
import type { Entities } from './entities.ts';
import { EvaluationError } from './evaluation-error.ts';
import { callExtension, extensionFunction } from './extension-functions.ts';
import { add, type Long, multiply, negate, subtract } from './long.ts';
import type { Constant, Outline } from './outline.ts';
import type { Row } from './row.ts';
import {
  type Attributes,
  CedarRecord,
  CedarSet,
  EntityRef,
  equal,
  RecordShape,
  typeError,
  type Value,
} from './value.ts';

/** What an expression is evaluated in. */
export interface Environment {
  readonly principal: EntityRef;
  readonly action: EntityRef;
  readonly resource: EntityRef;
  readonly context: CedarRecord;
  readonly entities: Entities;
}

/** Those of a policy. */
export type Constants = Row<Constant>;

/** A compiled outline. Throws EvaluationError. */
export type Evaluate = (environment: Environment, constants: Constants) => Value;

export function toBool(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw typeError('bool', value);
}

function toLong(value: Value): Long {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw typeError('long', value);
}

function toText(value: Value): string {
  if (typeof value === 'string') return value;
  throw typeError('string', value);
}

function toSet(value: Value): CedarSet {
  if (value instanceof CedarSet) return value;
  throw typeError('set', value);
}

function toEntity(value: Value): EntityRef {
  if (value instanceof EntityRef) return value;
  throw typeError('entity', value);
}

/** Longs, datetimes and durations have an order; -1, 0 or 1. */
function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const order = (left: Long, right: Long) => (left < right ? -1 : left > right ? 1 : 0);
  if (typeof a === 'number' || typeof a === 'bigint') return order(a, toLong(b));
  if (a instanceof Datetime && b instanceof Datetime) return order(a.ms, b.ms);
  if (a instanceof Duration && b instanceof Duration) return order(a.ms, b.ms);
  if (a instanceof Datetime || a instanceof Duration) throw typeError(a.typeName, b);
  throw typeError('long', a);
}

/** An attribute by its name, from any record or entity; knows the place in the records that came last. */
class AttributeSite {
  readonly #name: string;
  #shape: RecordShape | null = null;
  #slot = -1;

  constructor(name: string) {
    this.#name = name;
  }

  find(attributes: Attributes): Value | undefined {
    const { shape } = attributes;
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#slot = shape?.slot(this.#name) ?? -1;
    }
    return attributes.at(this.#slot);
  }

  get(value: Value, entities: Entities): Value {
    return value instanceof CedarRecord ? this.ofRecord(value) : this.ofEntity(toEntity(value), entities);
  }

  ofRecord(record: CedarRecord): Value {
    const found = this.find(record);
    if (found === undefined) throw new EvaluationError(`record does not have the attribute \`${this.#name}\``);
    return found;
  }

  ofEntity(ref: EntityRef, entities: Entities): Value {
    const attrs = entities.attrs(ref);
    if (attrs === null) throw new EvaluationError(`entity of type \`${ref.type}\` does not exist`);
    const found = this.find(attrs);
    if (found === undefined)
      throw new EvaluationError(`entity of type \`${ref.type}\` does not have the attribute \`${this.#name}\``);
    return found;
  }

  has(value: Value, entities: Entities): boolean {
    if (value instanceof CedarRecord) return this.find(value) !== undefined;
    const attrs = entities.attrs(toEntity(value));
    return attrs !== null && this.find(attrs) !== undefined;
  }
}

function isIn(left: Value, right: Value, entities: Entities): boolean {
  const ref = toEntity(left);
  if (right instanceof EntityRef) return entities.isIn(ref, right);
  if (!(right instanceof CedarSet)) throw typeError('(set or entity)', right);
  // Every element must be an entity, also behind the one that matches.
  if (right.stranger !== undefined) throw typeError('entity', right.stranger);
  if (right.has(ref)) return true;
  for (const above of entities.ancestors(ref).list) if (right.has(above)) return true;
  return false;
}

const binaries: Readonly<Record<string, (left: Value, right: Value, entities: Entities) => Value>> = {
  '==': equal,
  '!=': (left, right) => !equal(left, right),
  '<': (left, right) => compare(left, right) < 0,
  '<=': (left, right) => compare(left, right) <= 0,
  '>': (left, right) => compare(left, right) > 0,
  '>=': (left, right) => compare(left, right) >= 0,
  '+': (left, right) => add(toLong(left), toLong(right)),
  '-': (left, right) => subtract(toLong(left), toLong(right)),
  '*': (left, right) => multiply(toLong(left), toLong(right)),
  in: isIn,
  contains: (left, right) => toSet(left).has(right),
  containsAll: (left, right) => toSet(left).hasAll(toSet(right)),
  containsAny: (left, right) => toSet(left).hasAny(toSet(right)),
  hasTag: (left, right, entities) => entities.tags(toEntity(left)).has(toText(right)),
  getTag: (left, right, entities) => {
    const value = entities.tags(toEntity(left)).get(toText(right));
    if (value === undefined) throw new EvaluationError(`entity does not exist or has no tag \`${toText(right)}\``);
    return value;
  },
};

const variables: Readonly<Record<string, Evaluate>> = {
  principal: ({ principal }) => principal,
  action: ({ action }) => action,
  resource: ({ resource }) => resource,
  context: ({ context }) => context,
};

function broken(slot: number): Evaluate {
  return (_environment, constants) => {
    throw constants.at(slot);
  };
}

function unknownVariable(name: string): Evaluate {
  return () => {
    throw new EvaluationError(`\`variable ${name}\` cannot be evaluated`);
  };
}

function has(subject: Evaluate, names: readonly string[]): Evaluate {
  const sites = names.map((name) => new AttributeSite(name));
  const last = sites.length - 1;
  return (environment, constants) => {
    let value = subject(environment, constants);
    for (const [index, site] of sites.entries()) {
      if (!site.has(value, environment.entities)) return false;
      if (index < last) value = site.get(value, environment.entities);
    }
    return true;
  };
}

/** Of a variable's value it is known whether it is an entity or a record. */
function attribute(subject: Outline, name: string): Evaluate {
  const site = new AttributeSite(name);
  if (subject[0] === 'variable')
    switch (subject[1]) {
      case 'principal':
        return ({ principal, entities }) => site.ofEntity(principal, entities);
      case 'resource':
        return ({ resource, entities }) => site.ofEntity(resource, entities);
      case 'context':
        return ({ context }) => site.ofRecord(context);
    }
  const value = compileOutline(subject);
  return (environment, k) => site.get(value(environment, k), environment.entities);
}

const isEntityVariable = ([kind, name]: Outline) =>
  kind === 'variable' && (name === 'principal' || name === 'action' || name === 'resource');

function binary(operator: string, parts: readonly [Outline, Outline]): Evaluate {
  const [left, right] = [compileOutline(parts[0]), compileOutline(parts[1])];
  // The most frequent operators are written out: a call less for each.
  switch (operator) {
    case '&&':
      return (environment, k) => toBool(left(environment, k)) && toBool(right(environment, k));
    case '||':
      return (environment, k) => toBool(left(environment, k)) || toBool(right(environment, k));
    case '==':
      // An entity equals nothing but itself.
      if (parts.some(isEntityVariable)) return (environment, k) => left(environment, k) === right(environment, k);
      return (environment, k) => equal(left(environment, k), right(environment, k));
    case '<':
      return (environment, k) => compare(left(environment, k), right(environment, k)) < 0;
    case 'in':
      return (environment, k) => isIn(left(environment, k), right(environment, k), environment.entities);
    default: {
      const run = Object.hasOwn(binaries, operator) ? binaries[operator] : undefined;
      if (run === undefined) throw new Error(`no operator \`${operator}\``);
      return (environment, k) => run(left(environment, k), right(environment, k), environment.entities);
    }
  }
}

function unary(operator: string, part: Outline): Evaluate {
  const inner = compileOutline(part);
  if (operator === '!') return (environment, k) => !toBool(inner(environment, k));
  if (operator === 'neg') return (environment, k) => negate(toLong(inner(environment, k)));
  return (environment, k) => toSet(inner(environment, k)).size === 0;
}

function call(name: string, parts: readonly Outline[]): Evaluate {
  const found = extensionFunction(name);
  const args = parts.map(compileOutline);
  const [first, second] = args;
  if (found === undefined || first === undefined || args.length !== found.arity)
    return (environment, k) =>
      callExtension(
        name,
        args.map((arg) => arg(environment, k)),
      );
  if (second === undefined)
    return (environment, k) => {
      const value = first(environment, k);
      return found.call(value, value);
    };
  return (environment, k) => found.call(first(environment, k), second(environment, k));
}

function record(names: readonly string[], parts: readonly Outline[]): Evaluate {
  const shape = new RecordShape([...names].sort());
  const values = parts.map(compileOutline);
  const slots = names.map((name) => shape.slot(name));
  return (environment, k) => {
    const found = new Array<Value | undefined>(slots.length).fill(undefined);
    for (const [index, value] of values.entries()) found[slots[index] ?? 0] = value(environment, k);
    return new CedarRecord(shape, found);
  };
}

/** Compiles an outline into closures. They hold operators and names only; what a policy's author wrote as a literal comes as a constant. */
export function compileOutline(outline: Outline): Evaluate {
  const [kind, ...rest] = outline;
  const parts = rest as readonly Outline[];
  const first = rest[0] as Outline;
  const word = rest[1] as string;
  switch (kind) {
    case 'constant': {
      const slot = outline[1] as number;
      return (_environment, constants) => constants.at(slot) as Value;
    }
    case 'broken':
      return broken(outline[1] as number);
    case 'variable': {
      const name = String(outline[1]);
      return (Object.hasOwn(variables, name) ? variables[name] : undefined) ?? unknownVariable(name);
    }
    case 'attribute':
      return attribute(first, word);
    case 'has':
      return has(compileOutline(first), rest.slice(1) as readonly string[]);
    case 'is': {
      const subject = compileOutline(first);
      return (environment, k) => toEntity(subject(environment, k)).type === word;
    }
    case 'is-in': {
      const [subject, above] = [compileOutline(first), compileOutline(rest[2] as Outline)];
      return (environment, k) => {
        const value = toEntity(subject(environment, k));
        return value.type === word && isIn(value, above(environment, k), environment.entities);
      };
    }
    case 'like': {
      const subject = compileOutline(first);
      const slot = rest[1] as number;
      return (environment, k) => (k.at(slot) as (text: string) => boolean)(toText(subject(environment, k)));
    }
    case 'set': {
      const items = parts.map(compileOutline);
      return (environment, k) => new CedarSet(items.map((item) => item(environment, k)));
    }
    case 'record':
      return record(rest[0] as unknown as readonly string[], parts.slice(1));
    case 'call':
      return call(String(outline[1]), parts.slice(1));
    case 'if': {
      const [test, yes, no] = [
        compileOutline(first),
        compileOutline(parts[1] as Outline),
        compileOutline(parts[2] as Outline),
      ];
      return (environment, k) => (toBool(test(environment, k)) ? yes(environment, k) : no(environment, k));
    }
    default:
      return parts.length === 1 ? unary(kind, first) : binary(kind, [first, parts[1] as Outline]);
  }
}
