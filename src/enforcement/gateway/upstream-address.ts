import { BlockList, isIP } from 'node:net';
import { metadataAddresses } from '#foundation/model';
import { dottedIPv4, ipv6Words } from './address-words.ts';

/** Where a connection to an app may go. */
export type AddressVerdict = 'public' | 'private' | 'forbidden';

const metadata = new BlockList();
for (const address of metadataAddresses.ipv4) metadata.addAddress(address, 'ipv4');
for (const address of metadataAddresses.ipv6) metadata.addAddress(address, 'ipv6');

/** Not unicast, or not meant to be connected to (RFC 6890, RFC 8190). `0.0.0.0` and `::` reach the local machine. */
const never = new BlockList();
never.addSubnet('0.0.0.0', 8, 'ipv4');
never.addSubnet('192.0.0.0', 24, 'ipv4');
never.addSubnet('224.0.0.0', 4, 'ipv4');
never.addSubnet('240.0.0.0', 4, 'ipv4');
never.addAddress('::', 'ipv6');
never.addSubnet('100::', 64, 'ipv6');
never.addSubnet('ff00::', 8, 'ipv6');

const notPublic = new BlockList();
notPublic.addSubnet('10.0.0.0', 8, 'ipv4');
notPublic.addSubnet('100.64.0.0', 10, 'ipv4');
notPublic.addSubnet('127.0.0.0', 8, 'ipv4');
notPublic.addSubnet('169.254.0.0', 16, 'ipv4');
notPublic.addSubnet('172.16.0.0', 12, 'ipv4');
notPublic.addSubnet('192.0.2.0', 24, 'ipv4');
notPublic.addSubnet('192.168.0.0', 16, 'ipv4');
notPublic.addSubnet('198.18.0.0', 15, 'ipv4');
notPublic.addSubnet('198.51.100.0', 24, 'ipv4');
notPublic.addSubnet('203.0.113.0', 24, 'ipv4');
notPublic.addAddress('::1', 'ipv6');
notPublic.addSubnet('64:ff9b:1::', 48, 'ipv6');
notPublic.addSubnet('2001:db8::', 32, 'ipv6');
notPublic.addSubnet('3fff::', 20, 'ipv6');
notPublic.addSubnet('fc00::', 7, 'ipv6');
notPublic.addSubnet('fe80::', 10, 'ipv6');
notPublic.addSubnet('fec0::', 10, 'ipv6');

/**
 * Judges a resolved address (never a name). IPv6 forms that carry an IPv4 address (mapped, compatible, translated, NAT64,
 * 6to4, Teredo, ISATAP) are judged by that address too, and the stricter answer holds.
 */
export function judgeAddress(address: string): AddressVerdict {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return 'forbidden';
  if (family === 4) return judgeOne(address, 'ipv4');
  const words = ipv6Words(address);
  const outer = judgeOne(address, 'ipv6');
  return embeddedIPv4(words)
    .map((inner) => judgeOne(inner, 'ipv4'))
    .reduce(stricter, outer);
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Is this an address of the machine it is said on (RFC 6890), also where IPv6 says an IPv4 address in its own form? */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !address.includes('%') && loopback.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Could a connection to this address end on our own machine? Wider than `isLoopback`: also by way of a translator. */
export function mayReachLoopback(address: string): boolean {
  if (isLoopback(address)) return true;
  return isIP(address) === 6 && !address.includes('%') && embeddedIPv4(ipv6Words(address)).some(isLoopback);
}

function judgeOne(address: string, family: 'ipv4' | 'ipv6'): AddressVerdict {
  if (metadata.check(address, family) || never.check(address, family)) return 'forbidden';
  return notPublic.check(address, family) ? 'private' : 'public';
}

function stricter(one: AddressVerdict, other: AddressVerdict): AddressVerdict {
  if (one === 'forbidden' || other === 'forbidden') return 'forbidden';
  return one === 'private' || other === 'private' ? 'private' : 'public';
}

function embeddedIPv4(words: readonly number[]): string[] {
  const at = (index: number) => words[index] ?? 0;
  const last = dottedIPv4(at(6), at(7));
  const zeroUntil = (count: number) => words.slice(0, count).every((word) => word === 0);
  const found: string[] = [];
  // ::ffff:0:0/96 mapped, ::/96 compatible (but not :: and ::1), ::ffff:0:0:0/96 translated.
  if (zeroUntil(5) && at(5) === 0xffff) found.push(last);
  if (zeroUntil(6) && !(at(6) === 0 && at(7) <= 1)) found.push(last);
  if (zeroUntil(4) && at(4) === 0xffff && at(5) === 0) found.push(last);
  // 64:ff9b::/96 and 64:ff9b:1::/48 NAT64 (RFC 6052, RFC 8215).
  if (at(0) === 0x64 && at(1) === 0xff9b) found.push(last);
  // 2002::/16 6to4 (RFC 3056); 2001::/32 Teredo, whose client address is inverted (RFC 4380).
  if (at(0) === 0x2002) found.push(dottedIPv4(at(1), at(2)));
  if (at(0) === 0x2001 && at(1) === 0) found.push(dottedIPv4(at(2), at(3)), dottedIPv4(at(6) ^ 0xffff, at(7) ^ 0xffff));
  // ISATAP interface identifiers (RFC 5214).
  if ((at(4) === 0 || at(4) === 0x200) && at(5) === 0x5efe) found.push(last);
  return found;
}
