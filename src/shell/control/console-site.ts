import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { pageContentSecurityPolicy } from '#information/identity';
import { loadPages } from './identity/pages.ts';

const pageHeaders = {
  'content-security-policy': pageContentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

/** Host `console`: the API under `/api/`, the built files, and for every other path the page, which routes by itself. */
export function createConsoleSite(options: {
  readonly api: RequestListener;
  readonly pagesFolder: string;
}): RequestListener {
  const pages = loadPages(options.pagesFolder, 'index.html');
  return (request, response) => {
    // Only the path is looked at; the gateway has refused every ambiguous form of it.
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/api' || path.startsWith('/api/')) return options.api(request, response);
    serveFile(request, response, { path, pages });
  };
}

function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  { path, pages }: { path: string; pages: ReturnType<typeof loadPages> },
): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { ...pageHeaders, allow: 'GET, HEAD' });
    response.end();
    return;
  }
  const asset = pages.asset(path);
  const found = asset ?? (path.startsWith('/assets/') ? undefined : pages.page());
  if (found === undefined) {
    const words = path.startsWith('/assets/')
      ? 'Not found.\n'
      : 'The console is not built; run `npm ci` in the checkout.\n';
    response.writeHead(404, { ...pageHeaders, 'content-type': 'text/plain; charset=utf-8' });
    response.end(words);
    return;
  }
  response.writeHead(200, {
    ...pageHeaders,
    'content-type': found.contentType,
    'content-length': found.body.byteLength,
    'cache-control': found.immutable === true ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  response.end(request.method === 'HEAD' ? undefined : found.body);
}
