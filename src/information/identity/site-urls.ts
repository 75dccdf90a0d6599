import type { SiteUrls } from './needs.ts';

/** Hosts under `domain` that are ours; every other resource lives under `appsDomain`. */
const reservedHosts = new Set(['id', 'console', 'pdp', 'device']);

function origin(urls: SiteUrls, host: string): string {
  return `${urls.scheme}://${host}${urls.port === null ? '' : `:${urls.port}`}`;
}

/** WebAuthn RP ID: exactly the sign-in host, so that no app host can ask for our assertions. */
export function relyingPartyId(urls: SiteUrls): string {
  return `id.${urls.domain}`;
}

/** Origin of the sign-in site, which is also the issuer (OpenID Connect Core section 2, `iss`). */
export function issuerOrigin(urls: SiteUrls): string {
  return origin(urls, relyingPartyId(urls));
}

/** Origin of a resource's host. */
export function resourceOrigin(urls: SiteUrls, resource: string): string {
  return origin(urls, `${resource}.${reservedHosts.has(resource) ? urls.domain : urls.appsDomain}`);
}

/** Where the provider sends the browser back to, per resource. */
export function callbackUrl(urls: SiteUrls, resource: string): string {
  return `${resourceOrigin(urls, resource)}/.nullius/callback`;
}
