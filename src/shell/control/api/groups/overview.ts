import { z } from 'zod';
import { mayAdminister } from '../authorise.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { eventView } from './events.ts';

const recentDenialsMax = 10;
const activityBucketsMax = 96;
/** Events looked at for the activity chart; beyond, the counts are a floor. */
const activityEventsMax = 50_000;

function count(items: Iterable<unknown>): number {
  let total = 0;
  for (const _ of items) total += 1;
  return total;
}

function counts(services: ApiServices) {
  const { facts } = services;
  const now = services.clock();
  return {
    users: count(facts.all('user')),
    activeSessions: [...facts.all('session')].filter(([, each]) => each.status === 'active' && each.expiresAt > now)
      .length,
    resources: count(facts.all('resource')),
    segments: count(facts.all('segment')),
    groups: count(facts.all('group')),
    pendingGrants: [...facts.all('grant')].filter(([, each]) => each.state === 'requested').length,
    tokens: [...facts.all('token')].filter(([, each]) => each.status === 'active' && each.expiresAt > now).length,
    policies: services.policies()?.compiled.policies.size ?? 0,
  };
}

const countsView = z.strictObject({
  users: z.int(),
  activeSessions: z.int(),
  resources: z.int(),
  segments: z.int(),
  groups: z.int(),
  pendingGrants: z.int(),
  tokens: z.int(),
  policies: z.int(),
});

export const overviewRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/overview',
    noun: 'overview',
    action: 'read',
    summary: 'How this installation is: counts, policies, processes, recent denials, configuration',
    answer: z.strictObject({
      counts: countsView,
      policy: z
        .strictObject({
          sequence: z.int(),
          publishedAt: z.int(),
          author: z.string(),
          message: z.string(),
          compiles: z.boolean(),
        })
        .nullable(),
      revision: z.int(),
      epoch: z.int(),
      processes: z.array(
        z.strictObject({ name: z.string(), state: z.enum(['up', 'down']), detail: z.string().nullable() }),
      ),
      /** Empty for whoever may not read events. */
      recentDenials: z.array(eventView),
      config: z.strictObject({
        file: z.string().nullable(),
        state: z.enum(['ok', 'refused']),
        problem: z.string().nullable(),
        loadedAt: z.int(),
        /** Changed keys that take effect after a restart. */
        restart: z.array(z.string()),
      }),
    }),
    handle: async ({ services, caller }) => {
      const publication = services.facts.get('publication', 'current');
      const recentDenials = mayAdminister(services, caller, { noun: 'event', action: 'read' })
        ? await services.events.query({ order: 'newest-first', outcome: 'failure', limit: recentDenialsMax })
        : { items: [] };
      const { ownsPolicies: _owns, restart, ...config } = services.configStatus();
      return {
        body: {
          counts: counts(services),
          policy:
            publication === undefined
              ? null
              : {
                  sequence: publication.sequence,
                  publishedAt: publication.publishedAt,
                  author: publication.author,
                  message: publication.message,
                  compiles: services.policies() !== null,
                },
          revision: services.facts.revision,
          epoch: services.facts.epoch,
          processes: services.processes().map((each) => ({ ...each })),
          recentDenials: recentDenials.items.map((item) => ({ ...item })),
          config: { ...config, restart: [...restart] },
        },
      };
    },
  }),
  route({
    method: 'GET',
    path: '/overview/activity',
    noun: 'overview',
    action: 'read',
    summary: 'Events that succeeded and failed, counted in buckets of time',
    query: z.strictObject({
      since: z.coerce.number().int().min(0),
      bucketMs: z.coerce.number().int().min(60_000).max(86_400_000),
    }),
    answer: z.strictObject({
      items: z.array(z.strictObject({ start: z.int(), allowed: z.int(), denied: z.int() })),
      complete: z.boolean(),
    }),
    handle: async ({ services, query }) => {
      const now = services.clock();
      const start = Math.max(query.since, now - query.bucketMs * activityBucketsMax);
      const buckets = Array.from({ length: Math.max(1, Math.ceil((now - start) / query.bucketMs)) }, (_, index) => ({
        start: start + index * query.bucketMs,
        allowed: 0,
        denied: 0,
      }));
      let cursor: string | undefined;
      let seen = 0;
      do {
        const page = await services.events.query({
          order: 'newest-first',
          since: start,
          limit: 1000,
          ...(cursor === undefined ? {} : { cursor }),
        });
        for (const event of page.items) {
          const bucket = buckets[Math.floor((event.time - start) / query.bucketMs)];
          if (bucket === undefined) continue;
          if (event.statusId === 2) bucket.denied += 1;
          else bucket.allowed += 1;
        }
        seen += page.items.length;
        cursor = page.next ?? undefined;
      } while (cursor !== undefined && seen < activityEventsMax);
      return { body: { items: buckets, complete: cursor === undefined } };
    },
  }),
];
