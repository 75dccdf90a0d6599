import { type GatewayRequest, isNavigation } from '#enforcement/gateway';
import type { PublicUrls } from '#shell/wire';
import { requestSource } from './request-source.ts';
import type { Site } from './sites.ts';

/**
 * Does the app cookie speak for this request? App hosts under one domain are same-site, so SameSite does not keep a hostile app's
 * page from sending requests to its neighbours with a person's cookie. The cookie counts for requests of the app's own pages
 * and for page loads by GET or HEAD (a link from elsewhere); others only where the resource says so.
 */
export function cookieCounts(request: GatewayRequest, { site, urls }: { site: Site; urls: PublicUrls }): boolean {
  if (site.resource.crossOriginCookie || requestSource(request, urls) !== 'other-page') return true;
  return request.method !== 'POST' && isNavigation(request);
}
