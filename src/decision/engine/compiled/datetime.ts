import { EvaluationError } from './evaluation-error.ts';
import { add, divide, type Long, remainder, subtract, toLong } from './long.ts';

const dayMs = 86_400_000;

/** Cedar's `duration`: milliseconds. */
export class Duration {
  readonly typeName = 'duration';
  readonly ms: Long;

  constructor(ms: Long) {
    this.ms = ms;
  }

  equals(other: unknown): boolean {
    return other instanceof Duration && other.ms === this.ms;
  }

  /** How many whole units of `unitMs` it holds, cut towards zero. */
  to(unitMs: number): Long {
    return divide(this.ms, unitMs);
  }
}

/** Cedar's `datetime`: milliseconds since the Unix epoch. */
export class Datetime {
  readonly typeName = 'datetime';
  readonly ms: Long;

  constructor(ms: Long) {
    this.ms = ms;
  }

  equals(other: unknown): boolean {
    return other instanceof Datetime && other.ms === this.ms;
  }

  offset(by: Duration): Datetime {
    return new Datetime(add(this.ms, by.ms));
  }

  durationSince(other: Datetime): Duration {
    return new Duration(subtract(this.ms, other.ms));
  }

  toDate(): Datetime {
    return new Datetime(subtract(this.ms, remainder(this.ms, dayMs)));
  }

  toTime(): Duration {
    return new Duration(remainder(this.ms, dayMs));
  }
}

const datetimeShape =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2})))?$/;

/** Reads a date or a date with time and offset. Throws EvaluationError for anything else, such as 30 February. */
export function parseDatetime(text: string): Datetime {
  const match = datetimeShape.exec(text);
  const wrong = new EvaluationError(`\`${text}\` is not a datetime`);
  if (match === null) throw wrong;
  const field = (index: number) => Number(match[index] ?? 0);
  const [year, month, day] = [field(1), field(2), field(3)];
  const [hour, minute, second, milli] = [field(4), field(5), field(6), field(7)];
  const [offsetHour, offsetMinute] = [field(9), field(10)];
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) throw wrong;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw wrong;
  const local = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + milli;
  const offsetMs = (offsetHour * 60 + offsetMinute) * 60_000;
  return new Datetime(match[8] === '-' ? local + offsetMs : local - offsetMs);
}

const durationShape = /^(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/;
const unitsMs = [86_400_000n, 3_600_000n, 60_000n, 1000n, 1n];

/** Reads `1d2h3m4s5ms`, any parts of it in that order, with an optional minus before it. Throws EvaluationError for anything else. */
export function parseDuration(text: string): Duration {
  const match = durationShape.exec(text);
  if (match === null || text === '' || text === '-') throw new EvaluationError(`\`${text}\` is not a duration`);
  const size = unitsMs.reduce((sum, unit, index) => sum + unit * BigInt(match[index + 2] ?? 0), 0n);
  return new Duration(toLong(match[1] === '-' ? -size : size, 'read a duration'));
}
