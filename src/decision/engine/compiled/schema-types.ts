import { EngineError } from '../engine-error.ts';
import type { LosslessJson } from '../lossless-json.ts';
import type { SchemaJson } from '../policy-set.ts';
import type { NamespaceJson, TypeJson } from '../schema-json.ts';
import { Datetime, Duration } from './datetime.ts';
import { Decimal } from './decimal.ts';
import type { NameSource } from './entity-store.ts';
import { EvaluationError } from './evaluation-error.ts';
import { callExtension, extensionFunction } from './extension-functions.ts';
import { IpNet } from './ip-net.ts';
import { longMax, longMin } from './long.ts';
import { CedarRecord, CedarSet, type EntityRef, RecordShape, type Value } from './value.ts';

/** Turns Cedar JSON into a value of one type, and refuses what is not of it. Throws EngineError `invalid-request`. */
export type Convert = (json: LosslessJson, names: NameSource) => Value;

/** Like `Convert` for a record: all its attributes, and no others. */
export type ConvertRecord = (json: LosslessJson, names: NameSource) => CedarRecord;

export interface EntityTypeRules {
  /** For enumerated types: the only ids there are. */
  readonly ids: ReadonlySet<string> | null;
  readonly convertAttrs: ConvertRecord;
  /** The same, attribute by attribute. */
  readonly attributes: ReadonlyMap<string, Convert>;
  /** null: the type has no tags. */
  readonly convertTag: Convert | null;
  /** Types that may stand above it, at any level. */
  readonly ancestorTypes: ReadonlySet<string>;
}

export interface ActionRules {
  readonly type: string;
  readonly id: string;
  readonly principalTypes: ReadonlySet<string>;
  readonly resourceTypes: ReadonlySet<string>;
  readonly convertContext: ConvertRecord;
  /** The same, attribute by attribute. */
  readonly contextAttributes: ReadonlyMap<string, Convert>;
  readonly parents: readonly { readonly type: string; readonly id: string }[];
}

export interface SchemaRules {
  readonly entityTypes: ReadonlyMap<string, EntityTypeRules>;
  readonly actions: readonly ActionRules[];
}

export function invalid(message: string): EngineError {
  return new EngineError({ code: 'invalid-request', message });
}

type JsonObject = { readonly [name: string]: LosslessJson };

function isObject(json: LosslessJson | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Reads `{type, id}` or `{__entity: {type, id}}`. */
export function readUid(json: LosslessJson | undefined): { type: string; id: string } {
  const inner = isObject(json) && isObject(json['__entity']) ? json['__entity'] : json;
  if (isObject(inner) && typeof inner['type'] === 'string' && typeof inner['id'] === 'string') {
    if (inner['id'].isWellFormed()) return { type: inner['type'], id: inner['id'] };
  }
  throw invalid('expected an entity');
}

function longOf(json: LosslessJson): Value {
  if (typeof json === 'number' && Number.isSafeInteger(json)) return json === 0 ? 0 : json;
  if (typeof json === 'bigint' && json >= longMin && json <= longMax) {
    const number = Number(json);
    return Number.isSafeInteger(number) ? number : json;
  }
  // Whoever read the JSON may have rounded it already.
  if (typeof json === 'number' && Number.isInteger(json))
    throw invalid(
      `expected an integer from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}, which JSON keeps exactly`,
    );
  throw invalid('expected a 64-bit integer');
}

function textOf(json: LosslessJson, names: NameSource): Value {
  // A lone surrogate cannot be written in UTF-8, so Cedar could not have been asked with it.
  if (typeof json === 'string' && json.isWellFormed()) return names.text(json);
  throw invalid('expected a string');
}

function boolOf(json: LosslessJson): Value {
  if (typeof json === 'boolean') return json;
  throw invalid('expected a boolean');
}

const extensions: Readonly<Record<string, readonly [maker: string, type: abstract new (...input: never[]) => Value]>> =
  {
    ipaddr: ['ip', IpNet],
    decimal: ['decimal', Decimal],
    datetime: ['datetime', Datetime],
    duration: ['duration', Duration],
  };

function extensionValue(json: LosslessJson, maker: string): Value {
  const inner = isObject(json) && isObject(json['__extn']) ? json['__extn'] : json;
  if (typeof inner === 'string') return callExtension(maker, [inner]);
  if (!isObject(inner) || typeof inner['fn'] !== 'string') throw invalid(`expected a call of \`${maker}\``);
  const args = inner['args'] ?? [inner['arg'] ?? null];
  if (!Array.isArray(args)) throw invalid(`expected a call of \`${maker}\``);
  return callExtension(
    inner['fn'],
    args.map((arg) => (typeof arg === 'string' ? arg : extensionValue(arg, maker))),
  );
}

function extension(name: string): Convert | undefined {
  const found = Object.hasOwn(extensions, name) ? extensions[name] : undefined;
  if (found === undefined) return undefined;
  const [maker, type] = found;
  const make = extensionFunction(maker);
  // All requests of one second have the same time, and those of one client the same address.
  let last: { readonly text: string; readonly value: Value } | undefined;
  const read = (json: LosslessJson): Value => {
    const call = isObject(json) ? json['__extn'] : undefined;
    try {
      const text = isObject(call) && call['fn'] === maker ? call['arg'] : undefined;
      if (make === undefined || typeof text !== 'string') {
        const value = extensionValue(json, maker);
        if (value instanceof type) return value;
      } else if (last?.text === text) {
        return last.value;
      } else {
        const value = make.call(text, text);
        if (value instanceof type) {
          last = { text, value };
          return value;
        }
      }
    } catch (error) {
      if (error instanceof EvaluationError) throw invalid(error.message);
      throw error;
    }
    throw invalid(`expected a value of type \`${name}\``);
  };
  return read;
}

const emptyRecord: TypeJson = { type: 'Record', attributes: {} };

/** After so many records in turn that had not been converted before, one of as many is asked whether it was. */
const askedMax = 16;

class TypeCompiler {
  readonly #common: ReadonlyMap<string, TypeJson>;
  readonly #enums: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(common: ReadonlyMap<string, TypeJson>, enums: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#common = common;
    this.#enums = enums;
  }

  #resolve(type: TypeJson): TypeJson {
    let resolved = type;
    for (let common = this.#common.get(type.type); common !== undefined; common = this.#common.get(resolved.type)) {
      resolved = common;
    }
    return resolved;
  }

  convert(type: TypeJson): Convert {
    const resolved = this.#resolve(type);
    const name = resolved.type === 'Extension' ? (resolved.name ?? '') : resolved.type.replace(/^__cedar::/, '');
    switch (name) {
      case 'Long':
        return longOf;
      case 'String':
        return textOf;
      case 'Bool':
      case 'Boolean':
        return boolOf;
      case 'Record':
        return this.record(resolved);
      case 'Entity':
        return this.#entity(resolved.name ?? '');
      case 'Set': {
        const element = this.convert(resolved.element ?? emptyRecord);
        return (json, names) => {
          if (!Array.isArray(json)) throw invalid('expected a set');
          return new CedarSet(json.map((item) => element(item, names)));
        };
      }
      default: {
        const found = extension(name);
        if (found === undefined) throw new EngineError({ code: 'schema-syntax', message: `unknown type \`${name}\`` });
        return found;
      }
    }
  }

  #entity(type: string): Convert {
    const ids = this.#enums.get(type);
    return (json, names): EntityRef => {
      const uid = readUid(json);
      if (uid.type !== type) throw invalid(`expected an entity of type \`${type}\``);
      if (ids !== undefined && !ids.has(uid.id)) throw invalid(`\`${uid.id}\` is no \`${type}\``);
      return names.ref(uid.type, uid.id);
    };
  }

  /** Do values of this type name entities? These are not the same values in every request. */
  #namesEntities(type: TypeJson): boolean {
    const resolved = this.#resolve(type);
    if (resolved.type === 'Entity') return true;
    if (resolved.element !== undefined && this.#namesEntities(resolved.element)) return true;
    return Object.values(resolved.attributes ?? {}).some((attribute) => this.#namesEntities(attribute));
  }

  attributes(type: TypeJson): ReadonlyMap<string, Convert> {
    const attributes = Object.entries(this.#resolve(type).attributes ?? {});
    return new Map(attributes.map(([name, attribute]) => [name, this.convert(attribute)]));
  }

  record(type: TypeJson): ConvertRecord {
    const attributes = Object.entries(this.#resolve(type).attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    const reader = new RecordReader(
      attributes.map(([name, attribute]) => ({
        name,
        convert: this.convert(attribute),
        isRequired: attribute.required !== false,
      })),
    );
    if (this.#namesEntities(type)) return (json, names) => reader.read(json, names);
    // Frozen records, which callers give again and again, are converted once.
    const converted = new WeakMap<JsonObject, CedarRecord>();
    let freshInTurn = 0;
    return (json, names) => {
      if (!isObject(json)) return reader.read(json, names);
      // Asking whether a record is one of them costs half of reading it: after many that were not, few are asked.
      freshInTurn = freshInTurn === askedMax * 2 ? askedMax : freshInTurn + 1;
      if (freshInTurn > askedMax) return reader.read(json, names);
      // What is in there was frozen when it went in.
      const known = converted.get(json);
      const record = known ?? reader.read(json, names);
      if (known !== undefined || Object.isFrozen(json)) {
        if (known === undefined) converted.set(json, record);
        freshInTurn = 0;
      }
      return record;
    };
  }
}

interface AttributeRule {
  readonly name: string;
  readonly convert: Convert;
  readonly isRequired: boolean;
}

const isOwn = Object.prototype.hasOwnProperty;

/** Reads records of one type: all attributes that are required, and none that the type does not have. */
class RecordReader {
  readonly #rules: readonly AttributeRule[];
  readonly #shape: RecordShape;
  readonly #requiredCount: number;
  /** As many values as there are rules. */
  readonly #blank: readonly (Value | undefined)[];
  /** Slots by the order of keys that came last: callers build their records alike. */
  #lastKeys: readonly string[] = [];
  #lastSlots: readonly number[] = [];

  constructor(rules: readonly AttributeRule[]) {
    this.#rules = rules;
    this.#shape = new RecordShape(rules.map(({ name }) => name));
    this.#blank = rules.map(() => undefined);
    this.#requiredCount = rules.filter(({ isRequired }) => isRequired).length;
  }

  read(json: LosslessJson, names: NameSource): CedarRecord {
    if (!isObject(json)) throw invalid('expected a record');
    // Filled as it is read: an array for the values would cost as much as reading them.
    const record = new CedarRecord(this.#shape, this.#blank);
    let seenCount = 0;
    let index = 0;
    // The one loop that the runtime turns into reading places.
    for (const name in json) {
      // What an object inherits is none of its attributes. Asked like this, it costs nothing in such a loop.
      if (!isOwn.call(json, name)) continue;
      const slot = this.#slotOf(name, { index, json });
      const rule = this.#rules[slot];
      const item = json[name];
      if (rule === undefined || item === undefined) throw invalid(`attribute \`${name}\` does not exist`);
      record.put(slot, rule.convert(item, names));
      if (rule.isRequired) seenCount += 1;
      index += 1;
    }
    if (seenCount !== this.#requiredCount) {
      const missing = this.#rules.find(({ isRequired }, slot) => isRequired && record.at(slot) === undefined);
      throw invalid(`attribute \`${missing?.name}\` is missing`);
    }
    return record;
  }

  #slotOf(name: string, { index, json }: { index: number; json: JsonObject }): number {
    if (this.#lastKeys[index] === name) return this.#lastSlots[index] ?? -1;
    const keys = Object.keys(json);
    this.#lastKeys = keys;
    this.#lastSlots = keys.map((key) => this.#shape.slot(key));
    return keys[index] === name ? (this.#lastSlots[index] ?? -1) : -1;
  }
}

const qualify = (namespace: string, name: string) => (namespace === '' ? name : `${namespace}::${name}`);

/** Every type above each, over any number of levels. */
function closure(parents: ReadonlyMap<string, readonly string[]>): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>();
  for (const [type, direct] of parents) {
    const above = new Set(direct);
    for (const parent of above) for (const next of parents.get(parent) ?? []) above.add(next);
    all.set(type, above);
  }
  return all;
}

/** Reads a schema (Cedar's JSON schema format, names resolved) into rules that convert and validate. Throws EngineError `schema-syntax`. */
export function schemaRules(schema: SchemaJson): SchemaRules {
  const namespaces = Object.entries(schema as Readonly<Record<string, NamespaceJson>>);
  const common = new Map<string, TypeJson>();
  const enums = new Map<string, ReadonlySet<string>>();
  const parents = new Map<string, readonly string[]>();
  for (const [namespace, { commonTypes, entityTypes }] of namespaces) {
    for (const [name, type] of Object.entries(commonTypes ?? {})) common.set(qualify(namespace, name), type);
    for (const [name, type] of Object.entries(entityTypes)) {
      parents.set(qualify(namespace, name), type.memberOfTypes ?? []);
      if (type.enum !== undefined) enums.set(qualify(namespace, name), new Set(type.enum));
    }
  }
  const types = new TypeCompiler(common, enums);
  const ancestors = closure(parents);
  const entityTypes = new Map<string, EntityTypeRules>();
  const actions: ActionRules[] = [];
  for (const [namespace, declared] of namespaces) {
    for (const [name, type] of Object.entries(declared.entityTypes)) {
      const qualified = qualify(namespace, name);
      entityTypes.set(qualified, {
        ids: enums.get(qualified) ?? null,
        convertAttrs: types.record(type.shape ?? emptyRecord),
        attributes: types.attributes(type.shape ?? emptyRecord),
        convertTag: type.tags === undefined ? null : types.convert(type.tags),
        ancestorTypes: ancestors.get(qualified) ?? new Set(),
      });
    }
    const type = qualify(namespace, 'Action');
    for (const [id, { appliesTo, memberOf }] of Object.entries(declared.actions)) {
      actions.push({
        type,
        id,
        principalTypes: new Set(appliesTo?.principalTypes),
        resourceTypes: new Set(appliesTo?.resourceTypes),
        convertContext: types.record(appliesTo?.context ?? emptyRecord),
        contextAttributes: types.attributes(appliesTo?.context ?? emptyRecord),
        parents: (memberOf ?? []).map((parent) => ({ type: parent.type ?? type, id: parent.id })),
      });
    }
  }
  return { entityTypes, actions };
}
