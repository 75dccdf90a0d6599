import type { LosslessJson } from '#decision/engine';

const dayMs = 86_400_000n;
/** The years a datetime literal can name. */
const [firstMs, lastMs] = [-62_167_219_200_000n, 253_402_300_799_999n];

const extension = (fn: string, arg: string): LosslessJson => ({ __extn: { fn, arg } });

/** A whole number as JSON that is not rounded. */
export function longJson(value: bigint): LosslessJson {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

export function decimalJson(scaled: bigint): LosslessJson {
  const size = scaled < 0n ? -scaled : scaled;
  const text = `${size / 10_000n}.${String(size % 10_000n).padStart(4, '0')}`;
  return extension('decimal', `${scaled < 0n ? '-' : ''}${text}`);
}

export function durationJson(ms: bigint): LosslessJson {
  const size = ms < 0n ? -ms : ms;
  const unit = (
    [
      [dayMs, 'd'],
      [3_600_000n, 'h'],
      [60_000n, 'm'],
      [1000n, 's'],
    ] as const
  ).find(([length]) => size !== 0n && size % length === 0n);
  const [length, name] = unit ?? [1n, 'ms'];
  return extension('duration', `${ms < 0n ? '-' : ''}${size / length}${name}`);
}

export function datetimeJson(ms: bigint): LosslessJson {
  if (ms >= firstMs && ms <= lastMs) return extension('datetime', new Date(Number(ms)).toISOString());
  const epoch = extension('datetime', '1970-01-01T00:00:00.000Z');
  return { __extn: { fn: 'offset', args: [epoch, durationJson(ms)] } };
}

export function addressJson({ v6, address, prefix }: { v6: boolean; address: bigint; prefix: bigint }): LosslessJson {
  const [count, bits] = v6 ? [8, 16n] : [4, 8n];
  const groups = Array.from(
    { length: count },
    (_, index) => (address >> (bits * BigInt(count - 1 - index))) & ((1n << bits) - 1n),
  );
  const text = v6 ? groups.map((group) => group.toString(16)).join(':') : groups.join('.');
  return extension('ip', prefix === (v6 ? 128n : 32n) ? text : `${text}/${prefix}`);
}
