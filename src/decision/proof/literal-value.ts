import { callExtension, Datetime, Decimal, Duration, EvaluationError, IpNet } from '#decision/engine';
import type { Terms } from './meaning.ts';
import type { SymbolicValue } from './symbolic-value.ts';
import { addressSort, prefixSort } from './term.ts';
import { listedSet } from './value-operations.ts';

/** Reads a literal of Cedar's JSON policy format. Returns undefined for one that is an error when evaluated, such as `ip("1.2")`. */
export function literalValue(json: unknown, terms: Terms): SymbolicValue | undefined {
  if (typeof json === 'boolean') return { kind: 'bool', term: terms.bool(json) };
  if (typeof json === 'string') return { kind: 'string', term: terms.text(json) };
  if (typeof json === 'number' || typeof json === 'bigint') return { kind: 'long', term: terms.int(BigInt(json)) };
  if (Array.isArray(json)) {
    const items = json.map((item) => literalValue(item, terms)).filter((item) => item !== undefined);
    return items.length === json.length ? { kind: 'set', set: listedSet(items, terms) } : undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  if ('__entity' in json) {
    const { type, id } = json.__entity as { type: string; id: string };
    return { kind: 'entity', type, term: terms.entity(type, id) };
  }
  if ('__extn' in json) return extensionLiteral(json.__extn as { fn: string; arg: string }, terms);
  const attributes = new Map<string, { present: ReturnType<Terms['bool']>; value: () => SymbolicValue }>();
  for (const [name, item] of Object.entries(json)) {
    const value = literalValue(item, terms);
    if (value === undefined) return undefined;
    attributes.set(name, { present: terms.true, value: () => value });
  }
  return { kind: 'record', attributes };
}

function extensionLiteral({ fn, arg }: { fn: string; arg: string }, terms: Terms): SymbolicValue | undefined {
  try {
    const value = callExtension(fn, [arg]);
    if (value instanceof Decimal) return { kind: 'decimal', term: terms.int(value.scaled) };
    if (value instanceof Datetime) return { kind: 'datetime', term: terms.int(BigInt(value.ms)) };
    if (value instanceof Duration) return { kind: 'duration', term: terms.int(BigInt(value.ms)) };
    if (value instanceof IpNet) {
      return {
        kind: 'ipaddr',
        v6: terms.bool(value.bits === 128),
        address: terms.bits(BigInt(value.address), addressSort),
        prefix: terms.bits(BigInt(value.prefix), prefixSort),
      };
    }
    return undefined;
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
}
