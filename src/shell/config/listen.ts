import { BlockList, isIP } from 'node:net';
import type { ListenAddress } from '../wire/index.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Reads `host:port`, `[::1]:port` or `off` (null). The host must be an IP address or `localhost`. Undefined when it is anything else. */
export function parseListen(text: string): ListenAddress | null | undefined {
  if (text === 'off') return null;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2] ?? '';
  const port = Number(match[3]);
  if (port > 65_535) return undefined;
  if (host === 'localhost') return { host: '127.0.0.1', port };
  if (isIP(host) !== (match[1] === undefined ? 4 : 6)) return undefined;
  return { host, port };
}

/** Is this IP address one that only this machine reaches? */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
