import { type Exchange, type GatewayRequest, sendAnswer } from '#enforcement/gateway';
import type { Gate } from './gate.ts';

/**
 * Answers a public CA that validates a host over plain HTTP (RFC 8555 section 8.3), while the order is under way and for its
 * token only. Gives false for everything else, which then goes the way of every request.
 */
export function answerAcme(
  gate: Pick<Gate, 'acmeAnswer'>,
  { exchange, request }: { readonly exchange: Exchange; readonly request: GatewayRequest },
): boolean {
  const [first, second, token, ...more] = request.segments;
  if (first !== '.well-known' || second !== 'acme-challenge' || token === undefined || more.length > 0) return false;
  if (request.tls || request.method !== 'GET') return false;
  const text = gate.acmeAnswer(request.host, token);
  if (text === undefined) return false;
  sendAnswer(exchange.client, {
    status: 200,
    headers: ['content-type', 'application/octet-stream', 'cache-control', 'no-store'],
    body: text,
  });
  return true;
}
