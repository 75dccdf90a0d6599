import { EvaluationError } from './evaluation-error.ts';
import { longMax, longMin } from './long.ts';

const shape = /^(-?)([0-9]+)\.([0-9]{1,4})$/;

/** Cedar's `decimal`: at most four digits after the point, 64 bits in all. */
export class Decimal {
  readonly typeName = 'decimal';
  readonly scaled: bigint;

  constructor(scaled: bigint) {
    this.scaled = scaled;
  }

  equals(other: unknown): boolean {
    return other instanceof Decimal && other.scaled === this.scaled;
  }
}

/** Reads `12.5`. Throws EvaluationError for anything else. */
export function parseDecimal(text: string): Decimal {
  const match = shape.exec(text);
  if (match === null) throw new EvaluationError(`\`${text}\` is not a decimal`);
  const [, sign = '', whole = '', fraction = ''] = match;
  const size = BigInt(whole + fraction.padEnd(4, '0'));
  const scaled = sign === '-' ? -size : size;
  if (scaled < longMin || scaled > longMax) throw new EvaluationError(`\`${text}\` is too large for a decimal`);
  return new Decimal(scaled);
}
