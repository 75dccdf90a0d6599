import { z } from 'zod';
import { pdpMetadata } from '#enforcement/adapters';
import { readPdpScope } from '#foundation/model';
import { originOf } from '#shell/wire';
import { newestFirst } from '../page.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { tokenView, viewAll, viewToken } from '../view.ts';

const callerView = tokenView.extend({
  /** When a gateway last answered it, as far as those running now remember. */
  lastUsedAt: z.int().nullable(),
});

const listenerView = z.object({ gateway: z.string(), url: z.string() });

const pdpView = z.object({
  /** Where enforcement points anywhere reach it. */
  url: z.string(),
  metadata: z.record(z.string(), z.string()),
  /** Listeners for those on the machines of gateways, by gateway. */
  listeners: z.array(listenerView),
  /** Listeners that take a client certificate in place of a token, by gateway. */
  mutualTls: z.array(listenerView),
  callers: z.array(callerView),
});

function lastUses(services: ApiServices): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  for (const { report } of services.gateways()) {
    for (const { token, at } of report?.pdp?.callers ?? []) uses.set(token, Math.max(uses.get(token) ?? 0, at));
  }
  return uses;
}

function listenersOf(services: ApiServices, kind: 'url' | 'mutualTlsUrl') {
  return services.gateways().flatMap(({ name, report }) => {
    const url = report?.pdp?.[kind] ?? null;
    return url === null ? [] : [{ gateway: name, url }];
  });
}

export const pdpRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/pdp',
    noun: 'pdp',
    action: 'read',
    summary: 'Where the policy decision point answers, and who may ask it',
    answer: pdpView,
    handle: async ({ services }) => {
      const url = originOf(services.urls, 'pdp');
      const uses = lastUses(services);
      const callers = [...viewAll(services, 'token')]
        .filter(({ scopes }) => readPdpScope(scopes) !== null)
        .map((token) => ({ ...viewToken(token), lastUsedAt: uses.get(token.id) ?? null }));
      const order = ({ createdAt, id }: { createdAt: number; id: string }) => newestFirst(createdAt, id);
      return {
        body: {
          url,
          metadata: { ...pdpMetadata(url) },
          listeners: listenersOf(services, 'url'),
          mutualTls: listenersOf(services, 'mutualTlsUrl'),
          callers: callers.sort((a, b) => (order(a) < order(b) ? -1 : 1)),
        },
      };
    },
  }),
];
