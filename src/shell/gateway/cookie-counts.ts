import { type GatewayRequest, headerOf, isNavigation } from '#enforcement/gateway';
import type { PublicUrls } from '#shell/wire';
import type { Site } from './sites.ts';

/**
 * Does the app cookie speak for this request? App hosts under one domain are same-site, so SameSite does not keep a hostile app's
 * page from sending requests to its neighbours with a person's cookie. The cookie counts for requests of the app's own pages
 * and for page loads by GET or HEAD (a link from elsewhere); others only where the resource takes cross-origin requests.
 * Fetch Metadata decides where the browser sends it (pages cannot forge it), `Origin` where it does not.
 */
export function cookieCounts(request: GatewayRequest, { site, urls }: { site: Site; urls: PublicUrls }): boolean {
  if (site.resource.corsPreflight) return true;
  const from = headerOf(request, 'sec-fetch-site');
  if (from === 'same-origin' || from === 'none') return true;
  if (from === undefined) {
    const origin = headerOf(request, 'origin');
    const port = request.port === null ? '' : `:${request.port}`;
    if (origin === undefined || origin === `${urls.scheme}://${request.host}${port}`) return true;
  }
  return request.method !== 'POST' && isNavigation(request);
}
