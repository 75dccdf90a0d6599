import { z } from 'zod';
import { httpActivityClass } from '#evidence/log/recorded';
import type { RehearsalProgress, RehearsalReport } from '#foundation/model';
import { statesAfter } from '../../policy-states.ts';
import { UnpublishableError } from '../../publish.ts';
import {
  heldEntitiesMax,
  runSimulation,
  SimulationError,
  type SimulationOutcome,
} from '../../simulation/run-simulation.ts';
import type { ShippedSet } from '../../simulation/simulation-messages.ts';
import { mayAdminister } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { policyBodyBytesMax, policyFilesSchema, schemaText } from '../policy-shapes.ts';
import { problem } from '../problem.ts';
import { progressStream } from '../progress-stream.ts';
import { unpublishable } from '../publish-policies.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { checkAccessRights } from './policy-access.ts';

/** Rehearsals at once: each has a thread of its own. */
export const simulationsMax = 1;
const dayMs = 24 * 3_600_000;
const sinceDefaultMs = 7 * dayMs;
/** Of so many of the oldest decisions the revision is looked at: gateways may be a moment apart. */
const oldestLookedAt = 20;

const gainsView = z.strictObject({ key: z.string(), name: z.string(), gained: z.int(), lost: z.int() });
const sumView = z.strictObject({ decisions: z.int(), subjects: z.int() });
const reportView: z.ZodType<RehearsalReport> = z.strictObject({
  since: z.int(),
  until: z.int(),
  replayed: z.int(),
  same: z.int(),
  gained: sumView,
  lost: sumView,
  groups: z.array(
    z.strictObject({
      change: z.enum(['gained', 'lost']),
      subject: z.strictObject({ kind: z.enum(['user', 'token', 'stranger']), id: z.string(), name: z.string() }),
      resource: z.string(),
      action: z.string(),
      route: z.string(),
      count: z.int(),
      before: z.array(z.string()),
      after: z.array(z.string()),
      examples: z.array(z.string()),
    }),
  ),
  moreGroups: z.int(),
  bySubject: z.array(gainsView),
  byResource: z.array(gainsView),
  byPolicy: z.array(gainsView),
  notReproduced: z.strictObject({ count: z.int(), examples: z.array(z.string()) }),
  unverified: z.int(),
  otherFacts: z.int(),
  cutPaths: z.int(),
  skipped: z.strictObject({ erased: z.int(), counted: z.int(), ended: z.int(), damaged: z.int(), other: z.int() }),
  judged: z.int(),
  isComplete: z.boolean(),
  firstRevision: z.int(),
  lastRevision: z.int(),
  durationMs: z.int(),
  /** In words: what of this is not exact, and why. */
  approximations: z.array(z.string()),
});

/** It names people and what they did: whoever may not read those does not get them by way of a rehearsal. */
function checkSimulationRights(services: ApiServices, caller: Caller): void {
  checkAccessRights(services, caller);
  for (const noun of ['session', 'event'] as const) {
    if (mayAdminister(services, caller, { noun, action: 'read' })) continue;
    throw problem(
      403,
      'denied',
      `a rehearsal tells of people and what they did, and you may not read \`${noun}\` here`,
    );
  }
}

const times = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

function approximationsOf(outcome: SimulationOutcome): string[] {
  const { report, isComplete, firstRevision, lastRevision, areEntitiesHeld } = outcome;
  const { skipped, notReproduced, unverified, otherFacts, cutPaths, moreGroups } = report;
  const words: string[] = [];
  const say = (count: number, what: string) => {
    if (count > 0) words.push(what);
  };
  say(
    skipped.counted,
    `${times(skipped.counted, 'event counts', 'events count')} many requests of strangers each; those were not replayed.`,
  );
  say(skipped.erased, `${times(skipped.erased, 'decision', 'decisions')} about erased people cannot be read.`);
  say(
    skipped.ended,
    `${times(skipped.ended, 'event tells', 'events tell')} how an access ended: there is nothing to replay in that.`,
  );
  say(
    skipped.damaged,
    `The journal is damaged in ${times(skipped.damaged, 'place', 'places')}, and what lies there was not replayed: run \`nullius log verify\`.`,
  );
  say(skipped.other, `${times(skipped.other, 'event holds', 'events hold')} no question that could be asked again.`);
  say(
    otherFacts,
    `${times(otherFacts, 'decision was', 'decisions were')} judged by the nearest facts that are kept (revisions ${firstRevision} to ${lastRevision}) instead of their own.`,
  );
  say(cutPaths, `${times(cutPaths, 'path was', 'paths were')} longer than the journal keeps.`);
  say(
    unverified,
    `${times(unverified, 'decision was', 'decisions were')} made under publications that are no longer there; the recorded answer was taken as it is.`,
  );
  say(
    notReproduced.count,
    `${times(notReproduced.count, 'decision', 'decisions')} would come out differently under the policies of then already (such as preflights, which pass without policy); they count neither as gained nor as lost.`,
  );
  say(moreGroups, 'There are more groups than are listed; sums count all of them.');
  if (!areEntitiesHeld) {
    const most = `more than ${heldEntitiesMax} entities of applications, which a rehearsal does not hold`;
    words.push(`There are ${most}: decisions by policies that name one may come out differently.`);
  }
  if (!isComplete) words.push('There were more decisions than are replayed: choose a shorter time.');
  return words;
}

const bodySchema = z.strictObject({
  schema: schemaText.optional(),
  policies: policyFilesSchema.min(1),
  /** From this time on, milliseconds since the epoch; seven days unless told. */
  since: z.int().min(0).optional(),
  /** Before this time; now unless told. */
  until: z.int().min(0).optional(),
});
type Wanted = z.infer<typeof bodySchema>;

let running = 0;

/** The set to rehearse, parsed and validated. Throws ApiProblem 400. */
async function shippedSet(services: ApiServices, wanted: Wanted): Promise<ShippedSet> {
  const current = services.facts.get('publication', 'current');
  const schema = wanted.schema ?? current?.schema;
  if (schema === undefined) throw problem(400, 'no-schema', 'nothing is published yet; send a `schema` as well');
  const { policies } = wanted;
  const { problems, parsedForm } = await services.draftParser.prepare({ policies, schema });
  if (parsedForm === undefined) {
    throw unpublishable(new UnpublishableError(problems.filter(({ level }) => level === 'error')));
  }
  // As publishing would: who has a state keeps it.
  const states = statesAfter(current?.states ?? [], { changes: [], parsed: parsedForm, schema, policies });
  return { sequence: (current?.sequence ?? 0) + 1, schema, policies, parsed: parsedForm, states };
}

const simulateRoute = route({
  method: 'POST',
  path: '/policies/simulate',
  noun: 'policy',
  action: 'read',
  summary: 'Replays recorded decisions under other policies: who gains and who loses what; publishes nothing',
  body: bodySchema,
  bodyBytesMax: policyBodyBytesMax,
  answer: reportView,
  contentType: 'text/event-stream',
  handle: async ({ services, caller, body, signal }) => {
    checkSimulationRights(services, caller);
    if (running >= simulationsMax) {
      throw problem(503, 'too-many', 'a rehearsal is under way already; try again when it is done');
    }
    running += 1;
    try {
      const after = await shippedSet(services, body);
      const until = body.until ?? services.clock();
      const since = body.since ?? Math.max(0, until - sinceDefaultMs);
      const { items } = await services.events.query({
        since,
        until,
        classUid: httpActivityClass,
        order: 'oldest-first',
        limit: oldestLookedAt,
      });
      const oldestRevision = items.length === 0 ? null : Math.min(...items.map(({ factRevision }) => factRevision));
      const { facts, store, journalDirectory } = services;
      const run = async (
        onProgress: (progress: RehearsalProgress) => void,
        stop: AbortSignal,
      ): Promise<RehearsalReport> => {
        const begun = performance.now();
        const input = { journalDirectory, facts, store, since, until, after, oldestRevision, signal: stop, onProgress };
        const outcome = await runSimulation(input);
        const { report, areEntitiesHeld: _, ...rest } = outcome;
        const approximations = approximationsOf(outcome);
        const durationMs = Math.round(performance.now() - begun);
        return { since, until, ...report, ...rest, approximations, durationMs };
      };
      const problemOf = (error: unknown) => (error instanceof SimulationError ? { detail: error.message } : undefined);
      const onEnd = () => {
        running -= 1;
      };
      return { stream: progressStream({ run, problemOf, onEnd, signal }) };
    } catch (error) {
      running -= 1;
      throw error;
    }
  },
});

export const policySimulateRoutes: readonly Route[] = [simulateRoute];
