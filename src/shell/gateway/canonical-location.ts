import { type GatewayRequest, isNavigation } from '#enforcement/gateway';
import type { PublicUrls } from '#shell/wire';

/**
 * There is one public URL for everything: page loads that came to the other listener (plain where TLS is canonical, or the
 * reverse under `localhost`) are sent there, because cookies, redirect URIs and passkeys belong to it. Programs are served
 * on both. Null: the request is where it belongs. The location is built from the parsed request, whose host names a site.
 */
export function canonicalLocation(urls: PublicUrls, request: GatewayRequest): string | null {
  if (request.tls === (urls.scheme === 'https') || !isNavigation(request) || request.method === 'POST') return null;
  const port = urls.port === null ? '' : `:${urls.port}`;
  return `${urls.scheme}://${request.host}${port}${request.target}`;
}
