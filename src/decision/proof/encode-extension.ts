import { outOfRange } from './integer-range.ts';
import type { Term, Terms } from './meaning.ts';
import { type SymbolicValue, Unencodable } from './symbolic-value.ts';
import { addressSort, prefixSort } from './term.ts';

interface Extended {
  readonly value: SymbolicValue;
  readonly error: Term;
}

type Address = Extract<SymbolicValue, { kind: 'ipaddr' }>;
const dayMs = 86_400_000n;

/** Calls a method of an extension type. Wrong types and unknown names are errors, as in Cedar. Throws Unencodable. */
export function encodeExtension(
  name: string,
  { values, terms }: { values: readonly SymbolicValue[]; terms: Terms },
): Extended {
  const [self, other] = values;
  const failed: Extended = { value: { kind: 'none' }, error: terms.true };
  const bool = (term: Term): Extended => ({ value: { kind: 'bool', term }, error: terms.false });
  if (['ip', 'decimal', 'datetime', 'duration'].includes(name))
    throw new Unencodable(`\`${name}\` of something that is no literal`);
  if (self?.kind === 'ipaddr') return addressMethod(name, { self, other, terms });
  if (self?.kind === 'decimal' && other?.kind === 'decimal') {
    const [a, b] = [self.term, other.term];
    if (name === 'lessThan') return bool(terms.compare('<', a, b));
    if (name === 'lessThanOrEqual') return bool(terms.compare('<=', a, b));
    if (name === 'greaterThan') return bool(terms.compare('<', b, a));
    if (name === 'greaterThanOrEqual') return bool(terms.compare('<=', b, a));
  }
  if (self?.kind === 'datetime') return datetimeMethod(name, { self: self.term, other, terms });
  if (self?.kind === 'duration' && values.length === 1) {
    const unitMs = Object.hasOwn(unitsMs, name) ? unitsMs[name] : undefined;
    if (unitMs !== undefined)
      return { value: { kind: 'long', term: quotient(self.term, unitMs, terms) }, error: terms.false };
  }
  return failed;
}

const unitsMs: Readonly<Record<string, bigint>> = {
  toMilliseconds: 1n,
  toSeconds: 1000n,
  toMinutes: 60_000n,
  toHours: 3_600_000n,
  toDays: dayMs,
};

/** Division that cuts towards zero. */
function quotient(term: Term, divisor: bigint, terms: Terms): Term {
  if (divisor === 1n) return term;
  const zero = terms.int(0n);
  const negated = terms.divide('div', terms.arithmetic('-', zero, term), divisor);
  return terms.ite(
    terms.compare('<', term, zero),
    terms.arithmetic('-', zero, negated),
    terms.divide('div', term, divisor),
  );
}

function datetimeMethod(
  name: string,
  { self, other, terms }: { self: Term; other: SymbolicValue | undefined; terms: Terms },
): Extended {
  const inRange = (kind: 'datetime' | 'duration', term: Term): Extended => ({
    value: { kind, term },
    error: outOfRange(term, terms),
  });
  if (name === 'offset' && other?.kind === 'duration')
    return inRange('datetime', terms.arithmetic('+', self, other.term));
  if (name === 'durationSince' && other?.kind === 'datetime') {
    return inRange('duration', terms.arithmetic('-', self, other.term));
  }
  const time = terms.divide('mod', self, dayMs);
  if (name === 'toTime' && other === undefined) return inRange('duration', time);
  if (name === 'toDate' && other === undefined) return inRange('datetime', terms.arithmetic('-', self, time));
  return { value: { kind: 'none' }, error: terms.true };
}

function addressMethod(
  name: string,
  { self, other, terms }: { self: Address; other: SymbolicValue | undefined; terms: Terms },
): Extended {
  const { v6, address, prefix } = self;
  const bool = (term: Term): Extended => ({ value: { kind: 'bool', term }, error: terms.false });
  const length = (bits: number) => terms.bits(BigInt(bits), prefixSort);
  /** Does it lie in this block of this family? */
  const within = (width: 32 | 128, block: { bits: number; value: bigint }) =>
    terms.and(
      terms.eq(v6, terms.bool(width === 128)),
      terms.prefixAtMost(length(block.bits), prefix),
      terms.eq(
        terms.shiftAddress(address, { width, prefix: length(block.bits) }),
        terms.bits(block.value, addressSort),
      ),
    );
  if (name === 'isInRange' && other?.kind === 'ipaddr') {
    const inWidth = (width: 32 | 128) => {
      const shifted = (which: Term) => terms.shiftAddress(which, { width, prefix: other.prefix });
      return terms.eq(shifted(address), shifted(other.address));
    };
    const matches = terms.ite(other.v6, inWidth(128), inWidth(32));
    return bool(terms.and(terms.eq(v6, other.v6), terms.prefixAtMost(other.prefix, prefix), matches));
  }
  if (other !== undefined) return { value: { kind: 'none' }, error: terms.true };
  if (name === 'isIpv4') return bool(terms.not(v6));
  if (name === 'isIpv6') return bool(v6);
  if (name === 'isLoopback') {
    return bool(terms.or(within(32, { bits: 8, value: 127n }), within(128, { bits: 128, value: 1n })));
  }
  if (name === 'isMulticast') {
    return bool(terms.or(within(32, { bits: 4, value: 0xen }), within(128, { bits: 8, value: 0xffn })));
  }
  return { value: { kind: 'none' }, error: terms.true };
}
