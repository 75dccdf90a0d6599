import { EvaluationError } from './evaluation-error.ts';

/** A 64-bit signed integer: a number where a double is exact, else a bigint. */
export type Long = number | bigint;

export const longMin = -(2n ** 63n);
export const longMax = 2n ** 63n - 1n;

/** Gives the canonical form of an exact integer. Throws EvaluationError when it has more than 64 bits. */
export function toLong(exact: bigint, operation: string): Long {
  if (exact < longMin || exact > longMax) {
    throw new EvaluationError(`integer overflow while attempting to ${operation}`);
  }
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

export function add(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return toLong(BigInt(a) + BigInt(b), 'add');
}

export function subtract(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return toLong(BigInt(a) - BigInt(b), 'subtract');
}

export function multiply(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    // A double that is a safe integer is the exact product; minus zero is none of Cedar's numbers.
    if (Number.isSafeInteger(product)) return product === 0 ? 0 : product;
  }
  return toLong(BigInt(a) * BigInt(b), 'multiply');
}

export function negate(a: Long): Long {
  return subtract(0, a);
}

/** Division that cuts towards zero, by a positive divisor. */
export function divide(a: Long, divisor: number): Long {
  if (typeof a === 'number') return Math.trunc(a / divisor) || 0;
  return toLong(a / BigInt(divisor), 'divide');
}

/** The remainder that is never negative, by a positive divisor. */
export function remainder(a: Long, divisor: number): number {
  if (typeof a === 'number') return ((a % divisor) + divisor) % divisor;
  const wide = BigInt(divisor);
  return Number(((a % wide) + wide) % wide);
}
