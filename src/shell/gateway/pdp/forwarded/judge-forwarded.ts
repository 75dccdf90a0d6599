import type { ForwardedRequest } from '#enforcement/adapters';
import {
  type Answer,
  type GatewayRequest,
  isDisguised,
  isNavigation,
  isRefusal,
  matchRoute,
  type Refusal,
  readRequest,
  refusalAnswer,
  refuse,
  viewOfRefusal,
  withoutOwnCookies,
} from '#enforcement/gateway';
import { pdpScopeCovers, type Question, type Verdict } from '#foundation/model';
import { accessEvent, isWorthAnEvent } from '../../access-event.ts';
import { isCookieFlood } from '../../cookie-flood.ts';
import type { Gate, Judged } from '../../gate.ts';
import { judgeAccess } from '../../judge-access.ts';
import { isOwnEndpoint } from '../../own-endpoints.ts';
import { identifyRequest, questionNow, questionOfRequest } from '../../question-of-request.ts';
import { verdictAnswer } from '../../verdict-answers.ts';
import type { KnownCall } from '../pdp.ts';

/** What a proxy is told. */
export type ForwardedOutcome =
  | {
      readonly kind: 'allowed';
      /** Flat: what the app shall get instead of what the client sent. */
      readonly identity: readonly string[];
    }
  | {
      readonly kind: 'refused';
      /** What the client shall get. */
      readonly answer: Answer;
      /** Where a person signs in, for proxies that cannot hand our answer on; null when that would not help. */
      readonly signIn: string | null;
    };

/** Fields about the connection to us, and of the proxy itself: no part of the request that is judged. */
const notJudged = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'te', 'expect']);
const addressUnknown = '0.0.0.0';

/**
 * Judges a request that another proxy holds, as the gateway would if it had come here: the same strict reader, the same cookie and
 * tokens, the same event. Only an app that the caller may ask about.
 */
export async function judgeForwarded(
  gate: Gate,
  call: KnownCall,
  { forwarded, headers }: { forwarded: ForwardedRequest; headers: readonly string[] },
): Promise<ForwardedOutcome> {
  const { id, now, caller } = call;
  const request = readHeld(forwarded, headers);
  if (isRefusal(request)) return refused(null, { id, refusal: request });
  const site = gate.sites().get(request.host);
  const isCovered = site !== undefined && pdpScopeCovers(caller.scope, { app: site.id, isSearch: false });
  // Our own sites are served by ourselves alone, and so is our own folder on every host.
  if (!isCovered || site.upstream?.kind === 'unix' || isOwnEndpoint(request))
    return refused(request, { id, refusal: unknownApp });
  if (isCookieFlood(request)) return refused(request, { id, refusal: tooManyCookies });
  if (!gate.isFreshFor(site.sensitivity)) return refused(request, { id, refusal: unavailable });
  const identified = identifyRequest(gate, { request, site, now });
  const route = matchRoute(request, site.resource.routes);
  if (isRefusal(route)) return refused(request, { id, refusal: route });
  const question = questionOfRequest(request, { asker: identified.asker, site, route: route.label });
  const isHandshake = handshakeNames.some((name) => has(headers, name));
  const judge = (asked: Question, at: number) =>
    judgeBoth(gate, { question: asked, request, site, identified, now: at, isHandshake });
  const { epoch } = gate.facts;
  const verdict = judge(question, now);
  const judged = { id, request, site, identified, now, question, verdict };
  if (isWorthAnEvent(gate, judged)) await gate.record(accessEvent(gate, { ...judged, via: caller.tokenId }));
  if (verdict.answer !== 'allow') return refusedBy(gate, judged);
  const identity = await identityFor(gate, judged);
  if (!gate.isFreshFor(site.sensitivity)) return refused(request, { id, refusal: unavailable });
  // What changed while the event and the assertion were made counts: the proxy lets the request through with this answer.
  if (gate.facts.revision === verdict.factRevision && gate.facts.epoch === epoch) return { kind: 'allowed', identity };
  const asked = questionNow(gate.sites(), { question, path: request });
  const later = gate.clock();
  const again = { ...judged, id: gate.newId(), now: later, question: asked, verdict: judge(asked, later) };
  if (again.verdict.answer === 'allow') return { kind: 'allowed', identity };
  await gate.record(accessEvent(gate, { ...again, via: caller.tokenId }));
  return refusedBy(gate, again);
}

/** The request as the proxy holds it, read by the same reader as one that comes to us. */
function readHeld(forwarded: ForwardedRequest, headers: readonly string[]): GatewayRequest | Refusal {
  const rawHeaders = ['host', forwarded.authority];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    // The gateway drops such a field; the proxy lets the app have it beside ours.
    if (isDisguised(name)) return refuse([400, 'bad-header'], 'The request has a header that imitates one of ours.');
    const isWebSocket = headers[at + 1]?.toLowerCase() === 'websocket' && forwarded.method === 'GET';
    if (name === 'http2-settings' || (name === 'upgrade' && !isWebSocket))
      return refuse([400, 'bad-upgrade'], 'Only a WebSocket upgrade of a GET is served.');
    if (!notJudged.has(name) && name !== callerHeader) rawHeaders.push(name, headers[at + 1] ?? '');
  }
  const host = forwarded.authority.replace(/:\d+$/, '').toLowerCase();
  const facts = {
    address: forwarded.address ?? addressUnknown,
    tls: forwarded.tls,
    servername: forwarded.tls ? host : null,
  };
  const { method, target } = forwarded;
  const head = {
    httpVersion: '1.1',
    method,
    target,
    authority: null,
    scheme: null,
    protocol: null,
    rawHeaders,
    endsStream: true,
  } as const;
  return readRequest(head, facts);
}

/** The header by which a proxy shows its own token: `Authorization` may be the client's. */
export const callerHeader = 'nullius-caller';

/** Not every proxy tells of the upgrade, and an app may do without the key. */
const handshakeNames = ['upgrade', 'sec-websocket-key'];

const has = (headers: readonly string[], wanted: string) => headers.some((name, at) => at % 2 === 0 && name === wanted);

/** A handshake of a WebSocket is no read: what looks like one must be allowed as both. */
function judgeBoth(
  gate: Gate,
  { isHandshake, ...access }: Parameters<typeof judgeAccess>[1] & { isHandshake: boolean },
): Verdict {
  const verdict = judgeAccess(gate, access);
  if (!isHandshake || access.question.action !== 'read' || verdict.answer !== 'allow') return verdict;
  return judgeAccess(gate, { ...access, question: { ...access.question, action: 'connect' } });
}

type JudgedHere = Omit<Judged, 'exchange'>;

/** Who the app shall believe to be asking, and what of the client's own credentials it may see. */
async function identityFor(gate: Gate, { id, identified, request, site, now }: JudgedHere): Promise<string[]> {
  const identity = ['nullius-decision', id];
  const bearer = identified.bearer === null ? null : gate.bearers.now(identified.bearer);
  if (bearer !== null) {
    identity.push(...(await gate.assertions.get(bearer, site.id)).pairs);
    gate.seen.saw(bearer, now);
  }
  const cookie = withoutOwnCookies(request.cookie);
  if (cookie !== '') identity.push('nullius-cookie', cookie);
  if (request.authorization !== null && !identified.tokenInAuthorization) {
    identity.push('nullius-authorization', request.authorization);
  }
  return identity;
}

const unknownApp: Refusal = {
  refused: true,
  status: 403,
  code: 'bad-host',
  words: 'There is no app at this address that this proxy may ask about.',
};
const tooManyCookies: Refusal = {
  refused: true,
  status: 431,
  code: 'bad-header',
  words: 'The request has too many cookies.',
};
const unavailable: Refusal = {
  refused: true,
  status: 503,
  code: 'upstream-unreachable',
  words: 'Nullius has lost touch with its control process, and does not decide on old facts. Try again shortly.',
};

function refused(request: GatewayRequest | null, { id, refusal }: { id: string; refusal: Refusal }): ForwardedOutcome {
  const view = viewOfRefusal(refusal, { request, correlationId: id });
  return { kind: 'refused', answer: refusalAnswer(view, request), signIn: null };
}

/** A judged no: as at the gateway, strangers who can sign in are sent there, others learn why. */
function refusedBy(gate: Gate, judged: JudgedHere): ForwardedOutcome {
  const { request, identified } = judged;
  const answer = verdictAnswer(gate, judged);
  const isStranger = identified.asker.kind === 'anonymous';
  const maySignIn = isStranger && gate.remedies(judged.question, judged.now).some(({ kind }) => kind === 'sign-in');
  if (!maySignIn) return { kind: 'refused', answer, signIn: null };
  const authority = request.port === null ? request.host : `${request.host}:${request.port}`;
  const returnTo = encodeURIComponent(request.method === 'GET' ? request.target : '/');
  const signIn = `${request.tls ? 'https' : 'http'}://${authority}/.nullius/sign-in?return_to=${returnTo}`;
  if (!isNavigation(request)) return { kind: 'refused', answer, signIn };
  const headers = [
    'location',
    signIn,
    'cache-control',
    'no-store',
    'nullius-decision',
    judged.id,
    'content-length',
    '0',
  ];
  return { kind: 'refused', answer: { status: 303, headers, body: '' }, signIn };
}
