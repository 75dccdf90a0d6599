import { Datetime, Duration } from './datetime.ts';
import { Decimal } from './decimal.ts';
import type { EntityData, EntityRef as Ref } from './entity-ref.ts';
import { EntityRef } from './entity-ref.ts';
import { EvaluationError } from './evaluation-error.ts';
import { IpNet } from './ip-net.ts';
import { Row } from './row.ts';

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

/** What has attributes: a record, or an entity as it stands. */
export interface Attributes {
  /** null: it has none. */
  readonly shape: RecordShape | null;
  at(place: number): Value | undefined;
}

/** A record: values by place; undefined where an optional attribute is absent. */
export class CedarRecord extends Row<Value> {
  readonly shape: RecordShape;

  constructor(shape: RecordShape, values: readonly (Value | undefined)[]) {
    super(values);
    this.shape = shape;
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
  // The right one first, without a look at the other: it is mostly a constant, and an entity from afar is memory to fetch.
  if (typeof b !== 'object' || b instanceof EntityRef) return false;
  if (typeof a !== 'object' || a instanceof EntityRef) return false;
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

/** A text that two values share exactly when Cedar's `==` says that they are equal. */
export function valueKey(value: Value): string {
  if (typeof value === 'string') return `s${JSON.stringify(value)}`;
  if (typeof value === 'boolean') return `b${value}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `l${BigInt(value)}`;
  if (value instanceof EntityRef) return `e${JSON.stringify([value.type, value.id])}`;
  if (value instanceof CedarSet) return `[${[...new Set([...value].map(valueKey))].sort().join()}]`;
  if (value instanceof Datetime) return `t${BigInt(value.ms)}`;
  if (value instanceof Duration) return `p${BigInt(value.ms)}`;
  if (value instanceof Decimal) return `d${value.scaled}`;
  if (value instanceof IpNet) return `i${value.bits} ${value.address} ${value.prefix}`;
  return `{${[...value]
    .map(([name, item]) => `${JSON.stringify(name)}:${valueKey(item)}`)
    .sort()
    .join()}}`;
}
