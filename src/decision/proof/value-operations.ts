import type { CedarType } from './cedar-type.ts';
import type { Claim, Element, Term, Terms } from './meaning.ts';
import {
  freshElement,
  fromElement,
  type SymbolicAttribute,
  type SymbolicRecord,
  type SymbolicSet,
  type SymbolicValue,
  sameType,
  toElement,
  typeOfElement,
  Unencodable,
} from './symbolic-value.ts';
import { boolSort } from './term.ts';

/** Cedar's `==`: values of different types differ. */
export function equalValues(a: SymbolicValue, b: SymbolicValue, terms: Terms): Term {
  if (a.kind === 'none' || b.kind === 'none') return terms.false;
  if (a.kind === 'record') return b.kind === 'record' ? equalRecords(a, b, terms) : terms.false;
  if (a.kind === 'set') {
    return b.kind === 'set' ? terms.and(isSubset(a.set, b.set, terms), isSubset(b.set, a.set, terms)) : terms.false;
  }
  if (b.kind === 'record' || b.kind === 'set' || !sameType(typeOfElement(a), typeOfElement(b))) return terms.false;
  const right = toElement(b);
  return terms.and(...toElement(a).map((part, index) => terms.eq(part, right[index] ?? part)));
}

function equalRecords(a: SymbolicRecord, b: SymbolicRecord, terms: Terms): Term {
  const names = new Set([...a.attributes.keys(), ...b.attributes.keys()]);
  const equal = [...names].map((name) => {
    const [left, right] = [a.attributes.get(name), b.attributes.get(name)];
    if (left === undefined || right === undefined) return terms.not((left ?? right)?.present ?? terms.false);
    const values = terms.or(terms.not(left.present), equalValues(left.value(), right.value(), terms));
    return terms.and(terms.eq(left.present, right.present), values);
  });
  return terms.and(...equal);
}

/** Is this value in the set? */
export function contains(set: SymbolicSet, value: SymbolicValue, terms: Terms): Term {
  if (set.listed !== null) return terms.or(...set.listed.map((item) => equalValues(item, value, terms)));
  if (set.element === null || value.kind === 'none') return terms.false;
  if (value.kind === 'set' || value.kind === 'record') {
    if (set.element.kind !== value.kind) return terms.false;
    throw new Unencodable(`a set of ${value.kind}s`);
  }
  return sameType(set.element, typeOfElement(value)) ? set.has(toElement(value)) : terms.false;
}

/** A set written out. Throws Unencodable for elements of several types: no strict schema admits them. */
export function listedSet(listed: readonly SymbolicValue[], terms: Terms): SymbolicSet {
  const [first] = listed;
  const isSimple = listed.every(({ kind }) => kind !== 'set' && kind !== 'record' && kind !== 'none');
  if (!isSimple || first === undefined) {
    const has = () => {
      throw new Unencodable('a set of sets or records');
    };
    return {
      key: `[${listed.length}]`,
      element: null,
      has: first === undefined ? () => terms.false : has,
      listed,
      named: [],
    };
  }
  const element = typeOfElement(first);
  if (!listed.every((item) => sameType(typeOfElement(item), element)))
    throw new Unencodable('a set of different types');
  const has = (items: Element) => {
    const wanted = fromElement(element, items);
    return terms.or(...listed.map((item) => equalValues(item, wanted, terms)));
  };
  const named = listed.map(toElement);
  return { key: `[${named.flat().map(({ id }) => id)}]`, element, has, listed, named };
}

/** Does any possible element have this property? `key` names property and sets. */
export function someElement(
  element: CedarType,
  { key, named, of, terms }: { key: string; named: readonly Element[]; of: Claim['of']; terms: Terms },
): Term {
  const claim: Claim = { element, of, named, witness: freshElement(element, { key, terms }) };
  // What cannot be said about elements shall show here, not when the question is put to the solver.
  of(claim.witness);
  return terms.apply(
    terms.symbol(`some ${key}`, () => ({ parameters: [], sort: boolSort, meaning: { kind: 'some', claim } })),
  );
}

const differ = (a: SymbolicSet, b: SymbolicSet) =>
  a.element !== null && b.element !== null && !sameType(a.element, b.element);

/** Is each element of `a` in `b`? */
export function isSubset(a: SymbolicSet, b: SymbolicSet, terms: Terms): Term {
  if (a.listed !== null) return terms.and(...a.listed.map((item) => contains(b, item, terms)));
  if (a.element === null) return terms.true;
  if (differ(a, b)) return terms.not(isNotEmpty(a, terms));
  const of = (element: Element) => terms.and(a.has(element), terms.not(b.has(element)));
  return terms.not(
    someElement(a.element, { key: `${a.key} less ${b.key}`, named: [...a.named, ...b.named], of, terms }),
  );
}

/** Is some element of `a` in `b`? */
export function overlaps(a: SymbolicSet, b: SymbolicSet, terms: Terms): Term {
  if (a.listed !== null) return terms.or(...a.listed.map((item) => contains(b, item, terms)));
  if (b.listed !== null) return terms.or(...b.listed.map((item) => contains(a, item, terms)));
  if (a.element === null || differ(a, b)) return terms.false;
  const of = (element: Element) => terms.and(a.has(element), b.has(element));
  return someElement(a.element, { key: `${a.key} and ${b.key}`, named: [...a.named, ...b.named], of, terms });
}

export function isNotEmpty(set: SymbolicSet, terms: Terms): Term {
  if (set.listed !== null) return terms.bool(set.listed.length > 0);
  if (set.element === null) return terms.false;
  return someElement(set.element, { key: `any of ${set.key}`, named: set.named, of: set.has, terms });
}

/** One value or the other. Throws Unencodable when their types differ. */
export function chooseValue(
  test: Term,
  { yes, no, terms }: { yes: SymbolicValue; no: SymbolicValue; terms: Terms },
): SymbolicValue {
  if (test.op === 'bool') return test.value ? yes : no;
  if (yes.kind === 'none') return no;
  if (no.kind === 'none') return yes;
  if (yes.kind === 'record' && no.kind === 'record') return chooseRecord(test, { yes, no, terms });
  if (yes.kind === 'set' && no.kind === 'set')
    return { kind: 'set', set: chooseSet(test, { yes: yes.set, no: no.set, terms }) };
  if (yes.kind !== no.kind || !sameType(typeOfElement(yes), typeOfElement(no)))
    throw new Unencodable('an `if` whose branches have different types');
  const other = toElement(no);
  const parts = toElement(yes).map((part, index) => terms.ite(test, part, other[index] ?? part));
  return fromElement(typeOfElement(yes), parts);
}

function chooseRecord(
  test: Term,
  { yes, no, terms }: { yes: SymbolicRecord; no: SymbolicRecord; terms: Terms },
): SymbolicRecord {
  const attributes = new Map<string, SymbolicAttribute>();
  for (const name of new Set([...yes.attributes.keys(), ...no.attributes.keys()])) {
    const [left, right] = [yes.attributes.get(name), no.attributes.get(name)];
    attributes.set(name, {
      present: terms.ite(test, left?.present ?? terms.false, right?.present ?? terms.false),
      value: () =>
        chooseValue(test, { yes: left?.value() ?? { kind: 'none' }, no: right?.value() ?? { kind: 'none' }, terms }),
    });
  }
  return { kind: 'record', attributes };
}

function chooseSet(test: Term, { yes, no, terms }: { yes: SymbolicSet; no: SymbolicSet; terms: Terms }): SymbolicSet {
  if (differ(yes, no)) throw new Unencodable('an `if` whose branches have different types');
  return {
    key: `(${test.id} ? ${yes.key} : ${no.key})`,
    element: yes.element ?? no.element,
    has: (element) => terms.ite(test, yes.has(element), no.has(element)),
    listed: null,
    named: [...yes.named, ...no.named],
  };
}
