import { EvaluationError } from './value.ts';

/** Cedar's `ipaddr`: an address with a prefix length, both kept as written. */
export class IpNet {
  readonly typeName = 'ipaddr';
  readonly bits: 32 | 128;
  readonly address: bigint;
  readonly prefix: number;

  constructor(bits: 32 | 128, address: bigint, prefix: number) {
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
    const host = BigInt(this.bits - other.prefix);
    return this.address >> host === other.address >> host;
  }

  isLoopback(): boolean {
    if (this.bits === 32) return this.address >> 24n === 127n && this.prefix >= 8;
    return this.address === 1n && this.prefix === 128;
  }

  isMulticast(): boolean {
    if (this.bits === 32) return this.address >> 28n === 0xen && this.prefix >= 4;
    return this.address >> 120n === 0xffn && this.prefix >= 8;
  }
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0n;
  for (const part of parts) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = (address << 8n) | BigInt(part);
  }
  return address;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
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
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const v4 = parseV4(host);
  const address = v4 ?? parseV6(host);
  const bits = v4 === undefined ? 128 : 32;
  const prefixText = slash < 0 ? String(bits) : text.slice(slash + 1);
  const prefix = /^(?:0|[1-9][0-9]{0,2})$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (address === undefined || !(prefix <= bits))
    throw new EvaluationError(`\`${text}\` is not an IP address or range`);
  return new IpNet(bits, address, prefix);
}
