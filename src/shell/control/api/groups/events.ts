import { z } from 'zod';
import { mayAdminister } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { pageLimitMax } from '../page.ts';
import { noEvent, problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices, EventView } from '../services.ts';
import { idParams } from '../view.ts';

export const eventView = z.looseObject({
  id: z.string(),
  time: z.int(),
  writer: z.string(),
  seq: z.int(),
  classUid: z.int(),
  activityId: z.int(),
  severityId: z.int(),
  statusId: z.int(),
  policySequence: z.int(),
  factRevision: z.int(),
  /** Null when the person it is about was erased, or it is damaged. Holds what clients sent: attacker-controlled data. */
  payload: z.record(z.string(), z.unknown()).nullable(),
  /** The payload does not open, or is nothing that an honest writer leaves. */
  isDamaged: z.boolean(),
});

const time = z.coerce.number().int().min(0).optional();
const eventQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(pageLimitMax).default(50),
  cursor: z.string().max(1000).optional(),
  order: z.enum(['newest-first', 'oldest-first']).default('newest-first'),
  since: time,
  until: time,
  class: z.coerce.number().int().optional(),
  user: z.string().max(200).optional(),
  resource: z.string().max(200).optional(),
  outcome: z.enum(['success', 'failure']).optional(),
  q: z.string().max(200).optional(),
  shadow: z.enum(['allow', 'deny', 'any']).optional(),
});

/** Streams at once; a browser tab is one. */
export const eventStreamsMax = 100;
/** Events that wait for a slow reader; then it is cut and comes back with what it missed through the list. */
const waitingBytesMax = 1024 * 1024;
const heartbeatMs = 15_000;
/** While a stream is open its reader's right is judged again this often. */
const rightCheckMs = 1000;
let openStreams = 0;

function streamEvents(services: ApiServices, caller: Caller, signal: AbortSignal): ReadableStream<Uint8Array> {
  if (openStreams >= eventStreamsMax)
    throw problem(503, 'too-many-streams', `${eventStreamsMax} event streams are open already; close one`);
  openStreams += 1;
  let end = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const encoder = new TextEncoder();
        const send = (text: string) => {
          if ((controller.desiredSize ?? 0) < -waitingBytesMax) return end();
          controller.enqueue(encoder.encode(text));
        };
        const stopTail = services.events.tail((event: EventView) => {
          send(`id: ${event.id}\nevent: journal\ndata: ${JSON.stringify(event)}\n\n`);
        });
        const heartbeat = setInterval(() => send(': alive\n\n'), heartbeatMs);
        const check = setInterval(() => {
          if (!mayAdminister(services, caller, { noun: 'event', action: 'read' })) end();
        }, rightCheckMs);
        let ended = false;
        end = () => {
          if (ended) return;
          ended = true;
          openStreams -= 1;
          stopTail();
          clearInterval(heartbeat);
          clearInterval(check);
          controller.close();
        };
        signal.addEventListener('abort', () => end());
        send('retry: 2000\n\n');
      },
      cancel: () => end(),
    },
    { highWaterMark: 1, size: (chunk) => chunk?.byteLength ?? 0 },
  );
}

export const eventRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/events',
    noun: 'event',
    action: 'read',
    summary: 'Searches the journals, newest first unless `order=oldest-first`',
    query: eventQuery,
    answer: z.object({ items: z.array(eventView), next: z.string().nullable() }),
    handle: async ({ services, query }) => {
      const { items, next } = await services.events.query({
        limit: query.limit,
        order: query.order,
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
        ...(query.since === undefined ? {} : { since: query.since }),
        ...(query.until === undefined ? {} : { until: query.until }),
        ...(query.class === undefined ? {} : { classUid: query.class }),
        ...(query.user === undefined ? {} : { user: query.user }),
        ...(query.resource === undefined ? {} : { resource: query.resource }),
        ...(query.outcome === undefined ? {} : { outcome: query.outcome }),
        ...(query.q === undefined ? {} : { text: query.q }),
        ...(query.shadow === undefined ? {} : { shadow: query.shadow }),
      });
      return { body: { items: items.map((item) => ({ ...item })), next } };
    },
  }),
  route({
    method: 'GET',
    path: '/events/stream',
    noun: 'event',
    action: 'read',
    summary: 'Events as they are written, as server-sent events named `journal`',
    answer: eventView,
    contentType: 'text/event-stream',
    handle: async ({ services, caller, signal }) => ({ stream: streamEvents(services, caller, signal) }),
  }),
  route({
    method: 'GET',
    path: '/events/:id',
    noun: 'event',
    action: 'read',
    summary: 'One event, by its id (the correlation id that people see)',
    params: idParams,
    answer: eventView,
    handle: async ({ services, params }) => {
      const event = await services.events.find(params.id);
      if (event === undefined) throw noEvent(params.id);
      return { body: { ...event } };
    },
  }),
];
