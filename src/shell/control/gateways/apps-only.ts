import type { FactView } from '#foundation/model';
import { localGatewayName } from '#shell/wire';
import { problem } from '../api/problem.ts';
import type { GatewayCallHandlers, GatewayPeer } from '../gateway-socket.ts';
import type { IdentityCalls } from '../identity/index.ts';

/**
 * Identity's calls as gateways may make them: one on another machine speaks for apps alone. It knows the hash of every cookie, so that one
 * that was taken over would otherwise have an administrator's cookie for the console rotated, get the new value, and use it where the
 * console is served.
 */
export function forAppsOnly(
  calls: IdentityCalls,
  facts: Pick<FactView, 'get' | 'appCookieByHash' | 'replacedAppCookieByHash'>,
): Pick<GatewayCallHandlers, keyof IdentityCalls> {
  const check = ({ name }: GatewayPeer, resource: string | undefined) => {
    if (name === localGatewayName || resource === undefined) return;
    if (facts.get('resource', resource)?.origin !== 'builtin') return;
    throw problem(403, 'not-here', `\`${resource}\` is served where control is; the gateway \`${name}\` serves apps`);
  };
  const openedBy = (hash: string) =>
    (facts.appCookieByHash(hash) ?? facts.replacedAppCookieByHash(hash))?.body.resource;
  return {
    ...calls,
    'sign-in/begin': async (request, peer) => {
      check(peer, request.resource);
      return calls['sign-in/begin'](request);
    },
    'sign-in/finish': async (request, peer) => {
      check(peer, request.resource);
      return calls['sign-in/finish'](request);
    },
    'sign-out': async (request, peer) => {
      check(peer, openedBy(request.cookieHash));
      return calls['sign-out'](request);
    },
    'cookie/rotate': async (request, peer) => {
      check(peer, openedBy(request.cookieHash));
      return calls['cookie/rotate'](request);
    },
    'cookie/confirm': async (request, peer) => {
      check(peer, openedBy(request.cookieHash));
      return calls['cookie/confirm'](request);
    },
    assertions: async (request, peer) => {
      for (const { resource } of request.asked) check(peer, resource);
      return calls.assertions(request);
    },
  };
}
