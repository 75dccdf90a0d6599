import { cookieBytesMax, type GatewayRequest, isNavigation, refusalAnswer, sendAnswer } from '#enforcement/gateway';
import type { Asked, Gate } from './gate.ts';

/** More cookies than apps take: set by many apps for the domain they share, or by one to lock people out of all others. */
export function isCookieFlood(request: GatewayRequest): boolean {
  return request.cookie.length > cookieBytesMax;
}

/**
 * Refuses, and at a page load makes the browser forget the cookies of this site (Clear-Site-Data: those of all hosts of the
 * registrable domain), because until then nothing here opens. That signs the person out, and lets nobody do so who could not
 * already: only cookies get a request here, and who can set that many for the domain can also push every other one out of the
 * browser's store.
 */
export function answerCookieFlood(
  gate: Gate,
  asked: Pick<Asked, 'exchange' | 'id'> & { request: GatewayRequest },
): void {
  const { exchange, id, request } = asked;
  const isCleared = isNavigation(request);
  gate.metrics.count('nullius_refused_total{code="cookie-flood"}');
  gate.countStranger({
    answer: 'deny',
    policies: [],
    resource: null,
    reason: 'cookie flood',
    address: exchange.connection.address,
  });
  const answer = refusalAnswer(
    {
      status: 431,
      title: 'Too many cookies',
      asked: { method: request.method, host: request.host, path: request.path },
      who: null,
      reasons: [
        `Your browser sent more than ${cookieBytesMax / 1024} KiB of cookies, which apps under this domain have left there.`,
        isCleared
          ? 'It has now been told to forget them. Load this page again, and sign in again where you are asked to.'
          : 'Open this address in a tab of its own to have the browser forget them.',
      ],
      actions: [],
      correlationId: id,
    },
    request,
  );
  const headers = isCleared ? [...answer.headers, 'clear-site-data', '"cookies"'] : answer.headers;
  sendAnswer(exchange.client, { ...answer, headers });
}
