import { EvaluationError } from './evaluation-error.ts';

/** An address: 32 bits as an unsigned number, 128 as a bigint. */
type Address = number | bigint;

/** Cedar's `ipaddr`: an address with a prefix length, both kept as written. */
export class IpNet {
  readonly typeName = 'ipaddr';
  readonly bits: 32 | 128;
  readonly address: Address;
  readonly prefix: number;

  constructor(bits: 32 | 128, address: Address, prefix: number) {
    this.bits = bits;
    this.address = address;
    this.prefix = prefix;
  }

  equals(other: unknown): boolean {
    return (
      other instanceof IpNet &&
      other.bits === this.bits &&
      other.address === this.address &&
      other.prefix === this.prefix
    );
  }

  /** Does every address of this range lie in the other? */
  isInRange(other: IpNet): boolean {
    if (this.bits !== other.bits || this.prefix < other.prefix) return false;
    if (typeof this.address === 'number' && typeof other.address === 'number') {
      // Shifts of JavaScript count modulo 32.
      return other.prefix === 0 || (this.address ^ other.address) >>> (32 - other.prefix) === 0;
    }
    const host = BigInt(this.bits - other.prefix);
    return BigInt(this.address) >> host === BigInt(other.address) >> host;
  }

  isLoopback(): boolean {
    if (typeof this.address === 'number') return this.address >>> 24 === 127 && this.prefix >= 8;
    return this.address === 1n && this.prefix === 128;
  }

  isMulticast(): boolean {
    if (typeof this.address === 'number') return this.address >>> 28 === 0xe && this.prefix >= 4;
    return this.address >> 120n === 0xffn && this.prefix >= 8;
  }
}

const [zero, nine, dot] = [48, 57, 46];

/** Four decimal bytes without leading zeros; undefined for anything else. */
function parseV4(text: string): number | undefined {
  let address = 0;
  let byte = -1;
  let dots = 0;
  if (text.length > 15) return undefined;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === dot) {
      if (byte < 0 || dots === 3) return undefined;
      address = address * 256 + byte;
      byte = -1;
      dots += 1;
    } else if (code < zero || code > nine || byte === 0) return undefined;
    else {
      byte = (byte < 0 ? 0 : byte * 10) + code - zero;
      if (byte > 255) return undefined;
    }
  }
  return byte < 0 || dots !== 3 ? undefined : address * 256 + byte;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}

function parseV6(text: string): bigint | undefined {
  // What is longer is no address, whoever sent it.
  const halves = text.length > 39 ? [] : text.split('::');
  if (halves.length === 0 || halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  // `::` stands for at least one group of zeros.
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const groups = [...head, ...new Array<number>(8 - given).fill(0), ...(tail ?? [])];
  return groups.reduce((address, group) => (address << 16n) | BigInt(group), 0n);
}

/** Reads an IPv4 or IPv6 address or range in CIDR notation. IPv4 inside IPv6 is refused, as in Cedar. Throws EvaluationError. */
export function parseIpNet(text: string): IpNet {
  const alone = parseV4(text);
  if (alone !== undefined) return new IpNet(32, alone, 32);
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const v4 = parseV4(host);
  const address = v4 ?? parseV6(host);
  const bits = v4 === undefined ? 128 : 32;
  const prefixText = slash < 0 ? '' : text.slice(slash + 1);
  const prefix = slash < 0 ? bits : /^(?:0|[1-9][0-9]{0,2})$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (address === undefined || !(prefix <= bits))
    throw new EvaluationError(`\`${text}\` is not an IP address or range`);
  return new IpNet(bits, address, prefix);
}
