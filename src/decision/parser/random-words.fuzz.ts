// Dice from a seed, and the types, names and values that random schemas are made of.
import type { LosslessJson } from '#decision/engine';

export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below `count` (mulberry32). */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  some<T>(items: readonly T[], percent = 50): T[] {
    return items.filter(() => this.chance(percent));
  }

  times<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}

export const extensionNames = ['ipaddr', 'decimal', 'datetime', 'duration'] as const;
export type Type =
  | { readonly type: 'Long' | 'String' | 'Boolean' }
  | { readonly type: 'Extension'; readonly name: (typeof extensionNames)[number] }
  | { readonly type: 'Entity'; readonly name: string }
  | { readonly type: 'Set'; readonly element: Type }
  | RecordType;
export interface RecordType {
  readonly type: 'Record';
  readonly attributes: { readonly [name: string]: Type & { readonly required?: boolean } };
}

export const bool: Type = { type: 'Boolean' };
export const long: Type = { type: 'Long' };
export const text: Type = { type: 'String' };
export const extension = (name: (typeof extensionNames)[number]): Type => ({ type: 'Extension', name });
export const sameType = (a: Type, b: Type) => JSON.stringify(bare(a)) === JSON.stringify(bare(b));
function bare(type: Type): unknown {
  if (type.type === 'Record')
    return Object.entries(type.attributes).map(([name, inner]) => [name, inner.required !== false, bare(inner)]);
  if (type.type === 'Set') return ['Set', bare(type.element)];
  return [type.type, 'name' in type ? type.name : ''];
}

export const attributeNames = ['a', 'b', 'c d', 'constructor', 'ü'];
export const ids = ['0', '1', '"\\'];
export const longs: readonly LosslessJson[] = [
  ...[0, 1, 2, 3, -1, -7, 60, 1000, 86_400_000, 3_037_000_500, 9_007_199_254_740_991],
  ...[9_007_199_254_740_993n, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n],
];
export const texts = ['', 'a', 'ab', 'aab', 'a*b', 'é"\\', 'ba', 'constructor'];
export const patterns: readonly (readonly unknown[])[] = [
  ['Wildcard'],
  [{ Literal: 'a' }, 'Wildcard'],
  ['Wildcard', { Literal: 'b' }],
  [{ Literal: 'a' }, 'Wildcard', { Literal: 'b' }],
  ['Wildcard', { Literal: 'a' }, 'Wildcard', { Literal: 'a' }, 'Wildcard'],
  [{ Literal: 'a' }, { Literal: '*' }, { Literal: 'b' }],
  [],
];
export const extensionTexts: Readonly<Record<string, readonly string[]>> = {
  ipaddr: [
    '10.0.0.1',
    '10.0.0.0/8',
    '127.0.0.1/8',
    '224.0.0.1',
    '0.0.0.0/0',
    '255.255.255.255',
    '::1',
    'ff00::/8',
    'fe80::1/64',
    '::/0',
  ],
  decimal: ['0.0', '1.5', '-1.5', '-0.0001', '922337203685477.5807', '12.3400'],
  datetime: [
    '2024-02-29',
    '1970-01-01T00:00:00Z',
    '1969-12-31T23:59:59.999Z',
    '2024-01-01T12:00:00.500+0530',
    '9999-12-31',
  ],
  duration: ['1d', '-1h30m', '0ms', '1d2h3m4s5ms', '-1ms', '106751991167d'],
};
export const makers: Readonly<Record<string, string>> = {
  ipaddr: 'ip',
  decimal: 'decimal',
  datetime: 'datetime',
  duration: 'duration',
};
export const wrongTexts = ['1.2.3', '01.2.3.4', '1.00000', '2023-02-29', '1s1m', '', '107000000000d'];
