import type { PublicUrls } from '../wire/index.ts';

/**
 * The one canonical public address: plain HTTP on loopback when the domain is `localhost`, else HTTPS. Ports are those
 * really bound (0 resolved); `publicPort` is what people outside see when something in front translates ports.
 */
export function derivePublicUrls(input: {
  readonly domain: string;
  readonly appsDomain: string | undefined;
  readonly plainPort: number | null;
  readonly tlsPort: number | null;
  readonly publicPort: number | undefined;
}): PublicUrls {
  const scheme = input.domain === 'localhost' ? 'http' : 'https';
  const port = input.publicPort ?? (scheme === 'http' ? input.plainPort : input.tlsPort);
  const standard = scheme === 'http' ? 80 : 443;
  return {
    domain: input.domain,
    appsDomain: input.appsDomain ?? input.domain,
    scheme,
    port: port === standard ? null : port,
  };
}

/** The origin of one of our reserved hosts, such as `console`. */
export function reservedOrigin(urls: PublicUrls, host: 'id' | 'console' | 'pdp' | 'device'): string {
  return originOf(urls, `${host}.${urls.domain}`);
}

/** The origin of an app: `https://wiki.apps.example`. */
export function appOrigin(urls: PublicUrls, resource: string): string {
  const ours = resource === 'id' || resource === 'console';
  return originOf(urls, `${resource}.${ours ? urls.domain : urls.appsDomain}`);
}

function originOf(urls: PublicUrls, host: string): string {
  return `${urls.scheme}://${host}${urls.port === null ? '' : `:${urls.port}`}`;
}
