import { type ProxyKind, readForwarded } from '#enforcement/adapters';
import { sendAnswer } from '#enforcement/gateway';
import type { Gate } from '../../gate.ts';
import { answerError } from '../answer.ts';
import type { KnownCall } from '../pdp.ts';
import { type ForwardedOutcome, judgeForwarded } from './judge-forwarded.ts';

/** Where proxies ask; behind Envoy's the path of the request itself follows. */
export const proxyPaths: ReadonlyMap<string, ProxyKind> = new Map([
  ['nginx', 'nginx'],
  ['forward', 'forward'],
  ['envoy', 'envoy'],
]);

/** Always there, empty when there is nothing: a proxy that copies a header we left out may send the app its own placeholder. */
const identityNames = ['nullius-assertion', 'nullius-cookie', 'nullius-authorization'];

/** The names that apps know: Traefik can copy headers of the answer, and take those off that are not there, but not rename them. */
const appNames: ReadonlyMap<string, string> = new Map([
  ['nullius-cookie', 'cookie'],
  ['nullius-authorization', 'authorization'],
]);

/** What of these fields an app shall see, by its own names. */
function asAppsKnowThem(identity: readonly string[]): string[] {
  return identity.flatMap((name, at) => {
    const known = at % 2 === 0 ? appNames.get(name) : undefined;
    return known === undefined ? [] : [known, identity[at + 1] ?? ''];
  });
}

/** `/auth/nginx`, `/auth/forward` (Caddy, Traefik) and `/auth/envoy/…`. */
export async function serveForwardAuth(gate: Gate, call: KnownCall, kind: ProxyKind): Promise<void> {
  const { request, exchange } = call;
  const forwarded = readForwarded(kind, {
    headers: request.headers,
    method: request.method,
    authority: request.port === null ? request.host : `${request.host}:${request.port}`,
    target: request.target.slice('/auth/envoy'.length),
  });
  // Proxies take nothing but 401 and 403 for a no; what is misconfigured must not look like one of theirs to mend.
  if (typeof forwarded === 'string') return answerError(call, { status: 403, words: forwarded });
  const outcome = await judgeForwarded(gate, call, { forwarded, headers: request.headers });
  if (outcome.kind === 'allowed') {
    const absent = identityNames.filter(
      (name) => !outcome.identity.some((field, at) => at % 2 === 0 && field === name),
    );
    const headers = [
      ...outcome.identity,
      ...absent.flatMap((name) => [name, '']),
      ...(kind === 'forward' ? asAppsKnowThem(outcome.identity) : []),
      'cache-control',
      'no-store',
      'content-length',
      '0',
    ];
    return sendAnswer(exchange.client, { status: 200, headers, body: '' });
  }
  sendAnswer(exchange.client, kind === 'nginx' ? forNginx(outcome) : outcome.answer);
}

/** nginx knows 401 and 403 only, and hands neither body nor location on: for people it makes a redirect of `Nullius-Sign-In` itself. */
function forNginx({ answer, signIn }: Extract<ForwardedOutcome, { kind: 'refused' }>) {
  const status = signIn === null ? 403 : 401;
  const headers = ['cache-control', 'no-store', 'content-length', '0'];
  const at = answer.headers.indexOf('nullius-decision');
  if (at >= 0) headers.push('nullius-decision', answer.headers[at + 1] ?? '');
  if (signIn !== null && answer.status === 303) headers.push('nullius-sign-in', signIn);
  return { status: answer.status === 503 ? 503 : status, headers, body: '' };
}
