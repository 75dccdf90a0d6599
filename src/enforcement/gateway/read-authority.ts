import { isIPv6 } from 'node:net';
import { hostBytesMax } from './limits.ts';

/** A host and, when given, a port: RFC 9110 7.2 without userinfo, trailing dot or any other spelling. */
export interface Authority {
  /** Lower-case DNS name, IPv4 address, or bracketed IPv6 address. */
  readonly host: string;
  readonly port: number | null;
}

const colon = 0x3a;

/**
 * Reads `Host`, `:authority` or the authority of an absolute target (attacker-controlled). Returns undefined for anything
 * but `name[:port]` and `[ipv6][:port]`: no userinfo, no trailing dot, no empty label, no leading zero in the port.
 */
export function readAuthority(text: string): Authority | undefined {
  if (text.length === 0 || text.length > hostBytesMax + 6) return undefined;
  if (text.charCodeAt(0) === 0x5b) return readBracketed(text);
  let end = text.length;
  let upper = false;
  let labelLength = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === colon) {
      end = at;
      break;
    }
    if (code === 0x2e) {
      if (labelLength === 0 || text.charCodeAt(at - 1) === 0x2d) return undefined;
      labelLength = 0;
      continue;
    }
    const isUpper = code >= 0x41 && code <= 0x5a;
    if (isUpper) upper = true;
    else if (
      !((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code === 0x2d && labelLength > 0))
    ) {
      return undefined;
    }
    labelLength++;
    if (labelLength > 63) return undefined;
  }
  if (labelLength === 0 || text.charCodeAt(end - 1) === 0x2d || end > hostBytesMax) return undefined;
  const name = end === text.length ? text : text.slice(0, end);
  const port = readPort(text, end);
  if (port === undefined) return undefined;
  return { host: upper ? name.toLowerCase() : name, port };
}

function readBracketed(text: string): Authority | undefined {
  const close = text.indexOf(']');
  if (close < 0) return undefined;
  const address = text.slice(1, close);
  // Zone identifiers (`%eth0`) pass isIPv6 but have no meaning between machines.
  if (!isIPv6(address) || address.includes('%')) return undefined;
  const port = readPort(text, close + 1);
  // One address has many spellings (`::`, `0::`); the URL parser gives the one of RFC 5952.
  return port === undefined ? undefined : { host: new URL(`http://[${address}]/`).hostname, port };
}

/** The port after `from`: null when the text ends there, undefined when it is not `:1` … `:65535`. */
function readPort(text: string, from: number): number | null | undefined {
  if (from === text.length) return null;
  if (text.charCodeAt(from) !== colon) return undefined;
  const digits = text.length - from - 1;
  if (digits < 1 || digits > 5 || text.charCodeAt(from + 1) === 0x30) return undefined;
  let port = 0;
  for (let at = from + 1; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    port = port * 10 + digit;
  }
  return port <= 65_535 ? port : undefined;
}
