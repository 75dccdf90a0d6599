import { actionKey, type RecordType, type SchemaModel } from './cedar-type.ts';
import type { RequestType } from './environments.ts';
import type { Meaning, Term, Terms } from './meaning.ts';
import { fromElement, type SymbolicSet, type SymbolicValue, valueAt } from './symbolic-value.ts';
import { boolSort, entitySort, type Sort } from './term.ts';
import { contains, someElement } from './value-operations.ts';

/** The request and the store of one type of request, as terms. */
export interface StoreTerms {
  readonly principal: SymbolicValue;
  readonly action: SymbolicValue;
  readonly resource: SymbolicValue;
  readonly context: SymbolicValue;
}

function variable(terms: Terms, kind: 'principal' | 'action' | 'resource', type: string): SymbolicValue {
  const symbol = terms.symbol(kind, () => ({ parameters: [], sort: entitySort(type), meaning: { kind } }));
  return { kind: 'entity', type, term: terms.apply(symbol) };
}

/** Makes the variables of a request of a type. */
export function requestTerms(request: RequestType, terms: Terms): StoreTerms {
  const [only] = request.actions;
  const isOnly = request.actions.length === 1;
  const actionType = only?.type ?? 'Action';
  return {
    principal: variable(terms, 'principal', request.principal),
    resource: variable(terms, 'resource', request.resource),
    action:
      only !== undefined && isOnly
        ? { kind: 'entity', type: actionType, term: terms.entity(actionType, only.id) }
        : variable(terms, 'action', actionType),
    context: valueAt({ root: 'context', type: '', path: [] }, { type: request.context, owners: [], terms }),
  };
}

/** Questions about entities, as terms over any store that fits the schema. */
export class EntityTerms {
  readonly #terms: Terms;
  readonly #schema: SchemaModel;
  readonly #request: RequestType;

  constructor(terms: Terms, { schema, request }: { schema: SchemaModel; request: RequestType }) {
    this.#terms = terms;
    this.#schema = schema;
    this.#request = request;
  }

  #symbol(key: string, parameters: readonly Sort[], meaning: Meaning) {
    return this.#terms.symbol(key, () => ({ parameters, sort: boolSort, meaning }));
  }

  /** Does the store know this entity? */
  exists(type: string, entity: Term): Term {
    const symbol = this.#symbol(`exists ${type}`, [entity.sort], { kind: 'exists', type });
    return this.#terms.apply(symbol, [entity]);
  }

  /** An attribute: whether it can be read, and its value; undefined when the type has none of this name. */
  attribute(type: string, entity: Term, name: string): { present: Term; value: () => SymbolicValue } | undefined {
    const shape: RecordType | undefined = this.#schema.entityTypes.get(type)?.shape;
    const attributes: RecordType['attributes'] = new Map(
      [...(shape?.attributes ?? [])].filter(([key]) => key === name),
    );
    const place = { root: 'attribute', type, path: [] } as const;
    const owner = { type: { kind: 'record', attributes }, owners: [entity], terms: this.#terms } as const;
    const record = valueAt(place, owner);
    const found = record.kind === 'record' ? record.attributes.get(name) : undefined;
    if (found === undefined) return undefined;
    return { present: this.#terms.and(this.exists(type, entity), found.present), value: found.value };
  }

  hasTag(type: string, entity: Term, key: Term): Term {
    const tags = this.#schema.entityTypes.get(type)?.tags ?? null;
    if (tags === null) return this.#terms.false;
    const symbol = this.#symbol(`has-tag ${type}`, [entity.sort, key.sort], { kind: 'has-tag', type });
    return this.#terms.and(this.exists(type, entity), this.#terms.apply(symbol, [entity, key]));
  }

  tag(type: string, entity: Term, key: Term): SymbolicValue {
    const tags = this.#schema.entityTypes.get(type)?.tags ?? null;
    if (tags === null) return { kind: 'none' };
    return valueAt({ root: 'tag', type, path: [] }, { type: tags, owners: [entity, key], terms: this.#terms });
  }

  /** Cedar's `in` for two entities. */
  isIn(lower: { type: string; term: Term }, upper: { type: string; term: Term }): Term {
    const terms = this.#terms;
    const isSame = lower.type === upper.type ? terms.eq(lower.term, upper.term) : terms.false;
    const above = this.#schema.entityTypes.get(lower.type)?.ancestors;
    if (above === undefined) return terms.or(isSame, this.#actionIn(lower, upper));
    return above.has(upper.type) ? terms.or(isSame, this.strictlyAbove(lower, upper)) : isSame;
  }

  /** Does the upper one stand above the lower one, over any number of levels? Their types must allow it. */
  strictlyAbove(lower: { type: string; term: Term }, upper: { type: string; term: Term }): Term {
    const meaning: Meaning = { kind: 'above', lower: lower.type, upper: upper.type };
    const symbol = this.#symbol(`above ${lower.type} ${upper.type}`, [lower.term.sort, upper.term.sort], meaning);
    return this.#terms.apply(symbol, [lower.term, upper.term]);
  }

  /** The schema says which actions stand in which. */
  #actionIn(lower: { type: string; term: Term }, upper: { type: string; term: Term }): Term {
    const terms = this.#terms;
    const isTheAction = lower.term.op === 'apply' && lower.term.symbol.meaning.kind === 'action';
    const lowers = isTheAction ? this.#request.actions : this.#schema.actions.filter(({ type }) => type === lower.type);
    const uppers = this.#schema.actions.filter(({ type }) => type === upper.type);
    const pairs = lowers.flatMap((low) =>
      uppers
        .filter((high) => high !== low && low.within.has(actionKey(high)))
        .map((high) =>
          terms.and(
            terms.eq(lower.term, terms.entity(low.type, low.id)),
            terms.eq(upper.term, terms.entity(high.type, high.id)),
          ),
        ),
    );
    const found = terms.or(...pairs);
    // Said of all actions there are, it is simply true.
    const isUpper = upper.term.op === 'entity' ? upper.term.value : undefined;
    const isAlways =
      isTheAction &&
      isUpper !== undefined &&
      lowers.every((low) => low.within.has(actionKey({ type: upper.type, id: isUpper })));
    return isAlways ? terms.true : found;
  }

  /** Cedar's `in` with a set on the right. */
  isInAny(lower: { type: string; term: Term }, set: SymbolicSet): Term {
    const terms = this.#terms;
    const within = (value: SymbolicValue) => (value.kind === 'entity' ? this.isIn(lower, value) : terms.false);
    if (set.listed !== null) return terms.or(...set.listed.map(within));
    const { element } = set;
    if (element === null || element.kind !== 'entity') return terms.false;
    const self: SymbolicValue = { kind: 'entity', type: lower.type, term: lower.term };
    const key = `above ${lower.term.id} in ${set.key}`;
    const above = someElement(element, {
      key,
      named: set.named,
      of: (items) => terms.and(set.has(items), within(fromElement(element, items))),
      terms,
    });
    return terms.or(contains(set, self, terms), above);
  }
}
