import { existsSync, globSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Asset } from '#information/identity';

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};

export interface Pages {
  page(): Asset | undefined;
  asset(path: string): Asset | undefined;
}

/**
 * The built pages, read once; `page` is the one that answers every address without a file. Requests are looked up in this list and never become file names, so no path can
 * lead out of the folder. Without a build there are no pages, and the site says so.
 */
export function loadPages(folder: string, page = 'sign-in.html'): Pages {
  const files = new Map<string, Asset>();
  const names = existsSync(folder) ? globSync('{assets/**/*,*}', { cwd: folder, withFileTypes: true }) : [];
  for (const entry of names) {
    const contentType = contentTypes[extname(entry.name)];
    if (!entry.isFile() || contentType === undefined) continue;
    const file = join(entry.parentPath, entry.name);
    const path = `/${file.slice(folder.length).replace(/^\/+/, '')}`;
    files.set(path, { body: readFileSync(file), contentType, immutable: path.split('/')[1] === 'assets' });
  }
  return {
    page: () => files.get(`/${page}`),
    asset: (path) => (path.endsWith('.html') ? undefined : files.get(path)),
  };
}
