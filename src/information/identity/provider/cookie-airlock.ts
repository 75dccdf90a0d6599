import type { IncomingMessage, ServerResponse } from 'node:http';
import { interactionsPerBrowserMax } from '../session-policy.ts';

/**
 * The provider's cookies leave as `__Host-` cookies and only those come in (RFC 6265bis section 4.1.3.2). Browsers let
 * nobody but this very host set them, so a hostile sibling (`evil.example.com` with `Domain=example.com`) cannot toss
 * a session or an interaction onto sign-in. The library itself could not: it refuses `Secure` on plain loopback HTTP,
 * and gives its interaction cookies a path, which `__Host-` forbids; here the path becomes part of the name.
 */
const prefix = '__Host-id_';
const sessionCookie = `${prefix}session`;

/** Names given to oidc-provider. */
export const libraryCookieNames = { session: 'session', interaction: 'interaction', resume: 'resume' } as const;

const cookiePairsMax = 100;
const tokenText = /^[A-Za-z0-9_-]{1,4096}$/;

/** The airlocked cookies of a request: exact `__Host-` names, first of each; everything else is dropped. */
export function readCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? '').split(';').slice(0, cookiePairsMax)) {
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    // Spaces and tabs only: `trim()` also takes what browsers regard as part of a name, and so as none of `__Host-`.
    const name = pair.slice(0, equals).replace(/^[ \t]+/, '');
    const value = pair.slice(equals + 1).replace(/[ \t]+$/, '');
    if (!name.startsWith(prefix) || cookies.has(name)) continue;
    if (tokenText.test(value)) cookies.set(name, value);
  }
  return cookies;
}

const nameFor = (kind: 'interaction' | 'resume', uid: string) => `${prefix}${kind}-${uid}`;

/** Does this browser hold the cookie of an interaction? */
export function holdsInteraction(cookies: ReadonlyMap<string, string>, uid: string): boolean {
  return cookies.get(nameFor('interaction', uid)) === uid;
}

/** The uid in `/interaction/<uid>…` or `/auth/<uid>`. */
function uidOfPath(path: string): { kind: 'interaction' | 'resume'; uid: string } | undefined {
  const [, first, uid] = path.split('/');
  if (uid === undefined || !tokenText.test(uid)) return undefined;
  if (first === 'interaction') return { kind: 'interaction', uid };
  return first === 'auth' ? { kind: 'resume', uid } : undefined;
}

/** Rewrites what comes in: only our `__Host-` cookies, under the names the library knows. */
export function admitCookies(request: IncomingMessage, path: string): Map<string, string> {
  const cookies = readCookies(request.headers.cookie);
  const admitted: string[] = [];
  const session = cookies.get(sessionCookie);
  if (session !== undefined) admitted.push(`${libraryCookieNames.session}=${session}`);
  const route = uidOfPath(path);
  if (route !== undefined && cookies.get(nameFor(route.kind, route.uid)) === route.uid) {
    admitted.push(`${libraryCookieNames[route.kind]}=${route.uid}`);
  }
  if (admitted.length === 0) delete request.headers.cookie;
  else request.headers.cookie = admitted.join('; ');
  return cookies;
}

/** Rewrites what goes out, at the moment the head is written. `held`: what the browser sent, to bound what it keeps. */
export function airlockResponse(response: ServerResponse, held: ReadonlyMap<string, string>): void {
  const writeHead = response.writeHead;
  const airlocked = (...args: Parameters<typeof writeHead>): ServerResponse => {
    const set = response.getHeader('set-cookie');
    if (set !== undefined) {
      response.removeHeader('set-cookie');
      const lines = (Array.isArray(set) ? set : [String(set)]).flatMap((line) => leave(line) ?? []);
      const opened = lines.some((line) => line.name.startsWith(`${prefix}interaction-`) && !line.gone);
      const cookies = [...lines.map((line) => line.text), ...(opened ? dropOldest(held) : [])];
      if (cookies.length > 0) response.setHeader('set-cookie', cookies);
    }
    return Reflect.apply(writeHead, response, args);
  };
  response.writeHead = airlocked as typeof writeHead;
}

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax';

/** A cookie of the site itself, in the only form that leaves here. */
export function ownCookie(name: string, options: { value: string; maxAgeSeconds: number }): string {
  return `${prefix}${name}=${options.value}; ${attributes}; Max-Age=${options.maxAgeSeconds}`;
}

/** One Set-Cookie of the library, renamed; undefined for anything it should not set. Our own pass as they are. */
function leave(line: string): { name: string; text: string; gone: boolean } | undefined {
  if (line.startsWith(prefix)) return { name: '', gone: false, text: line };
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
  const equals = pair.indexOf('=');
  const libraryName = pair.slice(0, equals);
  const value = pair.slice(equals + 1);
  const attribute = (wanted: string) =>
    rest.map((part) => part.split('=')).find(([key = '']) => key.toLowerCase() === wanted)?.[1];
  const expires = attribute('expires');
  const gone = value === '' || (expires !== undefined && Date.parse(expires) === 0);
  const route = uidOfPath(attribute('path') ?? '/');
  const name =
    libraryName === libraryCookieNames.session
      ? sessionCookie
      : route !== undefined && (libraryName === 'interaction' || libraryName === 'resume')
        ? nameFor(libraryName, route.uid)
        : undefined;
  if (name === undefined) return undefined;
  const lifetime = gone ? '; Max-Age=0' : expires === undefined ? '' : `; Expires=${expires}`;
  return { name, gone, text: `${name}=${gone ? '' : value}; ${attributes}${lifetime}` };
}

/** Cookies of sign-ins left behind in other tabs: all but the newest few go (browsers send the oldest first). */
function dropOldest(held: ReadonlyMap<string, string>): string[] {
  const open = [...held.keys()].filter((name) => name.startsWith(`${prefix}interaction-`));
  return open.slice(0, Math.max(0, open.length - interactionsPerBrowserMax + 1)).flatMap((name) => {
    const uid = name.slice(`${prefix}interaction-`.length);
    return [name, nameFor('resume', uid)].map((gone) => `${gone}=; ${attributes}; Max-Age=0`);
  });
}
