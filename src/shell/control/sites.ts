import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from '#foundation/http';

/** What a caller of our sockets may take: they are the gateway and the CLI, but a slow or broken one must not hold us. */
const limits = {
  maxHeaderSize: 32_768,
  requestTimeout: 60_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 60_000,
} as const;

/**
 * The server behind the gateway: the Host header selects the site, exactly. The gateway has checked the host and judged the
 * request; a host that is none of ours is refused.
 */
export function createSiteServer(sites: ReadonlyMap<string, RequestListener>): Server {
  return createServer(limits, (request: IncomingMessage, response: ServerResponse) => {
    const host = (request.headers.host ?? '').toLowerCase().replace(/:[0-9]{1,5}$/, '');
    const site = sites.get(host);
    if (site === undefined) {
      response.writeHead(421, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('No such site here.\n');
      return;
    }
    site(request, response);
  });
}

/** The server on the admin socket: the API, and nothing else. */
export function createAdminServer(api: RequestListener): Server {
  return createServer(limits, api);
}
