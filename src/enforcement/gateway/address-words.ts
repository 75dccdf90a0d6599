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

/**
 * What counts as one client: an IPv4 address, written as IPv6 or not, or the /64 of an IPv6 address, all of which one
 * machine has to itself (RFC 6177). What is no address is one client, too.
 */
export function clientBlockOf(address: string): string {
  const [bare = ''] = address.split('%', 1);
  const family = isIP(bare);
  if (family === 4) return bare;
  if (family !== 6) return '';
  const words = ipv6Words(bare);
  const isMapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  if (isMapped) return dottedIPv4(words[6] ?? 0, words[7] ?? 0);
  return `${words
    .slice(0, 4)
    .map((word) => word.toString(16))
    .join(':')}::/64`;
}
