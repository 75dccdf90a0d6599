import type { Route } from '#foundation/model';

export type RoutesReading =
  | { readonly state: 'good'; readonly routes: readonly Route[] }
  | { readonly state: 'bad'; readonly words: string };

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads routes, one a line: `/path/** label`, and `encoded-slash` at the end where `%2F` shall pass inside a segment. */
export function readRoutes(text: string): RoutesReading {
  const routes: Route[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '') continue;
    const [path = '', name = '', flag, ...rest] = words;
    const where = `Line ${index + 1}: `;
    if (!path.startsWith('/')) return { state: 'bad', words: `${where}begin with the path, such as /admin/**.` };
    if (/\*\*./.test(path)) return { state: 'bad', words: `${where}** stands only at the end.` };
    if (!label.test(name)) {
      return { state: 'bad', words: `${where}after the path comes a label of lower-case letters, digits and hyphens.` };
    }
    if ((flag !== undefined && flag !== 'encoded-slash') || rest.length > 0) {
      return { state: 'bad', words: `${where}after the label only encoded-slash may stand.` };
    }
    routes.push({ path, label: name, encodedSlash: flag === 'encoded-slash' });
  }
  return { state: 'good', routes };
}

/** Writes routes so that readRoutes() reads them back. */
export function formatRoutes(routes: readonly Route[]): string {
  return routes.map((route) => `${route.path} ${route.label}${route.encodedSlash ? ' encoded-slash' : ''}`).join('\n');
}
