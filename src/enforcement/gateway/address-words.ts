import { isIP } from 'node:net';

/** The eight 16-bit words of an IPv6 address that `isIP` accepted (RFC 4291 2.2), without a zone. */
export function ipv6Words(address: string): number[] {
  let text = address;
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(1).map(Number);
    const high = ((a ?? 0) * 256 + (b ?? 0)).toString(16);
    text = `${text.slice(0, dotted.index)}${high}:${((c ?? 0) * 256 + (d ?? 0)).toString(16)}`;
  }
  const [head = '', tail] = text.split('::');
  const read = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)));
  const front = read(head);
  const back = tail === undefined ? [] : read(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

export const dottedIPv4 = (high: number, low: number) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;

/** Whom an address may belong to: of two sizes, as text; no two blocks are written alike. */
export interface AddressBlocks {
  /** One client: an IPv4 address, written as IPv6 or not, or the /64 of an IPv6 address, which one machine may have to itself. */
  readonly client: string;
  /** One site: the /24 of an IPv4 address, the /48 of an IPv6 address, the most that a site is given (RFC 6177). */
  readonly network: string;
}

/** The blocks of an address as sockets tell it. What is no address is one client in a network of its own. */
export function addressBlocksOf(address: string): AddressBlocks {
  const [bare = ''] = address.split('%', 1);
  const family = isIP(bare);
  if (family === 4) return ipv4Blocks(bare);
  if (family !== 6) return { client: '', network: '/0' };
  const words = ipv6Words(bare);
  const isMapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  if (isMapped) return ipv4Blocks(dottedIPv4(words[6] ?? 0, words[7] ?? 0));
  const [a, b, c, d] = words.slice(0, 4).map((word) => word.toString(16));
  return { client: `${a}:${b}:${c}:${d}::/64`, network: `${a}:${b}:${c}::/48` };
}

function ipv4Blocks(dotted: string): AddressBlocks {
  return { client: dotted, network: `${dotted.slice(0, dotted.lastIndexOf('.'))}.0/24` };
}
