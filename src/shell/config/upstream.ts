import { BlockList, isIP } from 'node:net';
import { metadataAddresses } from '#foundation/model';

export interface Upstream {
  readonly scheme: 'http' | 'https' | 'h2c' | 'unix';
  readonly host: string;
  readonly port: number;
}

const privateRanges = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  privateRanges.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  privateRanges.addSubnet(network, prefix, 'ipv6');
}

const metadata = new BlockList();
for (const address of metadataAddresses.ipv4) metadata.addAddress(address, 'ipv4');
for (const address of metadataAddresses.ipv6) metadata.addAddress(address, 'ipv6');

const defaultPorts = { http: 80, https: 443, h2c: 80, unix: 0 } as const;

/**
 * Reads an upstream: `http://host:port`, `https://host`, `h2c://host:port`. Gives words for a person when it is anything else.
 * Which addresses a name resolves to is checked by the gateway at every connect, not here.
 */
export function parseUpstream(text: string): Upstream | { readonly problem: string } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { problem: 'is no URL; write `http://host:port`, `https://host` or `h2c://host:port`' };
  }
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 'h2c') {
    return { problem: 'must begin with `http://`, `https://` or `h2c://`' };
  }
  if (url.username !== '' || url.password !== '') return { problem: 'must hold no user name or password' };
  if (url.search !== '' || url.hash !== '' || (url.pathname !== '/' && url.pathname !== '')) {
    return { problem: 'must end after the port: requests are forwarded with their own path' };
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') return { problem: 'names no host' };
  if (names(metadata, host)) {
    return { problem: 'is where clouds hand out credentials of the machine: Nullius never connects there' };
  }
  return { scheme, host, port: url.port === '' ? defaultPorts[scheme] : Number(url.port) };
}

/** Does the upstream name a loopback, link-local or private address outright? (A DNS name may still resolve to one.) */
export function namesPrivateAddress(upstream: Upstream): boolean {
  if (upstream.host === 'localhost' || upstream.host.endsWith('.localhost')) return true;
  return names(privateRanges, upstream.host);
}

/** Is the host an address that the list holds? */
function names(list: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
