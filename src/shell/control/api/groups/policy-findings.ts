import { z } from 'zod';
import { answerOf, policyErrorsOf, shadowEffectsOf } from '#evidence/log';
import { mayAdminister } from '../authorise.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices, EventQuery, EventView } from '../services.ts';

const dayMs = 86_400_000;
/** Pages of events that one count looks at; then it says so. */
const pagesMax = 20;
const countPage = 1_000;

const query = z.strictObject({ since: z.coerce.number().int().min(0).optional() });

/** What was counted of each policy since then. */
const countsOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({
    since: z.int(),
    /** False: there were more events than were looked at, and the newest were. */
    isComplete: z.boolean(),
    items: z.array(item),
  });

/** Calls back for the newest events that match, of the last day unless told. */
async function countEvents(
  { events, clock }: ApiServices,
  filter: Pick<EventQuery, 'shadow' | 'errors'> & { readonly since: number | undefined },
  onEvent: (event: EventView) => void,
): Promise<{ since: number; isComplete: boolean }> {
  const since = filter.since ?? clock() - dayMs;
  let cursor: string | undefined;
  let pages = 0;
  do {
    const more = cursor === undefined ? {} : { cursor };
    const page = await events.query({ ...filter, since, order: 'newest-first', limit: countPage, ...more });
    for (const event of page.items) onEvent(event);
    cursor = page.next ?? undefined;
    pages += 1;
  } while (cursor !== undefined && pages < pagesMax);
  return { since, isComplete: cursor === undefined };
}

interface ShadowCount {
  policy: string;
  allow: number;
  deny: number;
  lastAt: number;
  example: string;
}

const shadowRoute = route({
  method: 'GET',
  path: '/policies/shadow',
  noun: 'policy',
  action: 'read',
  summary: 'What policies that are not in force would have changed, counted from the journals',
  query,
  answer: countsOf(
    z.strictObject({
      policy: z.string(),
      /** Decisions it would have turned into a permission, and into a refusal. */
      allow: z.int(),
      deny: z.int(),
      lastAt: z.int(),
      /** Id of the newest such event. */
      example: z.string(),
    }),
  ),
  handle: async ({ services, query: { since } }) => {
    const counts = new Map<string, ShadowCount>();
    const counted = await countEvents(services, { since, shadow: 'any' }, ({ id, time, payload }) => {
      for (const { policy, answer } of shadowEffectsOf(payload)) {
        const count = counts.get(policy) ?? { policy, allow: 0, deny: 0, lastAt: time, example: id };
        count[answer] += 1;
        counts.set(policy, count);
      }
    });
    const items = [...counts.values()].sort((a, b) => b.allow + b.deny - (a.allow + a.deny));
    return { body: { ...counted, items } };
  },
});

interface ErrorCount {
  policy: string;
  times: number;
  refused: number;
  message: string | null;
  lastAt: number;
  example: string | null;
}

/** What a policy that failed says may quote a value of any length. */
const errorLengthMax = 200;

const errorsRoute = route({
  method: 'GET',
  path: '/policies/errors',
  noun: 'policy',
  action: 'read',
  summary:
    'Policies that failed while they were judged, counted from the journals: findings, for their authors to mend',
  query,
  answer: countsOf(
    z.strictObject({
      policy: z.string(),
      times: z.int(),
      /** How often the request was refused although others permitted it, because this `forbid` failed. */
      refused: z.int(),
      /** What failed, the last time, cut; null for who may not read events. */
      message: z.string().nullable(),
      lastAt: z.int(),
      /** Id of the newest such event; null for who may not read events. */
      example: z.string().nullable(),
    }),
  ),
  handle: async ({ services, caller, query: { since } }) => {
    const counts = new Map<string, ErrorCount>();
    const policies = services.policies()?.compiled.policies;
    const tells = mayAdminister(services, caller, { noun: 'event', action: 'read' });
    const counted = await countEvents(services, { since, errors: 'any' }, ({ id, time, payload }) => {
      const isRefused = answerOf(payload) === 'indeterminate';
      for (const { policy, message } of policyErrorsOf(payload)) {
        const told = tells
          ? { message: message.slice(0, errorLengthMax), example: id }
          : { message: null, example: null };
        const count = counts.get(policy) ?? { policy, times: 0, refused: 0, lastAt: time, ...told };
        count.times += 1;
        if (isRefused && policies?.get(policy)?.effect === 'forbid') count.refused += 1;
        counts.set(policy, count);
      }
    });
    const items = [...counts.values()].sort((a, b) => b.times - a.times);
    return { body: { ...counted, items } };
  },
});

/** What the journals tell of policies: what those in shadow would have changed, and which failed. */
export const policyFindingsRoutes: readonly Route[] = [shadowRoute, errorsRoute];
