/** Proxies that ask about a request they hold, by whose conventions its parts travel. */
export type ProxyKind = 'nginx' | 'forward' | 'envoy';

/** A request as a proxy says it received it. Text only: the gateway's strict reader makes a request of it, or refuses. */
export interface ForwardedRequest {
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly tls: boolean;
  /** As the proxy's own socket saw the client; null when the proxy does not say. */
  readonly address: string | null;
}

/** A call as it came: flat header fields (name in small letters, value) and, for Envoy, its own method, host and target. */
export interface ProxyCall {
  readonly headers: readonly string[];
  readonly method: string;
  readonly authority: string;
  /** What stands behind the adapter's own path. */
  readonly target: string;
}

const names = {
  nginx: { method: 'x-original-method', target: 'x-original-uri', address: 'x-real-ip' },
  forward: { method: 'x-forwarded-method', target: 'x-forwarded-uri', address: 'x-forwarded-for' },
  envoy: { method: null, target: null, address: 'x-forwarded-for' },
} as const;

/**
 * Reads what nginx (`auth_request`), Caddy and Traefik (`forward_auth`) or Envoy (`ext_authz` over HTTP) say about the request they
 * hold. Callers have checked that it is the proxy that speaks. Each field must come exactly once: a second one would be the client's.
 * Gives words for the proxy's operator when something is missing.
 */
export function readForwarded(kind: ProxyKind, call: ProxyCall): ForwardedRequest | string {
  const { method: methodName, target: targetName, address: addressName } = names[kind];
  const method = methodName === null ? call.method : single(call.headers, methodName);
  const target = targetName === null ? call.target : single(call.headers, targetName);
  const authority = kind === 'envoy' ? call.authority : single(call.headers, 'x-forwarded-host');
  const scheme = single(call.headers, 'x-forwarded-proto');
  if (method === undefined) return missing(methodName ?? 'method');
  if (target === undefined) return missing(targetName ?? 'path');
  if (authority === undefined) return missing('x-forwarded-host');
  if (scheme !== 'http' && scheme !== 'https') return missing('x-forwarded-proto');
  return { method, authority, target, tls: scheme === 'https', address: nearestAddress(call.headers, addressName) };
}

function missing(name: string): string {
  return `The proxy must send \`${name}\` exactly once; see docs/operating/proxies.md for its configuration.`;
}

function single(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] !== name) continue;
    if (found !== undefined) return undefined;
    found = headers[at + 1];
  }
  return found === '' ? undefined : found;
}

/** The last address is the one that the proxy itself added; those before it are whatever the client sent. */
function nearestAddress(headers: readonly string[], name: string): string | null {
  let last: string | null = null;
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] === name) last = (headers[at + 1] ?? '').split(',').at(-1)?.trim() ?? null;
  }
  return last === '' ? null : last;
}
