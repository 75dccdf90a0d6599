import type { LiveStream } from '#decision/administration';
import { type GatewayRequest, headerOf, isRefusal, matchRoute } from '#enforcement/gateway';
import type { Asker, Question } from '#foundation/model';
import type { Identified } from './bearer.ts';
import { cookieCounts } from './cookie-counts.ts';
import type { Gate } from './gate.ts';
import { identifyAsker } from './identify-asker.ts';
import { reportCopiedCookie } from './rotate-cookie.ts';
import type { Site } from './sites.ts';

/** Who asks by this request, whether it came here or a proxy holds it. A cookie that was copied is reported. */
export function identifyRequest(
  gate: Gate,
  { request, site, now }: { request: GatewayRequest; site: Site; now: number },
): Identified {
  const identified = identifyAsker(
    {
      cookie: request.cookie !== '' && cookieCounts(request, { site, urls: gate.urls }) ? request.cookie : undefined,
      authorization: request.authorization ?? undefined,
      nulliusToken: headerOf(request, 'nullius-token'),
    },
    { bearers: gate.bearers, resource: site.id, now },
  );
  if (identified.copiedCookieHash !== null) void reportCopiedCookie(gate, identified.copiedCookieHash);
  return identified;
}

/** What is asked by a request to an app. */
export function questionOfRequest(
  request: GatewayRequest,
  { asker, site, route }: { asker: Asker; site: Site; route: string },
): Question {
  const { method, path, address, tls } = request;
  return {
    asker,
    action: request.action,
    resource: { type: 'App', id: site.id },
    // The host that was asked for, as the site has it: one text, not one cut out of each request.
    request: { method, host: site.host, path, route, address, tls, noun: '' },
  };
}

/** What is asked while it lasts: the route is the one that the app gives the path now. Throws when it takes such a path no more. */
export function questionNow(
  sites: ReadonlyMap<string, Site>,
  { question, path }: Pick<LiveStream, 'question' | 'path'>,
): Question {
  const routes = sites.get(question.request.host)?.resource.routes;
  if (routes === undefined || path === undefined) return question;
  const route = matchRoute(path, routes);
  if (isRefusal(route)) throw new Error(route.words);
  if (route.label === question.request.route) return question;
  return { ...question, request: { ...question.request, route: route.label } };
}
