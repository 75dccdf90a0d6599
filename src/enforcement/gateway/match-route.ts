import type { Route } from '#foundation/model';
import type { ParsedPath } from './read-path.ts';
import { type Refusal, refuse } from './refusal.ts';

/** A route as the fact table has it, split once. */
interface CompiledRoute {
  readonly pattern: readonly string[];
  readonly anyRest: boolean;
  readonly route: Route;
}

const compiled = new WeakMap<readonly Route[], readonly CompiledRoute[]>();

/**
 * The label of the first route that matches, `default` when none does. Matching is over decoded segments: `*` is one
 * non-empty segment, a final `**` any rest (none included), and a trailing slash makes no difference, because to most
 * apps it makes none. Paths with encoded slashes need a matching route that says `encodedSlash`.
 */
export function matchRoute(
  parsed: Pick<ParsedPath, 'segments' | 'hasEncodedSlash'>,
  routes: readonly Route[],
): { readonly label: string } | Refusal {
  const hit = compile(routes).find((candidate) => matches(candidate, parsed.segments));
  if (parsed.hasEncodedSlash) {
    // An app that decodes first would see more segments: that reading must not fall under a stricter route either.
    const split = parsed.segments.flatMap((segment) => segment.split('/'));
    const otherHit = compile(routes).find((candidate) => matches(candidate, split));
    if (hit?.route.encodedSlash !== true || otherHit?.route.encodedSlash === false) {
      return refuse([400, 'bad-path'], 'The path has an encoded slash, and no route of this app allows it.');
    }
  }
  return { label: hit?.route.label ?? 'default' };
}

function compile(routes: readonly Route[]): readonly CompiledRoute[] {
  let list = compiled.get(routes);
  if (list === undefined) {
    list = routes.map((route) => {
      const pattern = route.path.slice(1).split('/');
      if (pattern.at(-1) === '') pattern.pop();
      const anyRest = pattern.at(-1) === '**';
      if (anyRest) pattern.pop();
      return { pattern, anyRest, route };
    });
    compiled.set(routes, list);
  }
  return list;
}

function matches({ pattern, anyRest }: CompiledRoute, segments: readonly string[]): boolean {
  const count = segments.at(-1) === '' ? segments.length - 1 : segments.length;
  if (count < pattern.length || (!anyRest && count > pattern.length)) return false;
  return pattern.every((part, index) => part === '*' || part === segments[index]);
}
