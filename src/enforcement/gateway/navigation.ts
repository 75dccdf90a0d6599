import type { GatewayRequest } from './read-request.ts';

/** The last field of this name (lower-case), or undefined. */
export function headerOf(request: GatewayRequest, name: string): string | undefined {
  for (let at = 0; at < request.headers.length; at += 2) {
    if (request.headers[at] === name) return request.headers[at + 1];
  }
  return undefined;
}

/**
 * Does a person look at the answer as a page? Browsers say so themselves (Fetch Metadata, which pages cannot forge); only
 * for clients without it `Accept` decides. Anything else gets a 401, never a redirect it would follow blindly.
 */
export function isNavigation(request: GatewayRequest): boolean {
  if (
    request.upgrade !== null ||
    (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'POST')
  ) {
    return false;
  }
  const mode = headerOf(request, 'sec-fetch-mode');
  const destination = headerOf(request, 'sec-fetch-dest');
  if (mode !== undefined) return mode === 'navigate' && (destination === undefined || destination === 'document');
  return prefersHtml(request) && headerOf(request, 'x-requested-with') === undefined;
}

/** Is HTML acceptable and named before JSON? A bare wildcard, as command line clients send, does not count. */
export function prefersHtml(request: GatewayRequest): boolean {
  const accept = headerOf(request, 'accept')?.toLowerCase() ?? '';
  const html = accept.indexOf('text/html');
  const json = accept.search(/application\/(?:problem\+)?json/);
  return html >= 0 && (json < 0 || html < json);
}
