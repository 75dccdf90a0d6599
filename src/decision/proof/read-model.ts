import type { DecisionRequest, EntityJson, LosslessJson } from '#decision/engine';
import type { EntityUid } from '#foundation/model';
import type { CedarType, EntityType, RecordType, SchemaModel } from './cedar-type.ts';
import type { RequestType } from './environments.ts';
import type { Part, Place, Term } from './meaning.ts';
import { SolverError, type SolverValue } from './read-answer.ts';
import { addressJson, datetimeJson, decimalJson, durationJson, longJson } from './write-value.ts';

type Json = { readonly [name: string]: LosslessJson };

/** What a value is when no policy asks: ordinary to the eye. */
const ordinary = {
  address: { v6: false, address: 0x0a000001n, prefix: 32n },
  addressV6: { v6: true, address: (0x20010db8n << 96n) | 1n, prefix: 128n },
  datetimeMs: 1_767_225_600_000n,
};

const placeKey = (place: Place, part: Part) => `${part} ${JSON.stringify(place)}`;
const keyOf = (values: readonly SolverValue[]) => JSON.stringify(values.map(String));

/** The solver's choice as tables: function, arguments, value. */
class Tables {
  readonly #values: ReadonlyMap<Term, SolverValue>;
  readonly leaves = new Map<string, Map<string, SolverValue>>();
  readonly members = new Map<string, Map<string, SolverValue[][]>>();
  readonly above: { lower: { type: string; value: SolverValue }; upper: { type: string; value: SolverValue } }[] = [];
  readonly tags: { type: string; entity: SolverValue; key: SolverValue }[] = [];
  /** Entities the store was asked for, and whether it has them. */
  readonly exists = new Map<string, { type: string; value: SolverValue; isThere: boolean }>();

  constructor(values: ReadonlyMap<Term, SolverValue>) {
    this.#values = values;
    for (const term of values.keys()) if (term.op === 'apply') this.#take(term);
  }

  of(term: Term): SolverValue {
    const value = this.#values.get(term);
    if (value === undefined) throw new SolverError('a value was not asked for');
    return value;
  }

  #take(term: Extract<Term, { op: 'apply' }>): void {
    const { meaning } = term.symbol;
    const value = this.of(term);
    const args = term.args.map((argument) => this.of(argument));
    const [first, second] = args;
    if (meaning.kind === 'leaf' && meaning.part === 'member') {
      const ownerCount = meaning.place.root === 'context' ? 0 : meaning.place.root === 'attribute' ? 1 : 2;
      const owners = keyOf(args.slice(0, ownerCount));
      const byOwner = this.members.get(placeKey(meaning.place, 'member')) ?? new Map<string, SolverValue[][]>();
      if (value === true) byOwner.set(owners, [...(byOwner.get(owners) ?? []), args.slice(ownerCount)]);
      this.members.set(placeKey(meaning.place, 'member'), byOwner);
    } else if (meaning.kind === 'leaf') {
      const key = placeKey(meaning.place, meaning.part);
      const byOwner = this.leaves.get(key) ?? new Map<string, SolverValue>();
      byOwner.set(keyOf(args), value);
      this.leaves.set(key, byOwner);
    } else if (meaning.kind === 'exists' && first !== undefined) {
      this.exists.set(keyOf([meaning.type, first]), { type: meaning.type, value: first, isThere: value === true });
    } else if (meaning.kind === 'above' && value === true && first !== undefined && second !== undefined) {
      this.above.push({ lower: { type: meaning.lower, value: first }, upper: { type: meaning.upper, value: second } });
    } else if (meaning.kind === 'has-tag' && value === true && first !== undefined && second !== undefined) {
      this.tags.push({ type: meaning.type, entity: first, key: second });
    }
  }
}

/** Gives names to what the solver told apart: the literals' own, and new ones for the rest. */
class Names {
  readonly #entities = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #texts: Map<SolverValue, string>;
  readonly #schema: SchemaModel;

  constructor(
    values: ReadonlyMap<Term, SolverValue>,
    { schema, words }: { schema: SchemaModel; words: ReadonlyMap<SolverValue, string> },
  ) {
    this.#schema = schema;
    this.#texts = new Map(words);
    for (const [term, value] of values) {
      if (term.op === 'text') this.#texts.set(value, term.value);
      if (term.op !== 'entity' || term.sort.name !== 'entity') continue;
      this.#entities.set(keyOf([term.sort.type, value]), term.value);
      this.#taken.add(keyOf([term.sort.type, term.value]));
    }
  }

  entity(type: string, value: SolverValue): EntityUid {
    const key = keyOf([type, value]);
    let id = this.#entities.get(key);
    if (id === undefined) {
      id = this.#fresh(type);
      this.#entities.set(key, id);
    }
    return { type, id };
  }

  /** An entity of which nothing is asked. */
  any(type: string): EntityUid {
    const [first] = this.#schema.entityTypes.get(type)?.ids ?? [];
    return first === undefined ? this.entity(type, 'any') : { type, id: first };
  }

  #fresh(type: string): string {
    const stem = (type.split('::').at(-1) ?? type).toLowerCase();
    let count = 1;
    while (this.#taken.has(keyOf([type, `${stem}-${count}`]))) count += 1;
    const id = `${stem}-${count}`;
    this.#taken.add(keyOf([type, id]));
    return id;
  }

  text(value: SolverValue): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const taken = new Set(this.#texts.values());
    let count = 1;
    while (taken.has(`text-${count}`)) count += 1;
    this.#texts.set(value, `text-${count}`);
    return `text-${count}`;
  }
}

interface Where {
  readonly place: Place;
  readonly owners: readonly SolverValue[];
}

class ModelReader {
  readonly #tables: Tables;
  readonly #names: Names;
  readonly #schema: SchemaModel;

  constructor(tables: Tables, { names, schema }: { names: Names; schema: SchemaModel }) {
    this.#tables = tables;
    this.#names = names;
    this.#schema = schema;
  }

  #leaf({ place, owners }: Where, part: Part): SolverValue | undefined {
    return this.#tables.leaves.get(placeKey(place, part))?.get(keyOf(owners));
  }

  value(type: CedarType, where: Where): LosslessJson {
    if (type.kind === 'record') return this.record(type, where);
    if (type.kind === 'set') {
      const items = this.#tables.members.get(placeKey(where.place, 'member'))?.get(keyOf(where.owners)) ?? [];
      const written = items.map((item) => this.#simple(type.element, item));
      return [...new Map(written.map((item) => [JSON.stringify(item, bigintAsText), item])).values()];
    }
    if (type.kind !== 'ipaddr') return this.#simple(type, [this.#leaf(where, 'value')]);
    return this.#simple(type, [this.#leaf(where, 'v6'), this.#leaf(where, 'address'), this.#leaf(where, 'prefix')]);
  }

  record(type: RecordType, { place, owners }: Where): Json {
    const entries: [string, LosslessJson][] = [];
    for (const [name, attribute] of type.attributes) {
      const where = { place: { ...place, path: [...place.path, name] }, owners };
      if (attribute.isRequired || this.#leaf(where, 'present') === true) {
        entries.push([name, this.value(attribute.type, where)]);
      }
    }
    return Object.fromEntries(entries);
  }

  #simple(type: CedarType, parts: readonly (SolverValue | undefined)[]): LosslessJson {
    const [value, address, prefix] = parts;
    switch (type.kind) {
      case 'bool':
        return value === true;
      case 'string':
        return value === undefined ? '' : this.#names.text(value);
      case 'long':
        return longJson(typeof value === 'bigint' ? value : 0n);
      case 'decimal':
        return decimalJson(typeof value === 'bigint' ? value : 0n);
      case 'duration':
        return durationJson(typeof value === 'bigint' ? value : 0n);
      case 'datetime':
        return datetimeJson(typeof value === 'bigint' ? value : ordinary.datetimeMs);
      case 'entity': {
        const { type: name, id } =
          value === undefined ? this.#names.any(type.name) : this.#names.entity(type.name, value);
        return { __entity: { type: name, id } };
      }
      case 'ipaddr': {
        if (typeof address !== 'bigint' || typeof prefix !== 'bigint')
          return addressJson(value === true ? ordinary.addressV6 : ordinary.address);
        return addressJson({ v6: value === true, address, prefix });
      }
      default:
        throw new SolverError(`a ${type.kind} inside a set`);
    }
  }

  entity(type: EntityType, value: SolverValue): EntityJson {
    const owners = [value];
    const parents = this.#tables.above
      .filter(({ lower }) => lower.type === type.name && lower.value === value)
      .map(({ upper }) => this.#names.entity(upper.type, upper.value));
    const tags = this.#tables.tags
      .filter((tag) => tag.type === type.name && tag.entity === value)
      .map(({ key }): [string, LosslessJson] => {
        const where = { place: { root: 'tag', type: type.name, path: [] }, owners: [value, key] } as const;
        return [this.#names.text(key), type.tags === null ? null : this.value(type.tags, where)];
      });
    return {
      uid: this.#names.entity(type.name, value),
      attrs: this.record(type.shape, { place: { root: 'attribute', type: type.name, path: [] }, owners }),
      parents: [...new Map(parents.map((uid) => [JSON.stringify(uid), uid])).values()],
      ...(tags.length === 0 ? {} : { tags: Object.fromEntries(tags) }),
    };
  }

  entities(mentioned: readonly { type: string; value: SolverValue }[]): EntityJson[] {
    const all = new Map<string, { type: string; value: SolverValue; isThere: boolean }>();
    // Nothing is asked of these, so they may as well be there: a reader expects them.
    for (const { type, value } of mentioned) all.set(keyOf([type, value]), { type, value, isThere: true });
    for (const [key, asked] of this.#tables.exists) all.set(key, asked);
    return [...all.values()].flatMap(({ type, value, isThere }) => {
      const declared = this.#schema.entityTypes.get(type);
      return !isThere || declared === undefined || declared.ids !== null ? [] : [this.entity(declared, value)];
    });
  }
}

const bigintAsText = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);

/**
 * Builds the request and the store that the solver's choice stands for. `values` are those of everything the question asked about;
 * the rest is ordinary. Throws SolverError.
 */
export function readModel(
  values: ReadonlyMap<Term, SolverValue>,
  { schema, request, words }: { schema: SchemaModel; request: RequestType; words: ReadonlyMap<SolverValue, string> },
): DecisionRequest {
  const tables = new Tables(values);
  const names = new Names(values, { schema, words });
  const reader = new ModelReader(tables, { names, schema });
  const chosen = (kind: 'principal' | 'resource' | 'action') =>
    [...values].find(([term]) => term.op === 'apply' && term.symbol.meaning.kind === kind)?.[1];
  const [principal, resource, action] = [chosen('principal'), chosen('resource'), chosen('action')];
  const participant = (type: string, value: SolverValue | undefined) =>
    value === undefined ? names.any(type) : names.entity(type, value);
  const [first] = request.actions;
  if (first === undefined) throw new SolverError('a type of request without an action');
  const mentioned = [
    { type: request.principal, value: principal ?? 'any' },
    { type: request.resource, value: resource ?? 'any' },
  ];
  return {
    principal: participant(request.principal, principal),
    resource: participant(request.resource, resource),
    action: action === undefined ? { type: first.type, id: first.id } : names.entity(first.type, action),
    context: reader.record(request.context, { place: { root: 'context', type: '', path: [] }, owners: [] }),
    entities: reader.entities(mentioned),
  };
}
