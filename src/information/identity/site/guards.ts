import type { IncomingMessage, ServerResponse } from 'node:http';
import { IdentityError } from '../identity-error.ts';

/** Of every page that we build: no inline script or style, nothing from elsewhere, no framing: what might be injected does not run. */
export const pageContentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Headers of every answer: no framing (clickjacking), no inline script, no referrer to other sites. */
export function setSecurityHeaders(response: ServerResponse, scheme: 'http' | 'https'): void {
  response.setHeader('content-security-policy', pageContentSecurityPolicy);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('referrer-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('permissions-policy', 'publickey-credentials-get=(self), publickey-credentials-create=(self)');
  if (scheme === 'https') response.setHeader('strict-transport-security', 'max-age=31536000');
}

/**
 * Refuses a mutation that a page of another origin sent (CSRF): the browser itself says where it comes from. Without
 * both headers it is no browser of this decade, and refused as well.
 */
export function requireSameOrigin(request: IncomingMessage, origin: string): void {
  const site = request.headers['sec-fetch-site'];
  const claimed = request.headers.origin;
  const sameSite = site === undefined || site === 'same-origin';
  const sameOrigin = claimed === undefined || claimed === origin;
  if (!sameSite || !sameOrigin || (site === undefined && claimed === undefined)) {
    throw new IdentityError('forbidden', 'this request did not come from the sign-in page');
  }
}
