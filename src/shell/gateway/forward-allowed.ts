import { type ForwardHandle, forwardedFields, KeptFields, type Refusal, requestHeadersFor } from '#enforcement/gateway';
import { accessEvent } from './access-event.ts';
import { answerGatewayRefusal, answerUnavailable } from './answers.ts';
import type { Gate, Judged } from './gate.ts';
import { judgeAccess } from './judge-access.ts';
import { questionNow } from './question-of-request.ts';
import { rotatedCookie } from './rotate-cookie.ts';
import { answerVerdict } from './verdict-answers.ts';

/**
 * Sends an allowed request on: identity attached, our own credentials taken off, and the running exchange entered among
 * the live ones so that it ends when the answer does.
 */
export async function forwardAllowed(gate: Gate, judged: Judged & { readonly epoch: number }): Promise<void> {
  const { exchange, request, site, identified, id } = judged;
  const { asker } = identified;
  if (site.upstream === null)
    return answerGatewayRefusal(gate, {
      ...judged,
      status: 502,
      words: 'The address of this app cannot be used. An administrator can correct it.',
    });
  const kept = [forwardedFields(exchange.connection, { host: site.host, port: request.port })];
  const bearer = identified.bearer === null ? null : gate.bearers.now(identified.bearer);
  if (bearer !== null) {
    const assertion = gate.assertions.get(bearer, site.id);
    kept.push(assertion instanceof KeptFields ? assertion : await assertion);
    gate.seen.saw(bearer, judged.now);
  }
  const rotating = rotatedCookie(gate, judged);
  const ownSetCookie = rotating === null ? null : await rotating;
  // While the event was written and the assertion made, facts may have changed, and a stream that is not registered yet is not
  // cut. So the answer is asked for again here, and from here to the registration nothing waits.
  const { question, verdict } = standing(gate, judged);
  if (verdict.answer !== 'allow') return refuseAfterAll(gate, { ...judged, question, verdict });
  if (!gate.isFreshFor(site.sensitivity)) return answerUnavailable(gate, judged);
  const isOwnSite = site.upstream.kind === 'unix';
  // Only the provider's site sets cookies of ours: they are its sign-in state.
  const ownService = isOwnSite && site.id === 'id';
  const headers = requestHeadersFor(request, {
    own: ['nullius-decision', id],
    // The console's API takes app tokens itself; elsewhere a token was for the gateway.
    keepAuthorization: !identified.tokenInAuthorization || site.id === 'console',
    host: isOwnSite || site.resource.preserveHost ? authorityOf(judged) : site.upstream.authority,
    ownService: isOwnSite,
  });
  let handle: ForwardHandle | undefined;
  let cutBefore: string | undefined;
  const userId = bearer?.userId ?? null;
  const unregister = gate.live.register({
    sessionId: asker.kind === 'session' ? asker.sessionId : null,
    userId,
    question,
    path: request,
    verdict,
    cut: (reason) => {
      cutBefore = reason.words.join(' ');
      gate.metrics.count(`nullius_cuts_total{kind="${reason.kind}"}`);
      handle?.cut(cutBefore);
      gate.cuts.note({ id, question, request, site, userId }, reason);
    },
  });
  handle = gate.forward({
    request,
    client: exchange.client,
    headers,
    kept,
    upstream: gate.upstreams.upstreamFor(site.upstream, { allowPrivate: isOwnSite || site.resource.allowPrivate }),
    ownService,
    sweep: gate.sweep,
    strictTransportSecurity: request.tls ? 'max-age=31536000' : null,
    bodyBytesMax: null,
    ownSetCookie,
    answerRefusal: (refusal: Refusal) =>
      answerGatewayRefusal(gate, { ...judged, status: refusal.status, words: refusal.words }),
    onEnd: unregister,
  });
  if (cutBefore !== undefined) handle.cut(cutBefore);
}

/** Question and verdict, or both anew when the facts have moved on since. */
function standing(gate: Gate, judged: Judged & { readonly epoch: number }): Pick<Judged, 'question' | 'verdict'> {
  const { verdict, epoch } = judged;
  if (gate.facts.revision === verdict.factRevision && gate.facts.epoch === epoch) return judged;
  const question = questionNow(gate.sites(), { question: judged.question, path: judged.request });
  return { question, verdict: judgeAccess(gate, { ...judged, question, now: gate.clock() }) };
}

/** The yes in the journal did not stand: the no gets an event of its own. */
async function refuseAfterAll(gate: Gate, judged: Judged): Promise<void> {
  const again = { ...judged, id: gate.newId(), now: gate.clock() };
  await gate.record(accessEvent(gate, again));
  return answerVerdict(gate, again);
}

function authorityOf({ request }: Judged): string {
  return request.port === null ? request.host : `${request.host}:${request.port}`;
}
