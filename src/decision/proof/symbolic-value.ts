import type { CedarType, IntegerKind, RecordType } from './cedar-type.ts';
import type { Element, FreeSymbol, Meaning, Part, Place, Term, Terms } from './meaning.ts';
import { addressSort, boolSort, entitySort, intSort, prefixSort, type Sort, textSort } from './term.ts';

/** A Cedar value that depends on the request and the store. `none`: there is no value, because it is an error to ask for one. */
export type SymbolicValue =
  | { readonly kind: 'bool' | 'string' | IntegerKind; readonly term: Term }
  | { readonly kind: 'entity'; readonly type: string; readonly term: Term }
  | { readonly kind: 'ipaddr'; readonly v6: Term; readonly address: Term; readonly prefix: Term }
  | { readonly kind: 'set'; readonly set: SymbolicSet }
  | SymbolicRecord
  | { readonly kind: 'none' };

export interface SymbolicRecord {
  readonly kind: 'record';
  readonly attributes: ReadonlyMap<string, SymbolicAttribute>;
}

export interface SymbolicAttribute {
  readonly present: Term;
  readonly value: () => SymbolicValue;
}

export interface SymbolicSet {
  /** The same for the same set of the same store. */
  readonly key: string;
  /** null: the empty set, whatever of. */
  readonly element: CedarType | null;
  readonly has: (element: Element) => Term;
  /** Its elements, when they are written out; else null. */
  readonly listed: readonly SymbolicValue[] | null;
  /** Elements that are written out somewhere in it. */
  readonly named: readonly Element[];
}

/** What cannot be put to the solver exactly; caught where a truth value is wanted. */
export class Unencodable extends Error {
  override readonly name = 'Unencodable';
  readonly construct: string;

  constructor(construct: string) {
    super(construct);
    this.construct = construct;
  }
}

const partsOf = (type: CedarType): readonly Part[] =>
  type.kind === 'ipaddr' ? ['v6', 'address', 'prefix'] : ['value'];

function sortOf(type: CedarType, part: Part): Sort {
  if (part === 'present' || part === 'member' || part === 'v6') return boolSort;
  if (part === 'address') return addressSort;
  if (part === 'prefix') return prefixSort;
  if (type.kind === 'entity') return entitySort(type.name);
  if (type.kind === 'bool') return boolSort;
  if (type.kind === 'string') return textSort;
  return intSort;
}

/** Sorts of an element of a set. Throws Unencodable for sets of sets and of records. */
export function elementSorts(element: CedarType): Sort[] {
  if (element.kind === 'set' || element.kind === 'record') throw new Unencodable(`a set of ${element.kind}s`);
  return partsOf(element).map((part) => sortOf(element, part));
}

export const sameType = (a: CedarType, b: CedarType): boolean =>
  a.kind === b.kind && (a.kind !== 'entity' || b.kind !== 'entity' || a.name === b.name);

/** A value of a simple type from its parts. */
export function fromElement(type: CedarType, element: Element): SymbolicValue {
  const [first, second, third] = element;
  if (first === undefined) throw new Error('an element has at least one part');
  if (type.kind === 'ipaddr' && second !== undefined && third !== undefined)
    return { kind: 'ipaddr', v6: first, address: second, prefix: third };
  if (type.kind === 'entity') return { kind: 'entity', type: type.name, term: first };
  if (type.kind === 'set' || type.kind === 'record' || type.kind === 'ipaddr')
    throw new Unencodable(`a set of ${type.kind}s`);
  return { kind: type.kind, term: first };
}

/** The parts of a value of a simple type. Throws Unencodable for sets and records. */
export function toElement(value: SymbolicValue): Element {
  if (value.kind === 'ipaddr') return [value.v6, value.address, value.prefix];
  if (value.kind === 'set' || value.kind === 'record' || value.kind === 'none')
    throw new Unencodable(`a set of ${value.kind}s`);
  return [value.term];
}

/** The static type of a simple value. */
export function typeOfElement(value: SymbolicValue): CedarType {
  if (value.kind === 'entity') return { kind: 'entity', name: value.type };
  if (value.kind === 'set' || value.kind === 'record' || value.kind === 'none')
    throw new Unencodable(`a set of ${value.kind}s`);
  return { kind: value.kind };
}

/** Makes the value at a place of the request or the store, as free as its type allows. `owners`: the entity, and the key of a tag. */
export function valueAt(
  place: Place,
  { type, owners, terms }: { type: CedarType; owners: readonly Term[]; terms: Terms },
): SymbolicValue {
  const sorts = owners.map(({ sort }) => sort);
  const symbol = (part: Part, parameters: readonly Sort[]): FreeSymbol =>
    terms.symbol(`${part} ${JSON.stringify(place)}`, () => {
      const family = () => ({
        v6: symbol('v6', sorts),
        address: symbol('address', sorts),
        prefix: symbol('prefix', sorts),
      });
      const leaf = { kind: 'leaf', place, part, type } as const;
      const meaning: Meaning = type.kind === 'ipaddr' ? { ...leaf, family } : leaf;
      return { parameters, sort: sortOf(type, part), meaning };
    });
  if (type.kind === 'record') return recordAt(place, { type, owners, terms });
  if (type.kind === 'set') {
    const { element } = type;
    const has = (items: Element): Term =>
      terms.apply(symbol('member', [...sorts, ...elementSorts(element)]), [...owners, ...items]);
    const key = `${JSON.stringify(place)} ${owners.map(({ id }) => id).join(' ')}`;
    return { kind: 'set', set: { key, element, has, listed: null, named: [] } };
  }
  return fromElement(
    type,
    partsOf(type).map((part) => terms.apply(symbol(part, sorts), owners)),
  );
}

function recordAt(
  place: Place,
  { type, owners, terms }: { type: RecordType; owners: readonly Term[]; terms: Terms },
): SymbolicRecord {
  const attributes = new Map<string, SymbolicAttribute>();
  for (const [name, attribute] of type.attributes) {
    const inner: Place = { ...place, path: [...place.path, name] };
    const present = attribute.isRequired
      ? terms.true
      : terms.apply(
          terms.symbol(`present ${JSON.stringify(inner)}`, () => ({
            parameters: owners.map(({ sort }) => sort),
            sort: boolSort,
            meaning: { kind: 'leaf', place: inner, part: 'present', type: attribute.type },
          })),
          owners,
        );
    attributes.set(name, { present, value: () => valueAt(inner, { type: attribute.type, owners, terms }) });
  }
  return { kind: 'record', attributes };
}

/** A value nobody has spoken of yet, for a witness. */
export function freshElement(type: CedarType, { key, terms }: { key: string; terms: Terms }): Element {
  elementSorts(type);
  const symbol = (part: Part): FreeSymbol =>
    terms.symbol(`witness ${part} ${key}`, () => {
      const family = () => ({ v6: symbol('v6'), address: symbol('address'), prefix: symbol('prefix') });
      const witness = { kind: 'witness', type, part } as const;
      const meaning: Meaning = type.kind === 'ipaddr' ? { ...witness, family } : witness;
      return { parameters: [], sort: sortOf(type, part), meaning };
    });
  return partsOf(type).map((part) => terms.apply(symbol(part)));
}
