import { Datetime, Duration } from './datetime.ts';
import type { Entities, EntityNames } from './entities.ts';
import { callExtension, extensionFunction } from './extension-functions.ts';
import { compilePattern, type PatternPart } from './like.ts';
import { add, type Long, multiply, negate, subtract } from './long.ts';
import { CedarSet, EntityRef, EvaluationError, equal, typeError, type Value } from './value.ts';

/** What an expression is evaluated in. */
export interface Environment {
  readonly principal: EntityRef;
  readonly action: EntityRef;
  readonly resource: EntityRef;
  readonly context: Value;
  readonly entities: Entities;
}

/** A compiled expression. Throws EvaluationError. */
export type Evaluate = (environment: Environment) => Value;

/** An expression of Cedar's JSON policy format (https://docs.cedarpolicy.com/policies/json-format.html). */
export type Expression = { readonly [operator: string]: unknown };

type Compile = (operand: unknown) => Evaluate;
type Binary = { readonly left: unknown; readonly right: unknown };

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
  const order = (left: Long, right: Long) => (left < right ? -1 : left > right ? 1 : 0);
  if (typeof a === 'number' || typeof a === 'bigint') return order(a, toLong(b));
  if (a instanceof Datetime && b instanceof Datetime) return order(a.ms, b.ms);
  if (a instanceof Duration && b instanceof Duration) return order(a.ms, b.ms);
  if (a instanceof Datetime || a instanceof Duration) throw typeError(a.typeName, b);
  throw typeError('long', a);
}

function getAttribute(value: Value, { name, entities }: { name: string; entities: Entities }): Value {
  if (value instanceof Map) {
    const found: Value | undefined = value.get(name);
    if (found === undefined) throw new EvaluationError(`record does not have the attribute \`${name}\``);
    return found;
  }
  const ref = toEntity(value);
  const data = entities.get(ref);
  if (data === undefined) throw new EvaluationError(`entity of type \`${ref.type}\` does not exist`);
  const found = data.attrs.get(name);
  if (found === undefined)
    throw new EvaluationError(`entity of type \`${ref.type}\` does not have the attribute \`${name}\``);
  return found;
}

function hasAttribute(value: Value, { name, entities }: { name: string; entities: Entities }): boolean {
  if (value instanceof Map) return value.has(name);
  return entities.get(toEntity(value))?.attrs.has(name) ?? false;
}

function isIn(left: Value, { right, entities }: { right: Value; entities: Entities }): boolean {
  const ref = toEntity(left);
  if (right instanceof EntityRef) return entities.isIn(ref, right);
  if (!(right instanceof CedarSet)) throw typeError('(set or entity)', right);
  // Every element must be an entity, also behind the one that matches.
  const above = [...right].map(toEntity);
  return above.some((entity) => entities.isIn(ref, entity));
}

function binary(compile: Compile, run: (left: Value, right: Value, environment: Environment) => Value) {
  return (operand: unknown): Evaluate => {
    const { left, right } = operand as Binary;
    const [compiledLeft, compiledRight] = [compile(left), compile(right)];
    return (environment) => run(compiledLeft(environment), compiledRight(environment), environment);
  };
}

function unary(compile: Compile, run: (value: Value) => Value) {
  return (operand: unknown): Evaluate => {
    const argument = compile((operand as { arg: unknown }).arg);
    return (environment) => run(argument(environment));
  };
}

/** Reads a value literal: primitives, and sets, records, entities and extension values in Cedar's JSON. */
export function literal(json: unknown, names: EntityNames): Value {
  if (typeof json === 'boolean' || typeof json === 'string' || typeof json === 'number' || typeof json === 'bigint') {
    return json;
  }
  if (Array.isArray(json)) return new CedarSet(json.map((item) => literal(item, names)));
  if (typeof json !== 'object' || json === null) throw new EvaluationError('null is no Cedar value');
  const object = json as { readonly __entity?: { type: string; id: string }; readonly __extn?: ExtensionCall };
  if (object.__entity !== undefined) return names.ref(object.__entity.type, object.__entity.id);
  if (object.__extn !== undefined) {
    const { fn, arg, args } = object.__extn;
    return callExtension(
      fn,
      (args ?? [arg]).map((item) => literal(item, names)),
    );
  }
  return new Map(Object.entries(json).map(([name, item]) => [name, literal(item, names)]));
}

export interface ExtensionCall {
  readonly fn: string;
  readonly arg?: unknown;
  readonly args?: readonly unknown[];
}

/** A constant; one that cannot be made errors when it is evaluated, as in Cedar. */
function constant(make: () => Value): Evaluate {
  try {
    const value = make();
    return () => value;
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return () => {
      throw error;
    };
  }
}

const variables: Readonly<Record<string, Evaluate>> = {
  principal: ({ principal }) => principal,
  action: ({ action }) => action,
  resource: ({ resource }) => resource,
  context: ({ context }) => context,
};

function has(compile: Compile, operand: unknown): Evaluate {
  const { left, attr } = operand as { left: unknown; attr: string | readonly string[] };
  const subject = compile(left);
  const path = typeof attr === 'string' ? [attr] : attr;
  return (environment) => {
    let value = subject(environment);
    for (const [index, name] of path.entries()) {
      const where = { name, entities: environment.entities };
      if (!hasAttribute(value, where)) return false;
      if (index < path.length - 1) value = getAttribute(value, where);
    }
    return true;
  };
}

function isType(compile: Compile, operand: unknown): Evaluate {
  const { left, entity_type: type, in: above } = operand as { left: unknown; entity_type: string; in?: unknown };
  const subject = compile(left);
  if (above === undefined) return (environment) => toEntity(subject(environment)).type === type;
  const compiledAbove = compile(above);
  return (environment) => {
    const value = subject(environment);
    if (toEntity(value).type !== type) return false;
    return isIn(value, { right: compiledAbove(environment), entities: environment.entities });
  };
}

function ifThenElse(compile: Compile, operand: unknown): Evaluate {
  const parts = operand as { if: unknown; then: unknown; else: unknown };
  const [test, yes, no] = [compile(parts.if), compile(parts.then), compile(parts.else)];
  return (environment) => (toBool(test(environment)) ? yes(environment) : no(environment));
}

function tag(compile: Compile, run: (tags: ReadonlyMap<string, Value> | undefined, name: string) => Value) {
  return binary(compile, (left, right, { entities }) => {
    const ref = toEntity(left);
    return run(entities.get(ref)?.tags, toText(right));
  });
}

function getTag(tags: ReadonlyMap<string, Value> | undefined, name: string): Value {
  const value = tags?.get(name);
  if (value === undefined) throw new EvaluationError(`entity does not exist or has no tag \`${name}\``);
  return value;
}

function both(compile: Compile, stop: boolean) {
  return (operand: unknown): Evaluate => {
    const { left, right } = operand as Binary;
    const [compiledLeft, compiledRight] = [compile(left), compile(right)];
    return (environment) => (toBool(compiledLeft(environment)) === stop ? stop : toBool(compiledRight(environment)));
  };
}

function operators(compile: Compile, names: EntityNames): Readonly<Record<string, (operand: unknown) => Evaluate>> {
  return {
    Value: (json) => constant(() => literal(json, names)),
    Var: (name) => variables[String(name)] ?? constant(() => unknownOperator(`variable ${String(name)}`)),
    '!': unary(compile, (value) => !toBool(value)),
    neg: unary(compile, (value) => negate(toLong(value))),
    '==': binary(compile, equal),
    '!=': binary(compile, (left, right) => !equal(left, right)),
    '<': binary(compile, (left, right) => compare(left, right) < 0),
    '<=': binary(compile, (left, right) => compare(left, right) <= 0),
    '>': binary(compile, (left, right) => compare(left, right) > 0),
    '>=': binary(compile, (left, right) => compare(left, right) >= 0),
    '+': binary(compile, (left, right) => add(toLong(left), toLong(right))),
    '-': binary(compile, (left, right) => subtract(toLong(left), toLong(right))),
    '*': binary(compile, (left, right) => multiply(toLong(left), toLong(right))),
    '&&': both(compile, false),
    '||': both(compile, true),
    in: binary(compile, (left, right, { entities }) => isIn(left, { right, entities })),
    contains: binary(compile, (left, right) => toSet(left).has(right)),
    containsAll: binary(compile, (left, right) => toSet(left).hasAll(toSet(right))),
    containsAny: binary(compile, (left, right) => toSet(left).hasAny(toSet(right))),
    isEmpty: unary(compile, (value) => toSet(value).size === 0),
    hasTag: tag(compile, (tags, name) => tags?.has(name) ?? false),
    getTag: tag(compile, getTag),
    '.': (operand) => {
      const { left, attr: name } = operand as { left: unknown; attr: string };
      const subject = compile(left);
      return (environment) => getAttribute(subject(environment), { name, entities: environment.entities });
    },
    has: (operand) => has(compile, operand),
    is: (operand) => isType(compile, operand),
    like: (operand) => {
      const { left, pattern } = operand as { left: unknown; pattern: readonly PatternPart[] };
      const subject = compile(left);
      const matches = compilePattern(pattern);
      return (environment) => matches(toText(subject(environment)));
    },
    'if-then-else': (operand) => ifThenElse(compile, operand),
    Set: (items) => {
      const compiled = (items as readonly unknown[]).map(compile);
      return (environment) => new CedarSet(compiled.map((item) => item(environment)));
    },
    Record: (entries) => {
      const compiled = Object.entries(entries as object).map(([name, item]) => [name, compile(item)] as const);
      return (environment) => new Map(compiled.map(([name, item]) => [name, item(environment)]));
    },
  };
}

function unknownOperator(what: string): never {
  throw new EvaluationError(`\`${what}\` cannot be evaluated`);
}

function extensionCall(name: string, { operand, compile }: { operand: unknown; compile: Compile }): Evaluate {
  const found = extensionFunction(name);
  const args = Array.isArray(operand) ? operand.map(compile) : [];
  const [first, second] = args;
  if (found === undefined || first === undefined || args.length !== found.arity) {
    return () => unknownOperator(name);
  }
  // Nearly all calls are constructors with a literal: made once.
  const literals = (operand as Expression[]).map((argument) => argument['Value']);
  if (found.arity === 1 && typeof literals[0] === 'string')
    return constant(() => callExtension(name, [String(literals[0])]));
  return (environment) => {
    const value = first(environment);
    return found.call(value, second === undefined ? value : second(environment));
  };
}

/** Makes a compiler of expressions whose entity literals are named in `names`. */
export function expressionCompiler(names: EntityNames): (expression: unknown) => Evaluate {
  const compile: Compile = (expression) => {
    const entry = Object.entries(expression as Expression)[0];
    if (entry === undefined) return () => unknownOperator('{}');
    const [operator, operand] = entry;
    const known = Object.hasOwn(table, operator) ? table[operator] : undefined;
    return known === undefined ? extensionCall(operator, { operand, compile }) : known(operand);
  };
  const table = operators(compile, names);
  return compile;
}
