import { Datetime, Duration, parseDatetime, parseDuration } from './datetime.ts';
import { Decimal, parseDecimal } from './decimal.ts';
import { EvaluationError } from './evaluation-error.ts';
import { IpNet, parseIpNet } from './ip-net.ts';
import { typeError, type Value } from './value.ts';

/** An extension function or method; the first argument of a method is its object. */
export interface ExtensionFunction {
  readonly arity: 1 | 2;
  call(first: Value, second: Value): Value;
}

type Class<T> = abstract new (...input: never[]) => T;

function ofType<T>(type: Class<T>, value: Value, name: string): T {
  if (value instanceof type) return value;
  throw typeError(name, value);
}

function constructorOf(parse: (text: string) => Value): ExtensionFunction {
  return {
    arity: 1,
    call: (text) => {
      if (typeof text !== 'string') throw typeError('string', text);
      return parse(text);
    },
  };
}

function method<T>(type: Class<T>, name: string, run: (self: T) => Value): ExtensionFunction {
  return { arity: 1, call: (self) => run(ofType(type, self, name)) };
}

function method2<T, U>(
  first: readonly [Class<T>, string],
  second: readonly [Class<U>, string],
  run: (self: T, other: U) => Value,
): ExtensionFunction {
  return {
    arity: 2,
    call: (self, other) => run(ofType(first[0], self, first[1]), ofType(second[0], other, second[1])),
  };
}

const ip = [IpNet, 'ipaddr'] as const;
const decimal = [Decimal, 'decimal'] as const;
const datetime = [Datetime, 'datetime'] as const;
const duration = [Duration, 'duration'] as const;

const functions: ReadonlyMap<string, ExtensionFunction> = new Map([
  ['ip', constructorOf(parseIpNet)],
  ['isIpv4', method(...ip, (self) => self.bits === 32)],
  ['isIpv6', method(...ip, (self) => self.bits === 128)],
  ['isLoopback', method(...ip, (self) => self.isLoopback())],
  ['isMulticast', method(...ip, (self) => self.isMulticast())],
  ['isInRange', method2(ip, ip, (self, range) => self.isInRange(range))],
  ['decimal', constructorOf(parseDecimal)],
  ['lessThan', method2(decimal, decimal, (a, b) => a.scaled < b.scaled)],
  ['lessThanOrEqual', method2(decimal, decimal, (a, b) => a.scaled <= b.scaled)],
  ['greaterThan', method2(decimal, decimal, (a, b) => a.scaled > b.scaled)],
  ['greaterThanOrEqual', method2(decimal, decimal, (a, b) => a.scaled >= b.scaled)],
  ['datetime', constructorOf(parseDatetime)],
  ['offset', method2(datetime, duration, (self, by) => self.offset(by))],
  ['durationSince', method2(datetime, datetime, (self, other) => self.durationSince(other))],
  ['toDate', method(...datetime, (self) => self.toDate())],
  ['toTime', method(...datetime, (self) => self.toTime())],
  ['duration', constructorOf(parseDuration)],
  ['toMilliseconds', method(...duration, (self) => self.ms)],
  ['toSeconds', method(...duration, (self) => self.to(1000))],
  ['toMinutes', method(...duration, (self) => self.to(60_000))],
  ['toHours', method(...duration, (self) => self.to(3_600_000))],
  ['toDays', method(...duration, (self) => self.to(86_400_000))],
]);

/** Calls an extension function on values. Throws EvaluationError for unknown names, wrong counts and wrong types. */
export function callExtension(name: string, args: readonly Value[]): Value {
  const found = functions.get(name);
  const [first, second] = args;
  if (found === undefined || first === undefined || args.length !== found.arity) {
    throw new EvaluationError(`no extension function \`${name}\` takes ${args.length} arguments`);
  }
  return found.call(first, second ?? first);
}

export function extensionFunction(name: string): ExtensionFunction | undefined {
  return functions.get(name);
}
