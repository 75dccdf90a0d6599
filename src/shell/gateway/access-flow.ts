import { type Exchange, isRefusal, matchRoute } from '#enforcement/gateway';
import { accessEvent, isAdministration, isWorthAnEvent } from './access-event.ts';
import { answerAcme } from './answer-acme.ts';
import { answerRefusal, answerUnavailable, answerUnknownHost } from './answers.ts';
import { canonicalLocation } from './canonical-location.ts';
import { answerCookieFlood, isCookieFlood } from './cookie-flood.ts';
import { forwardAllowed } from './forward-allowed.ts';
import type { Gate } from './gate.ts';
import { judgeAccess } from './judge-access.ts';
import { isOwnEndpoint, serveOwnEndpoint } from './own-endpoints.ts';
import { servePdp } from './pdp/serve-pdp.ts';
import { identifyRequest, questionOfRequest } from './question-of-request.ts';
import { confirmCookie } from './rotate-cookie.ts';
import { redirect } from './sign-in.ts';
import { answerVerdict } from './verdict-answers.ts';

/**
 * The way of one request, from the client's bytes to the app or to a refusal. The order is the security argument: parse, name the
 * resource, establish the asker, judge, write the event, and only then act. Whatever is thrown here becomes a denial and an
 * event (`serve` in listeners.ts).
 */
export async function accessFlow(gate: Gate, exchange: Exchange): Promise<void> {
  const now = gate.clock();
  const id = gate.newId();
  const { request } = exchange;
  if (isRefusal(request)) return answerRefusal(gate, { exchange, id, request: null, refusal: request });

  if (answerAcme(gate, { exchange, request })) return;
  if (request.host === gate.pdp.host) return servePdp(gate, { exchange, id, request });
  const site = gate.sites().get(request.host);
  if (site === undefined) return answerUnknownHost(gate, { exchange, id, request });
  const canonical = canonicalLocation(gate.urls, request);
  if (canonical !== null) return redirect({ exchange, id }, canonical, []);
  if (isCookieFlood(request)) return answerCookieFlood(gate, { exchange, id, request });
  if (!gate.isFreshFor(site.sensitivity)) return answerUnavailable(gate, { exchange, id, request });
  // Control itself answers on our own sites: nobody is left waiting for it while it is away.
  if (site.upstream?.kind === 'unix' && !(await gate.isControlThere())) {
    return answerUnavailable(gate, { exchange, id, request });
  }

  const identified = identifyRequest(gate, { request, site, now });
  if (identified.cookie?.isNewestUnused === true) void confirmCookie(gate, identified);
  const context = { exchange, id, request, site, identified, now };
  if (isOwnEndpoint(request)) return serveOwnEndpoint(gate, context);

  const route = matchRoute(request, site.resource.routes);
  if (isRefusal(route)) return answerRefusal(gate, { exchange, id, request, refusal: route });

  const question = questionOfRequest(request, { asker: identified.asker, site, route: route.label });
  const epoch = gate.facts.epoch;
  const verdict = judgeAccess(gate, { question, request, site, identified, now });
  if (isWorthAnEvent(gate, { identified, question, verdict, site })) {
    const isReserved = isAdministration(gate, { site, asker: identified.asker });
    await gate.record(accessEvent(gate, { id, now, identified, question, verdict, request, site }), { isReserved });
  }
  if (verdict.answer !== 'allow') return answerVerdict(gate, { ...context, question, verdict });
  return forwardAllowed(gate, { exchange, id, request, site, identified, now, question, verdict, epoch });
}
