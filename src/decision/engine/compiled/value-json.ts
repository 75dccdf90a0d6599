import type { EntityJson } from '../decision-request.ts';
import type { LosslessJson } from '../lossless-json.ts';
import { Datetime, Duration } from './datetime.ts';
import { Decimal } from './decimal.ts';
import type { EntityData } from './entity-ref.ts';
import { IpNet } from './ip-net.ts';
import { CedarSet, EntityRef, type Value } from './value.ts';

const call = (fn: string, arg: string): LosslessJson => ({ __extn: { fn, arg } });

function decimalText({ scaled }: Decimal): string {
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(5, '0');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

/** The longest run of two or more zero groups may be written `::`; Cedar reads the full form as well. */
function ipText({ bits, address, prefix }: IpNet): string {
  const size = bits === 32 ? 8n : 16n;
  const parts = Array.from({ length: bits / Number(size) }, (_, index) =>
    Number((BigInt(address) >> (BigInt(bits) - size * BigInt(index + 1))) & ((1n << size) - 1n)),
  );
  const host = bits === 32 ? parts.join('.') : parts.map((part) => part.toString(16)).join(':');
  return prefix === bits ? host : `${host}/${prefix}`;
}

/** First and last millisecond that `datetime("…Z")` can write. */
const [timeMin, timeMax] = [-62_167_219_200_000, 253_402_300_799_999];

function datetimeJson({ ms }: Datetime): LosslessJson {
  if (typeof ms === 'number' && ms >= timeMin && ms <= timeMax) return call('datetime', new Date(ms).toISOString());
  return { __extn: { fn: 'offset', args: [call('datetime', '1970-01-01'), call('duration', `${ms}ms`)] } };
}

/** Writes a value in Cedar's JSON (https://docs.cedarpolicy.com/auth/entities-syntax.html), so that people and programs can read it. */
export function valueJson(value: Value): LosslessJson {
  if (typeof value !== 'object') return value;
  if (value instanceof EntityRef) return { __entity: { type: value.type, id: value.id } };
  if (value instanceof CedarSet) return [...value].map(valueJson);
  if (value instanceof Datetime) return datetimeJson(value);
  if (value instanceof Duration) return call('duration', `${value.ms}ms`);
  if (value instanceof Decimal) return call('decimal', decimalText(value));
  if (value instanceof IpNet) return call('ip', ipText(value));
  return Object.fromEntries([...value].map(([name, item]) => [name, valueJson(item)]));
}

/** Writes an entity in Cedar's JSON. */
export function entityJson({ type, id }: EntityRef, { attrs, tags, parents }: EntityData): EntityJson {
  const json = {
    uid: { type, id },
    attrs: valueJson(attrs) as EntityJson['attrs'],
    parents: parents.map((parent) => ({ type: parent.type, id: parent.id })),
  };
  if (tags.size === 0) return json;
  return { ...json, tags: Object.fromEntries([...tags].map(([name, tag]) => [name, valueJson(tag)])) };
}
