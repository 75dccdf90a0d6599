import type { Datetime, Duration } from './datetime.ts';
import type { Decimal } from './decimal.ts';
import type { EntityData, EntityRef as Ref } from './entity-ref.ts';
import { EntityRef } from './entity-ref.ts';
import type { IpNet } from './ip-net.ts';
import { valueKey } from './value-json.ts';

export type { EntityData };
export { EntityRef };

/** A Cedar value. Longs are numbers where a double holds them exactly, else bigints; never the other way round. */
export type Value =
  | boolean
  | number
  | bigint
  | string
  | Ref
  | CedarSet
  | CedarRecord
  | IpNet
  | Decimal
  | Datetime
  | Duration;

/** Why one policy could not be evaluated. Not an `Error`: it is an ordinary outcome, and taking stacks costs more than deciding. */
export class EvaluationError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** The attributes that records of one kind may have, each with its place. */
export class RecordShape {
  readonly names: readonly string[];
  readonly #slots: ReadonlyMap<string, number>;

  constructor(names: readonly string[]) {
    this.names = names;
    this.#slots = new Map(names.map((name, slot) => [name, slot]));
  }

  /** -1: records of this shape never have it. */
  slot(name: string): number {
    return this.#slots.get(name) ?? -1;
  }
}

/** So many values stand in the record itself. */
const inlineCount = 6;

/** A record: values by place; undefined where an optional attribute is absent. */
export class CedarRecord {
  readonly shape: RecordShape;
  // In the record and not in an array: with many entities, time is spent on fetching memory.
  readonly #v0: Value | undefined;
  readonly #v1: Value | undefined;
  readonly #v2: Value | undefined;
  readonly #v3: Value | undefined;
  readonly #v4: Value | undefined;
  readonly #v5: Value | undefined;
  /** All of them, when they are more. */
  readonly #all: readonly (Value | undefined)[] | null;

  constructor(shape: RecordShape, values: readonly (Value | undefined)[]) {
    this.shape = shape;
    const count = values.length;
    this.#v0 = count > 0 ? values[0] : undefined;
    this.#v1 = count > 1 ? values[1] : undefined;
    this.#v2 = count > 2 ? values[2] : undefined;
    this.#v3 = count > 3 ? values[3] : undefined;
    this.#v4 = count > 4 ? values[4] : undefined;
    this.#v5 = count > 5 ? values[5] : undefined;
    this.#all = count > inlineCount ? values : null;
  }

  /** By its place; undefined for places that the shape does not have. */
  at(slot: number): Value | undefined {
    switch (slot) {
      case 0:
        return this.#v0;
      case 1:
        return this.#v1;
      case 2:
        return this.#v2;
      case 3:
        return this.#v3;
      case 4:
        return this.#v4;
      case 5:
        return this.#v5;
      default:
        return this.#all?.[slot];
    }
  }

  get(name: string): Value | undefined {
    return this.at(this.shape.slot(name));
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *[Symbol.iterator](): Generator<readonly [string, Value]> {
    for (const [slot, name] of this.shape.names.entries()) {
      const value = this.at(slot);
      if (value !== undefined) yield [name, value];
    }
  }

  equals(other: CedarRecord): boolean {
    let surplus = 0;
    for (const _ of other) surplus += 1;
    for (const [name, value] of this) {
      const found = other.get(name);
      if (found === undefined || !equal(value, found)) return false;
      surplus -= 1;
    }
    return surplus === 0;
  }
}

/** Makes a record of named values. */
export function recordOf(entries: readonly (readonly [string, Value])[]): CedarRecord {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return new CedarRecord(
    new RecordShape(sorted.map(([name]) => name)),
    sorted.map(([, value]) => value),
  );
}

/** Values that are equal exactly when they are `Object.is` to each other. */
function isSimple(value: Value): boolean {
  return typeof value !== 'object' || value instanceof EntityRef;
}

/** Up to this many members are searched from end to end, which costs less than hashing, in time and in memory. */
const scannedMax = 8;

/** A set without repetition. */
export class CedarSet {
  readonly #simple: readonly Value[];
  /** null: there are few. */
  readonly #simpleSet: ReadonlySet<Value> | null;
  /** By key: comparing each with each would cost the square of what a caller sends. null: there are none. */
  readonly #compound: ReadonlyMap<string, Value> | null;
  /** The first member that is no entity; `in` takes only entities. */
  readonly stranger: Value | undefined;

  constructor(items: Iterable<Value>) {
    const simple = new Set<Value>();
    let compound: Map<string, Value> | null = null;
    let stranger: Value | undefined;
    for (const item of items) {
      if (!(item instanceof EntityRef)) stranger ??= item;
      if (isSimple(item)) simple.add(item);
      else {
        compound ??= new Map();
        compound.set(valueKey(item), item);
      }
    }
    this.#simple = [...simple];
    this.#simpleSet = simple.size > scannedMax ? simple : null;
    this.#compound = compound;
    this.stranger = stranger;
  }

  get size(): number {
    return this.#simple.length + (this.#compound?.size ?? 0);
  }

  has(value: Value): boolean {
    if (!isSimple(value)) return this.#compound?.has(valueKey(value)) ?? false;
    return this.#simpleSet === null ? this.#simple.includes(value) : this.#simpleSet.has(value);
  }

  hasAll(other: CedarSet): boolean {
    for (const item of other.#simple) if (!this.has(item)) return false;
    for (const key of other.#compound?.keys() ?? []) if (this.#compound?.has(key) !== true) return false;
    return true;
  }

  hasAny(other: CedarSet): boolean {
    for (const item of other.#simple) if (this.has(item)) return true;
    for (const key of other.#compound?.keys() ?? []) if (this.#compound?.has(key) === true) return true;
    return false;
  }

  *[Symbol.iterator](): Generator<Value> {
    yield* this.#simple;
    if (this.#compound !== null) yield* this.#compound.values();
  }
}

/** Cedar's `==`: any two values can be compared, values of different types differ. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof EntityRef || b instanceof EntityRef) return false;
  if (a instanceof CedarSet) return b instanceof CedarSet && a.size === b.size && a.hasAll(b);
  if (a instanceof CedarRecord) return b instanceof CedarRecord && a.equals(b);
  return 'typeName' in a && a.equals(b);
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
      return 'typeName' in value ? value.typeName : 'record';
  }
}

export function typeError(expected: string, found: Value): EvaluationError {
  return new EvaluationError(`type error: expected ${expected}, got ${typeOf(found)}`);
}
