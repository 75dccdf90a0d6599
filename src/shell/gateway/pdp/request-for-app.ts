import { isIP } from 'node:net';
import type { AboutNeeds } from '#decision/administration';
import { isRefusal, matchRoute, readPath } from '#enforcement/gateway';
import type { FactView, Question } from '#foundation/model';
import type { PublicUrls } from '#shell/wire';
import { hostOf } from '../sites.ts';

/** What a request does when the caller does not say by which method. */
const methods: Readonly<Record<string, string>> = { read: 'GET', write: 'POST', delete: 'DELETE', connect: 'GET' };
const methodActions: Readonly<Record<string, readonly Question['action'][]>> = {
  GET: ['read', 'connect'],
  HEAD: ['read'],
  OPTIONS: ['read'],
  POST: ['write'],
  PUT: ['write'],
  PATCH: ['write'],
  DELETE: ['delete'],
};
/** An address that no policy means: what is not known must not look like a machine of ours. */
const addressUnknown = '0.0.0.0';

/**
 * Makes of a caller's words what the gateway would make of a request: the path is parsed strictly and the route is found by us, never
 * taken from the caller. Without a path it is the app's front page; without an address, one that lies in no network.
 */
export function requestForApp(facts: FactView, urls: PublicUrls): AboutNeeds['requestFor'] {
  return (app, { action, said }) => {
    const [method = methods[action], path = '/', tls = false] = [said('method'), said('path'), said('tls')];
    const address = said('address') ?? said('ip') ?? addressUnknown;
    if (
      typeof method !== 'string' ||
      !Object.hasOwn(methodActions, method) ||
      methodActions[method]?.includes(action) !== true
    )
      return `\`method\` must be one that does \`${action}\`, in capitals`;
    if (typeof path !== 'string') return '`path` must be a string';
    if (typeof address !== 'string' || isIP(address) === 0) return '`address` must be an IP address';
    if (typeof tls !== 'boolean') return '`tls` must be true or false';
    const parsed = readPath(path);
    if (isRefusal(parsed)) return `\`path\` is refused: ${parsed.words}`;
    const route = matchRoute(parsed, facts.get('resource', app)?.routes ?? []);
    if (isRefusal(route)) return `\`path\` is refused: ${route.words}`;
    return { method, host: hostOf(app, urls), path: parsed.path, route: route.label, address, tls, noun: '' };
  };
}
