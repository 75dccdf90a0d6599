import { KeptFields } from './http1/kept-fields.ts';
import type { ConnectionFacts } from './read-request.ts';

interface Made {
  readonly host: string;
  readonly port: number | null;
  readonly fields: KeptFields;
}

/** Of the host that was asked for last over each connection. */
const made = new WeakMap<ConnectionFacts, Made>();

/**
 * What an app is told of the client's connection: its address, and the host and scheme that were asked for (RFC 7239 and its forerunners).
 * `host` is kept for as long as the connection: it is no text that was cut out of a request's head.
 */
export function forwardedFields(
  connection: ConnectionFacts,
  { host, port }: { host: string; port: number | null },
): KeptFields {
  const known = made.get(connection);
  if (known?.host === host && known.port === port) return known.fields;
  const authority = port === null ? host : `${host}:${port}`;
  const scheme = connection.tls ? 'https' : 'http';
  const { address } = connection;
  const node = address.includes(':') ? `"[${address}]"` : address;
  const fields = new KeptFields(
    'x-forwarded-for',
    address,
    'x-forwarded-host',
    authority,
    'x-forwarded-proto',
    scheme,
    'x-real-ip',
    address,
    'forwarded',
    `for=${node};host="${authority}";proto=${scheme}`,
  );
  made.set(connection, { host, port, fields });
  return fields;
}
