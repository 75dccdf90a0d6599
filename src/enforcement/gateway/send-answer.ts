import type { ClientSide } from './client-side.ts';
import { headerOf, prefersHtml } from './navigation.ts';
import type { GatewayRequest } from './read-request.ts';
import type { Refusal } from './refusal.ts';
import { type Answer, type RefusalView, refusalPage, refusalProblem } from './refusal-page.ts';

/** Gives a whole answer of our own. Does nothing when one has begun or the client has gone. */
export function sendAnswer(client: ClientSide, answer: Answer): void {
  if (client.closed || client.started) return;
  client.start(answer.status, answer.headers, { isWhole: answer.body === '' });
  if (answer.body !== '') client.write(Buffer.from(answer.body));
  client.end();
}

/** Page or problem document, as the client prefers. `request` is null when it could not even be read. */
export function refusalAnswer(view: RefusalView, request: GatewayRequest | null): Answer {
  const answer = request !== null && prefersHtml(request) ? refusalPage(view) : refusalProblem(view);
  if (request !== null && view.status === 401) answer.headers.push(...challengesFor(request));
  return request?.method === 'HEAD' ? { ...answer, body: '' } : answer;
}

/**
 * How a program may show its token (RFC 9110 11.6.1). git and others send a password only when they are asked for one by `Basic`. A
 * browser, which would ask the person in a window of its own, never hears of it.
 */
function challengesFor(request: GatewayRequest): readonly string[] {
  const bearer = ['www-authenticate', 'Bearer realm="nullius"'];
  const isBrowser = headerOf(request, 'sec-fetch-mode') !== undefined || prefersHtml(request);
  return isBrowser ? bearer : [...bearer, 'www-authenticate', 'Basic realm="nullius", charset="UTF-8"'];
}

const titles: Readonly<Record<number, string>> = {
  400: 'This request cannot be read in one way only',
  403: 'This is not allowed',
  404: 'Nothing is served here',
  405: 'This method is not served',
  408: 'The request came too slowly',
  413: 'The request is too large',
  414: 'The address is too long',
  421: 'This connection belongs to another host',
  431: 'The request has too many headers',
  502: 'The app is not answering properly',
  503: 'The app is too busy',
  504: 'The app did not answer in time',
};

/** What a `Refusal` of this room looks like to people. */
export function viewOfRefusal(
  refusal: Refusal,
  { request, correlationId }: { readonly request: GatewayRequest | null; readonly correlationId: string },
): RefusalView {
  return {
    status: refusal.status,
    title: titles[refusal.status] ?? 'This request is refused',
    asked: request === null ? null : { method: request.method, host: request.host, path: request.path },
    who: null,
    reasons: [refusal.words],
    actions: [],
    correlationId,
  };
}
