const returnPathCharactersMax = 2000;

/**
 * Reads where to go after sign-in (attacker-controlled): a path and query of the app's own host, never another host.
 * The URL parser of browsers decides, not a pattern: what it resolves to must have the same origin, and be written
 * the same way. Anything else becomes `/`.
 */
export function parseReturnPath(text: string, origin: string): string {
  if (text.length > returnPathCharactersMax || !URL.canParse(text, origin)) return '/';
  const url = new URL(text, origin);
  const path = url.pathname + url.search;
  const sameWriting = text === path || text === path + url.hash;
  if (url.origin !== origin || !sameWriting || url.pathname.startsWith('//')) return '/';
  if (url.pathname.split('/')[1] === '.nullius') return '/';
  return path;
}
