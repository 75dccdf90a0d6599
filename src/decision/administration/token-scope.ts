import { parsePdpScope, type Question } from '#foundation/model';

/**
 * Do a token's scopes cover this question? Scopes only ever narrow what the owner may do; policies are asked as well.
 *
 * `admin`: all administration. `read`: reading in all of it. `<noun>:read`, `<noun>:write`: one noun of it; writing includes
 * reading, which `If-Match` needs. `app:<name>`, `app:<name>:read`: one app behind the gateway. A scope of the PDP (`parsePdpScope`)
 * covers asking it, and nothing else. Nothing else covers anything.
 */
export function scopesCover(
  scopes: readonly string[],
  question: Pick<Question, 'action' | 'resource' | 'request'>,
): boolean {
  const { action, resource } = question;
  if (resource.type === 'App') {
    // The console's host carries the administration API, which asks again for every call, with its noun.
    if (resource.id === 'console' && scopes.some(isAdministrative)) return true;
    const wanted = action === 'read' ? [`app:${resource.id}`, `app:${resource.id}:read`] : [`app:${resource.id}`];
    return scopes.some((scope) => wanted.includes(scope));
  }
  const { noun } = question.request;
  if (action !== 'administer-read' && action !== 'administer-write') return false;
  // A noun that itself looks like a scope for apps must not be taken for one.
  if (noun === '' || noun === 'app' || noun.includes(':')) return scopes.includes('admin');
  if (noun === 'pdp' && action === 'administer-read' && scopes.some((scope) => parsePdpScope(scope) !== undefined)) {
    return true;
  }
  const wanted =
    action === 'administer-read' ? ['admin', 'read', `${noun}:read`, `${noun}:write`] : ['admin', `${noun}:write`];
  return scopes.some((scope) => wanted.includes(scope));
}

function isAdministrative(scope: string): boolean {
  if (scope === 'admin' || scope === 'read') return true;
  const [noun, access, ...rest] = scope.split(':');
  return noun !== 'app' && rest.length === 0 && (access === 'read' || access === 'write');
}
