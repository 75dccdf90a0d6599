import { readAuthority } from './read-authority.ts';

/** Where an app is, parsed once from the resource's `upstream`. */
export interface UpstreamTarget {
  readonly kind: 'http' | 'https' | 'h2c' | 'unix';
  /** Host name or address without brackets; empty for sockets. */
  readonly hostname: string;
  readonly port: number;
  readonly socketPath: string;
  /** `Host` for the app when the client's own is not preserved. */
  readonly authority: string;
}

/** Reads `http://host:port`, `https://host`, `h2c://host:port` or `unix:/path`; undefined for anything else. */
export function parseUpstream(text: string): UpstreamTarget | undefined {
  if (text.startsWith('unix:/')) {
    return { kind: 'unix', hostname: '', port: 0, socketPath: text.slice(5), authority: 'localhost' };
  }
  const match = /^(https?|h2c):\/\/([^/?#]+)\/?$/.exec(text);
  const authority = readAuthority(match?.[2] ?? '');
  if (match === null || authority === undefined) return undefined;
  const hostname = readHostname(authority.host);
  if (hostname === undefined) return undefined;
  const kind = match[1] === 'https' ? 'https' : match[1] === 'h2c' ? 'h2c' : 'http';
  const port = authority.port ?? (kind === 'https' ? 443 : 80);
  const written = authority.port === null ? authority.host : `${authority.host}:${authority.port}`;
  return { kind, hostname, port, socketPath: '', authority: written };
}

/**
 * The host as the pool's URL parser will read it: to it `2130706433`, `0x7f.1` and `127.1` are `127.0.0.1`, an address that is
 * connected to without being looked up, and so must be judged as the address it is. Undefined: it takes it for none.
 */
function readHostname(host: string): string | undefined {
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : undefined;
}
