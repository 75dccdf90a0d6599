import { type GatewayRequest, headerOf } from '#enforcement/gateway';
import type { PublicUrls } from '#shell/wire';

/**
 * Who made the browser send a request: a page of this very host, a page of any other origin (sibling hosts too, although they
 * are same-site), the person alone (typed, a bookmark), or nothing is said: no browser of this decade.
 */
export type RequestSource = 'own-page' | 'other-page' | 'person' | 'unsaid';

/** Fetch Metadata decides where the browser sends it (pages cannot forge it), else an exact `Origin`. */
export function requestSource(request: GatewayRequest, urls: PublicUrls): RequestSource {
  const site = headerOf(request, 'sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' ? 'own-page' : site === 'none' ? 'person' : 'other-page';
  const origin = headerOf(request, 'origin');
  if (origin === undefined) return 'unsaid';
  const port = request.port === null ? '' : `:${request.port}`;
  return origin === `${urls.scheme}://${request.host}${port}` ? 'own-page' : 'other-page';
}
