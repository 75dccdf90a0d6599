import type { Term, Terms } from './meaning.ts';

const longMin = -(2n ** 63n);
const longMax = 2n ** 63n - 1n;

/** Is this integer none of the 64-bit ones? */
export function outOfRange(term: Term, terms: Terms): Term {
  return terms.or(terms.compare('<', term, terms.int(longMin)), terms.compare('<', terms.int(longMax), term));
}
