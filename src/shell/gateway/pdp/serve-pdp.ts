import {
  authzenPaths,
  checkPath,
  isObject,
  MalformedRequest,
  type Properties,
  type ProxyKind,
  parseStrictJson,
  pdpMetadata,
} from '#enforcement/adapters';
import { type Exchange, type GatewayRequest, headerOf, readWholeBody } from '#enforcement/gateway';
import { originOf } from '#shell/wire';
import type { Gate } from '../gate.ts';
import { answerError, answerJson, requestIdLengthMax } from './answer.ts';
import { evaluateMany, evaluateOne } from './evaluate.ts';
import { failGrpc, grpcStatus, serveExtAuthz } from './forwarded/ext-authz.ts';
import { proxyPaths, serveForwardAuth } from './forwarded/forward-auth.ts';
import { callerHeader } from './forwarded/judge-forwarded.ts';
import type { KnownCall, PdpCall } from './pdp.ts';
import { searchFor } from './search.ts';

/** Bytes of one request body. */
export const pdpBodyBytesMax = 1_048_576;
/** A body is here by then, or its sender is stalling. */
const bodyMsMax = 10_000;

type Handler = (gate: Gate, call: KnownCall, body: Properties) => Promise<void>;

const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [authzenPaths.evaluation, evaluateOne],
  [authzenPaths.evaluations, evaluateMany],
  [authzenPaths.subject, searchFor('subject')],
  [authzenPaths.resource, searchFor('resource')],
  [authzenPaths.action, searchFor('action')],
]);

/**
 * The way of one call to the PDP (OpenID AuthZEN Authorization API 1.0): read, establish the caller, read what it asks, judge within
 * its scope, write the event, and only then answer. What is thrown here becomes an error and never a yes.
 */
export async function servePdp(
  gate: Gate,
  {
    exchange,
    id,
    request,
    origin = originOf(gate.urls, 'pdp'),
  }: { exchange: Exchange; id: string; request: GatewayRequest; origin?: string },
): Promise<void> {
  const now = gate.clock();
  const requestId = headerOf(request, 'x-request-id');
  const call: PdpCall = { exchange, request, id, now, requestId: requestId === '' ? undefined : requestId };
  if (requestId !== undefined && requestId.length > requestIdLengthMax) {
    const words = `\`X-Request-ID\` is longer than ${requestIdLengthMax} characters.`;
    return answerError({ ...call, requestId: undefined }, { status: 400, words });
  }
  if (request.path === authzenPaths.metadata) return serveMetadata(call, origin);
  const proxy = request.segments[0] === 'auth' ? proxyPaths.get(request.segments[1] ?? '') : undefined;
  if (proxy !== undefined || request.path === checkPath) return serveProxy(gate, call, proxy ?? null);
  const { certificate } = exchange.connection;
  const caller = gate.pdp.callers.identify(request, { authorization: request.authorization, certificate, now });
  if (!('tokenId' in caller)) {
    gate.metrics.count(`nullius_pdp_refused_total{status="${caller.status}"}`);
    return answerError(call, caller);
  }
  const handler = handlers.get(request.path);
  if (handler === undefined) return answerError(call, { status: 404, words: 'The PDP has nothing at this address.' });
  if (request.method !== 'POST')
    return answerError(call, { status: 405, words: 'This address of the PDP takes POST only.' });
  if (!gate.isFreshFor('low')) {
    gate.metrics.count('nullius_unavailable_total');
    return answerError(call, {
      status: 503,
      words: 'The PDP has lost touch with control and does not decide on old facts.',
    });
  }
  const body = await readBody(call);
  if ('status' in body) return answerError(call, body);
  gate.metrics.count('nullius_pdp_calls_total');
  try {
    await handler(gate, { ...call, caller }, body.value);
  } catch (error) {
    if (!(error instanceof MalformedRequest)) throw error;
    answerError(call, { status: 400, words: error.message });
  }
}

/**
 * A proxy that holds a request. It shows its own token in a header of its own, because `Authorization` may be its client's, or the certificate
 * of its own connection. What it says in headers about certificates of its clients is nobody's.
 */
async function serveProxy(gate: Gate, call: PdpCall, kind: ProxyKind | null): Promise<void> {
  const { exchange, request, now } = call;
  const shown = request.headers.filter((name, at) => at % 2 === 0 && name === callerHeader).length;
  const own = shown === 1 ? `Bearer ${headerOf(request, callerHeader)}` : null;
  const authorization = own ?? (kind === null && shown === 0 ? request.authorization : null);
  const certificate = shown === 0 ? exchange.connection.certificate : undefined;
  const caller = gate.pdp.callers.identify(request, { authorization, certificate, now });
  if (!('tokenId' in caller)) {
    gate.metrics.count(`nullius_pdp_refused_total{status="${caller.status}"}`);
    if (kind !== null)
      return answerError(call, { status: 403, words: `${caller.words} Proxies show it as \`Nullius-Caller\`.` });
    const status = caller.status === 401 ? grpcStatus.unauthenticated : grpcStatus.permissionDenied;
    return failGrpc(call, { status, words: caller.words });
  }
  gate.metrics.count('nullius_pdp_calls_total');
  return kind === null ? serveExtAuthz(gate, { ...call, caller }) : serveForwardAuth(gate, { ...call, caller }, kind);
}

function serveMetadata(call: PdpCall, origin: string): void {
  const { method } = call.request;
  if (method === 'GET' || method === 'HEAD') answerJson(call, pdpMetadata(origin));
  else answerError(call, { status: 405, words: 'The metadata are read by GET.' });
}

async function readBody(call: PdpCall): Promise<{ status: number; words: string } | { value: Properties }> {
  const { client } = call.exchange;
  const { request } = call;
  if (!isJson(headerOf(request, 'content-type'))) {
    return { status: 400, words: 'The body must be JSON: send `Content-Type: application/json`.' };
  }
  const tooLarge = { status: 413, words: `The body is larger than ${pdpBodyBytesMax} bytes, or did not come whole.` };
  if ((request.contentLength ?? 0) > pdpBodyBytesMax) return tooLarge;
  if (!request.hasBody) return { status: 400, words: 'The body is empty.' };
  if (request.expectsContinue) client.sendContinue();
  const timer = setTimeout(() => client.destroy(), bodyMsMax);
  const bytes = await readWholeBody(client.body, pdpBodyBytesMax);
  clearTimeout(timer);
  if (bytes === undefined) return tooLarge;
  const parsed = parseStrictJson(bytes);
  if ('problem' in parsed) return { status: 400, words: `${parsed.problem}.` };
  return isObject(parsed.value) ? { value: parsed.value } : { status: 400, words: 'The body must be a JSON object.' };
}

/** RFC 9110 8.3: the type, with or without parameters. */
function isJson(contentType: string | undefined): boolean {
  const end = contentType?.indexOf(';') ?? -1;
  const type = end < 0 ? contentType : contentType?.slice(0, end);
  return type?.trim().toLowerCase() === 'application/json';
}
