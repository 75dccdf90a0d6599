import { z } from 'zod';
import { type Reach, reachOf } from '#decision/administration';
import type { User } from '#foundation/model';
import { type AppAction, appActions, appQuestion, firstRoute } from '../app-question.ts';
import { mayAdminister } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { cursorAfter, pageQuery, paginate } from '../page.ts';
import { ApiProblem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { nameParams, viewFact } from '../view.ts';

/** People judged for one page; a filter that few pass makes short pages, not long waits. */
const judgedMax = 2_000;
/** People judged in one turn of the event loop. */
const judgedPerTurn = 100;
const yieldTurn = () => new Promise((resolve) => setImmediate(resolve));

const answerSchema = z.enum(['allow', 'deny', 'indeterminate']);
const actionView = z.strictObject({
  action: z.enum(appActions),
  answer: answerSchema,
  /** `@id`s of the deciding policies; none: no policy permits it. */
  reasons: z.array(z.string()),
});

const reachView = z.strictObject({
  resource: z.string(),
  route: z.string(),
  policySequence: z.int(),
  factRevision: z.int(),
  /** What anybody may do without signing in. */
  strangers: z.array(actionView),
  items: z.array(
    z.strictObject({
      user: z.string(),
      name: z.string(),
      displayName: z.string(),
      status: z.enum(['active', 'suspended']),
      /** From their newest session, or as if they had just signed in. */
      basis: z.enum(['session', 'sign-in', 'stranger']),
      actions: z.array(actionView),
    }),
  ),
  /** Every policy that decided something on this page. */
  policies: z.array(z.strictObject({ id: z.string(), file: z.string(), effect: z.string(), description: z.string() })),
  next: z.string().nullable(),
});

/** It names people and policies: whoever may not read those does not get them by way of an app. */
function checkRights(services: ApiServices, caller: Caller): void {
  for (const noun of ['user', 'policy'] as const) {
    if (mayAdminister(services, caller, { noun, action: 'read' })) continue;
    throw new ApiProblem({
      status: 403,
      code: 'denied',
      detail: `reach names people and policies, and you may not read \`${noun}\` here`,
    });
  }
}

const viewReach = ({ answers }: Reach): z.infer<typeof actionView>[] =>
  answers.map(({ action, verdict }) => ({
    action: action as AppAction,
    answer: verdict.answer,
    reasons: [...verdict.reasons],
  }));

const reachQuery = z.strictObject({
  ...pageQuery,
  /** Label of a route; that of the first page unless told. */
  route: z.string().max(63).optional(),
  /** Only people who get this answer for an action (for `action`, when that is given). */
  answer: answerSchema.optional(),
  action: z.enum(appActions).optional(),
  q: z.string().max(200).optional(),
});

interface Person {
  readonly id: string;
  readonly body: User;
}
const keyOf = ({ id, body }: Person) => `${body.name} ${id}`;

/** People in the order of their names whose answers pass the filter, until the page is full or enough were judged. */
async function judgePeople(
  services: ApiServices,
  { query, reach, signal }: { query: z.infer<typeof reachQuery>; reach: (user: Person) => Reach; signal: AbortSignal },
) {
  const text = query.q?.toLowerCase();
  const people = [...services.facts.all('user')]
    .filter(([, { name, displayName }]) => text === undefined || `${name} ${displayName}`.toLowerCase().includes(text))
    .map(([id, body]) => ({ id, body }));
  const candidates = paginate(people, { limit: judgedMax, cursor: query.cursor, keyOf });
  const items: z.infer<typeof reachView>['items'] = [];
  let last: Person | undefined;
  for (const [index, user] of candidates.items.entries()) {
    if (items.length >= query.limit || signal.aborted) break;
    if (index % judgedPerTurn === judgedPerTurn - 1) await yieldTurn();
    last = user;
    const found = reach(user);
    const actions = viewReach(found);
    if (query.answer !== undefined && !actions.some(({ answer }) => answer === query.answer)) continue;
    const { name, displayName, status } = user.body;
    items.push({ user: user.id, name, displayName, status, basis: found.basis, actions });
  }
  // After the last person who was judged, not after the last who is shown.
  const isAll = last === undefined || last === candidates.items.at(-1);
  return { items, next: isAll ? candidates.next : cursorAfter(keyOf(last as Person)) };
}

function decidingPolicies(services: ApiServices, answers: readonly z.infer<typeof actionView>[]) {
  const compiled = services.policies()?.compiled.policies;
  return [...new Set(answers.flatMap(({ reasons }) => reasons))].sort().flatMap((id) => {
    const policy = compiled?.get(id);
    if (policy === undefined) return [];
    const { file, effect, description } = policy;
    return [{ id, file, effect, description }];
  });
}

const reachRoute = route({
  method: 'GET',
  path: '/resources/:id/reach',
  noun: 'resource',
  action: 'read',
  summary: 'Who can do what on a resource right now, and which policies say so',
  params: nameParams,
  query: reachQuery,
  answer: reachView,
  handle: async ({ services, caller, params, query, signal }) => {
    checkRights(services, caller);
    const app = viewFact(services, 'resource', params.id);
    const label = query.route ?? firstRoute(app);
    const actions = query.action === undefined ? appActions : [query.action];
    const questions = actions.map((action) => appQuestion(services, app.id, { action, route: label }));
    const reach = (user: Person | null) =>
      reachOf({ view: services.facts, policies: services.policies(), now: services.clock(), user, questions });
    const strangers = viewReach(reach(null));
    const { items, next } = await judgePeople(services, { query, reach, signal });
    return {
      body: {
        resource: app.id,
        route: label,
        policySequence: services.policies()?.sequence ?? 0,
        factRevision: services.facts.revision,
        strangers,
        items,
        policies: decidingPolicies(services, [...strangers, ...items.flatMap((each) => each.actions)]),
        next,
      },
    };
  },
});

/** Sessions that hold a cookie for the app: who has been there and could go on. */
function sessionsOn(services: ApiServices, resource: string) {
  const now = services.clock();
  const sessions = new Set<string>();
  const people = new Set<string>();
  for (const [, cookie] of services.facts.all('app-cookie')) {
    if (cookie.resource !== resource) continue;
    const session = services.facts.get('session', cookie.session);
    if (session === undefined || session.status !== 'active' || session.expiresAt <= now) continue;
    sessions.add(cookie.session);
    people.add(session.user);
  }
  return { sessions: sessions.size, people: people.size };
}

const liveRoute = route({
  method: 'GET',
  path: '/resources/:id/live',
  noun: 'resource',
  action: 'read',
  summary: 'What goes on at a resource now: sessions that hold a cookie for it, and what is open at each gateway',
  params: nameParams,
  answer: z.strictObject({
    sessions: z.int(),
    people: z.int(),
    /** Requests, WebSockets and event streams that run, as the gateways said within the last seconds. */
    open: z.int(),
    gateways: z.array(z.strictObject({ name: z.string(), open: z.int(), reportedAt: z.int() })),
  }),
  handle: async ({ services, params }) => {
    const { id } = viewFact(services, 'resource', params.id);
    const gateways = services.gateways().flatMap(({ name, report, seenAt }) => {
      if (report === null || seenAt === null) return [];
      return [{ name, open: report.open.find(({ resource }) => resource === id)?.count ?? 0, reportedAt: seenAt }];
    });
    const open = gateways.reduce((sum, each) => sum + each.open, 0);
    return { body: { ...sessionsOn(services, id), open, gateways } };
  },
});

/** What is known about a resource beside its settings: who reaches it, and what is open. */
export const resourceReachRoutes: readonly Route[] = [reachRoute, liveRoute];
