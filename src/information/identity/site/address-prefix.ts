const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;
const groupsPerPrefix = 4;

/**
 * Whom an address stands for when requests are counted: an IPv4 address, or the /64 that one IPv6 customer has at least
 * (RFC 6177) and can draw any number of addresses from. IPv4 in IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address. What is no
 * address stands for itself.
 */
export function addressPrefix(address: string): string {
  const plain = address.split('%', 1)[0] ?? '';
  if (!plain.includes(':')) return plain;
  const inner = mapped.exec(plain)?.[1];
  if (inner !== undefined) return inner;
  // The URL parser writes every spelling of an IPv6 address in one way (WHATWG URL, IPv6 serializer).
  if (!URL.canParse(`http://[${plain}]/`)) return plain;
  const canonical = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = head === '' ? [] : head.split(':');
  // Without `::` all eight groups stand there; with it, zeros stand before the tail.
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  while (tail !== undefined && groups.length + rest.length < 2 * groupsPerPrefix) groups.push('0');
  const all = [...groups, ...rest];
  if (all.slice(0, 5).every((group) => group === '0') && all[5] === 'ffff') {
    const [high = 0, low = 0] = all.slice(6).map((group) => Number.parseInt(group, 16));
    return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
  }
  return `${all.slice(0, groupsPerPrefix).join(':')}::/64`;
}
