import { parsePdpScope } from '#foundation/model';

/** What a token may be used for at most; its owner's rights bound it further. */
export type Scope =
  | { readonly kind: 'admin' }
  | { readonly kind: 'read' }
  | { readonly kind: 'app'; readonly app: string; readonly access: 'all' | 'read' }
  | { readonly kind: 'pdp' }
  | { readonly kind: 'noun'; readonly noun: string; readonly access: 'read' | 'write' };

const nounText = /^[a-z][a-z0-9-]{0,62}$/;
const appText = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads `admin`, `read`, `<noun>:read`, `<noun>:write`, `app:<name>` `app:<name>:read` or a scope of the PDP. Undefined for anything else. */
export function parseScope(text: string): Scope | undefined {
  if (text === 'admin' || text === 'read') return { kind: text };
  if (parsePdpScope(text) !== undefined) return { kind: 'pdp' };
  const [noun = '', access, ...rest] = text.split(':');
  if (noun === 'app') {
    const isApp = appText.test(access ?? '') && (rest.length === 0 || (rest.length === 1 && rest[0] === 'read'));
    return isApp ? { kind: 'app', app: access ?? '', access: rest.length === 0 ? 'all' : 'read' } : undefined;
  }
  if (rest.length > 0 || !nounText.test(noun)) return undefined;
  return access === 'read' || access === 'write' ? { kind: 'noun', noun, access } : undefined;
}

/** Do these scopes cover an access to a noun? `write` covers `read` of the same noun; what cannot be read covers nothing. */
export function scopeAllows(scopes: readonly string[], wanted: { noun: string; access: 'read' | 'write' }): boolean {
  return scopes.some((text) => {
    const scope = parseScope(text);
    if (scope === undefined || scope.kind === 'app' || scope.kind === 'pdp') return false;
    if (scope.kind === 'admin') return true;
    if (scope.kind === 'read') return wanted.access === 'read';
    return scope.noun === wanted.noun && (scope.access === 'write' || wanted.access === 'read');
  });
}
