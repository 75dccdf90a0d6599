import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isToken } from './field-text.ts';
import { headerOf } from './navigation.ts';
import type { GatewayRequest } from './read-request.ts';
import { type Refusal, refuse } from './refusal.ts';

/** RFC 6455 1.3. */
const handshakeGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export function websocketAccept(key: string): string {
  return createHash('sha1')
    .update(key + handshakeGuid)
    .digest('base64');
}

/** What a client asks for in its opening handshake (attacker-controlled, checked). */
export interface WebSocketOffer {
  /** Null over HTTP/2, which has no key (RFC 8441 5). */
  readonly key: string | null;
  readonly protocols: readonly string[];
  readonly extensions: string | null;
}

/** Checks the client's half, RFC 6455 4.2.1: version 13, a key of 16 bytes, each field once, protocols that are tokens. */
export function readWebSocketOffer(request: GatewayRequest): WebSocketOffer | Refusal {
  const bad = refuse([400, 'bad-upgrade'], 'The WebSocket handshake is not valid.');
  let keys = 0;
  for (let at = 0; at < request.headers.length; at += 2) if (request.headers[at] === 'sec-websocket-key') keys++;
  if (headerOf(request, 'sec-websocket-version') !== '13') return bad;
  const key = request.httpVersion === '2' ? null : (headerOf(request, 'sec-websocket-key') ?? '');
  if (key !== null && (keys !== 1 || !isKey(key))) return bad;
  const protocols = (headerOf(request, 'sec-websocket-protocol') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (!protocols.every(isToken)) return bad;
  return { key, protocols, extensions: headerOf(request, 'sec-websocket-extensions') ?? null };
}

function isKey(key: string): boolean {
  const bytes = Buffer.from(key, 'base64');
  return bytes.length === 16 && bytes.toString('base64') === key;
}

/**
 * Did the app really switch (RFC 6455 4.1)? Only then may bytes flow untouched: a proxy that starts tunnelling on anything
 * less carries the client's next bytes past its own parser, straight into a kept-alive HTTP connection.
 */
export function isValidSwitch(answer: IncomingMessage, sent: { key: string; offer: WebSocketOffer }): boolean {
  const { headers } = answer;
  if (answer.statusCode !== 101 || headers.upgrade?.toLowerCase() !== 'websocket') return false;
  const options = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((option) => option.trim());
  if (!options.includes('upgrade') || headers['sec-websocket-accept'] !== websocketAccept(sent.key)) return false;
  return isOffered(
    { protocol: headers['sec-websocket-protocol'], extensions: headers['sec-websocket-extensions'] },
    sent.offer,
  );
}

/** Did the app choose, once each, only what the client offered (RFC 6455 4.1)? */
export function isOffered(
  chosen: { readonly protocol: string | string[] | undefined; readonly extensions: string | string[] | undefined },
  offer: WebSocketOffer,
): boolean {
  const { protocol, extensions } = chosen;
  if (Array.isArray(protocol) || Array.isArray(extensions)) return false;
  if (protocol !== undefined && !offer.protocols.includes(protocol)) return false;
  const names = (text: string) =>
    text.split(',').map((extension) => extension.split(';')[0]?.trim().toLowerCase() ?? '');
  const offered = names(offer.extensions ?? '');
  return extensions === undefined || names(extensions).every((name) => name !== '' && offered.includes(name));
}
