/**
 * The little of the protocol buffers wire format (https://protobuf.dev/programming-guides/encoding/) that Envoy's check needs. Field
 * numbers stand where messages are read and written.
 */
export class MalformedMessage extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One field: a number, or bytes that are text or another message. */
export interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** Reads all fields of a message. `bytes` are a caller's. Throws MalformedMessage for what does not end where it says. */
export function* readFields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.byteLength) throw new MalformedMessage('a number breaks off');
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedMessage('a number is too long');
  };
  const take = (length: bigint): Uint8Array => {
    if (length > BigInt(bytes.byteLength - at)) throw new MalformedMessage('a field is longer than its message');
    at += Number(length);
    return bytes.subarray(at - Number(length), at);
  };
  while (at < bytes.byteLength) {
    const tag = varint();
    const number = Number(tag >> 3n);
    if (number === 0 || tag >> 3n > 0x1fffffffn) throw new MalformedMessage('a field has no valid number');
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8n) };
        break;
      case 2:
        yield { number, value: take(varint()) };
        break;
      case 5:
        yield { number, value: take(4n) };
        break;
      default:
        throw new MalformedMessage('a field has an unknown wire type');
    }
  }
}

export function textOf(value: Field['value']): string {
  return utf8Of(bytesOf(value));
}

export function bytesOf(value: Field['value']): Uint8Array {
  if (typeof value === 'bigint') throw new MalformedMessage('a number stands where text or a message should');
  return value;
}

function utf8Of(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new MalformedMessage('text is not UTF-8');
  }
}

/** The message inside field `number`, the last one if it comes again; empty when there is none. */
export function messageIn(message: Uint8Array, number: number): Uint8Array {
  let found: Uint8Array = new Uint8Array(0);
  for (const field of readFields(message)) if (field.number === number) found = bytesOf(field.value);
  return found;
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** A field that holds a whole number from 0. */
export function numberField(number: number, value: number): Uint8Array {
  return Uint8Array.from([...varintBytes(number * 8), ...varintBytes(value)]);
}

/** A field that holds text or a message. */
export function bytesField(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Uint8Array.from([...varintBytes(number * 8 + 2), ...varintBytes(bytes.byteLength)]), bytes]);
}
