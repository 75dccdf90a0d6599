import type { GatewayRequest } from './read-request.ts';
import { type Refusal, refuse } from './refusal.ts';

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

/**
 * Is this the question a browser asks before a cross-origin request (Fetch, "CORS-preflight")? Those carry neither
 * credentials nor a body; what does is no preflight, whatever its headers say.
 */
export function isPreflight(request: GatewayRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    headerOf(request, 'origin') !== undefined &&
    headerOf(request, 'access-control-request-method') !== undefined &&
    request.cookie === '' &&
    request.authorization === null &&
    !request.hasBody
  );
}

/** Is HTML acceptable and named before JSON? A bare wildcard, as command line clients send, does not count. */
export function prefersHtml(request: GatewayRequest): boolean {
  const accept = headerOf(request, 'accept')?.toLowerCase() ?? '';
  const html = accept.indexOf('text/html');
  const json = accept.search(/application\/(?:problem\+)?json/);
  return html >= 0 && (json < 0 || html < json);
}

/**
 * Does a page of another origin ask, as far as the browser says (`Sec-Fetch-Site`, else `Origin`)? Callers refuse WebSockets
 * of which this is true: browsers send cookies with them and no preflight protects them.
 */
export function isCrossOrigin(request: GatewayRequest): boolean {
  const origin = headerOf(request, 'origin');
  if (origin !== undefined) {
    const authority = request.port === null ? request.host : `${request.host}:${request.port}`;
    return origin !== `${request.tls ? 'https' : 'http'}://${authority}`;
  }
  const site = headerOf(request, 'sec-fetch-site');
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/**
 * Refuses a service worker script that lies at the root of an app: its scope would cover `/.nullius/`, and it would go on
 * answering there for an app that is no longer allowed. Scripts in folders are fine; their scope is that folder.
 */
export function refuseServiceWorker(request: GatewayRequest): Refusal | undefined {
  if (!request.isServiceWorkerScript) return undefined;
  const atRoot = request.segments.length <= 1 || request.segments[0] === '.nullius';
  return atRoot
    ? refuse(
        [403, 'service-worker'],
        'A service worker at the root would also stand before `/.nullius/`. Serve it from a folder.',
      )
    : undefined;
}
