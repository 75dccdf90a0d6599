import type { Datetime, Duration } from './datetime.ts';
import type { Decimal } from './decimal.ts';
import type { IpNet } from './ip-net.ts';

/**
 * An entity by its identity. Made only by an `EntityNames`, which gives the same object for the same type and id: two refs of
 * one table are the same entity exactly when they are the same object.
 */
export class EntityRef {
  readonly type: string;
  readonly id: string;

  constructor(type: string, id: string) {
    this.type = type;
    this.id = id;
  }
}

/** A Cedar value. Longs are numbers where a double holds them exactly, else bigints; never the other way round. */
export type Value =
  | boolean
  | number
  | bigint
  | string
  | EntityRef
  | CedarSet
  | CedarRecord
  | IpNet
  | Decimal
  | Datetime
  | Duration;

export type CedarRecord = ReadonlyMap<string, Value>;

/** Why one policy could not be evaluated. Not an `Error`: it is an ordinary outcome, and taking stacks costs more than deciding. */
export class EvaluationError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Values that are equal exactly when they are `Object.is` to each other. */
function isSimple(value: Value): boolean {
  return typeof value !== 'object' || value instanceof EntityRef;
}

/** A set without repetition. */
export class CedarSet {
  readonly #simple = new Set<Value>();
  readonly #compound: Value[] = [];

  constructor(items: Iterable<Value>) {
    for (const item of items) {
      if (isSimple(item)) this.#simple.add(item);
      else if (!this.has(item)) this.#compound.push(item);
    }
  }

  get size(): number {
    return this.#simple.size + this.#compound.length;
  }

  has(value: Value): boolean {
    return isSimple(value) ? this.#simple.has(value) : this.#compound.some((item) => equal(item, value));
  }

  hasAll(other: CedarSet): boolean {
    for (const item of other) if (!this.has(item)) return false;
    return true;
  }

  hasAny(other: CedarSet): boolean {
    for (const item of other) if (this.has(item)) return true;
    return false;
  }

  *[Symbol.iterator](): Generator<Value> {
    yield* this.#simple;
    yield* this.#compound;
  }
}

/** Cedar's `==`: any two values can be compared, values of different types differ. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof EntityRef || b instanceof EntityRef) return false;
  if (a instanceof CedarSet) return b instanceof CedarSet && a.size === b.size && a.hasAll(b);
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    for (const [name, value] of a as CedarRecord) {
      const other = (b as CedarRecord).get(name);
      if (other === undefined || !equal(value, other)) return false;
    }
    return true;
  }
  return 'equals' in a && a.equals(b);
}

/** The name of a value's type, for messages. */
export function typeOf(value: Value): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return 'long';
    case 'string':
      return 'string';
    default:
      if (value instanceof EntityRef) return `(entity of type \`${value.type}\`)`;
      if (value instanceof CedarSet) return 'set';
      if (value instanceof Map) return 'record';
      return 'typeName' in value ? value.typeName : 'record';
  }
}

export function typeError(expected: string, found: Value): EvaluationError {
  return new EvaluationError(`type error: expected ${expected}, got ${typeOf(found)}`);
}
