import type { PublicUrls } from './handoff.ts';

/** Origin of one of our own hosts (`id`, `console`, `pdp`, `device`), such as `http://console.localhost:8080`. */
export function originOf(urls: PublicUrls, host: 'id' | 'console' | 'pdp' | 'device'): string {
  return originUnder(urls, `${host}.${urls.domain}`);
}

/** Origin of an app host, such as `https://wiki.apps.example.com`. */
export function appOriginOf(urls: PublicUrls, app: string): string {
  return originUnder(urls, `${app}.${urls.appsDomain}`);
}

/** The issuer identifier of our OpenID Provider: the origin of `id`, without a trailing slash. */
export function issuerOf(urls: PublicUrls): string {
  return originOf(urls, 'id');
}

function originUnder(urls: PublicUrls, host: string): string {
  return `${urls.scheme}://${host}${urls.port === null ? '' : `:${urls.port}`}`;
}
