import { z } from 'zod';
import { findRemedies, judge } from '#decision/administration';
import { toIdentifier } from '#foundation/encoding';
import { type Grant, nameSchema } from '#foundation/model';
import { appOriginOf, originOf } from '#shell/wire';
import { appQuestion } from '../app-question.ts';
import { mayAdminister } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { change } from '../change.ts';
import { newestFirst } from '../page.ts';
import { notFound, problem } from '../problem.ts';
import { type Noun, nouns, type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { grantView, idParams, sessionView, viewFact, viewGrant, viewSession } from '../view.ts';
import { grantDuration, grantDurationMsDefault } from './grants.ts';
import { revokeSessions } from './users.ts';

/** Requests of one person that wait for an answer. */
const openRequestsMax = 50;

const meView = z.strictObject({
  kind: z.enum(['user', 'token', 'operator']),
  user: z
    .strictObject({
      id: z.string(),
      name: z.string(),
      displayName: z.string(),
      email: z.string().nullable(),
      groups: z.array(z.string()),
    })
    .nullable(),
  session: sessionView
    .pick({
      id: true,
      credential: true,
      provider: true,
      authTime: true,
      expiresAt: true,
      bound: true,
      phishingResistant: true,
    })
    .nullable(),
  rights: z.strictObject({ read: z.array(z.enum(nouns)), write: z.array(z.enum(nouns)) }),
  urls: z.strictObject({ console: z.string(), id: z.string(), apps: z.string() }),
  version: z.string(),
});

const appView = z.strictObject({
  id: z.string(),
  displayName: z.string(),
  description: z.string(),
  url: z.string(),
  segment: z.string().nullable(),
  answer: z.enum(['allow', 'deny', 'indeterminate']),
  words: z.array(z.string()),
  remedies: z.array(z.strictObject({ kind: z.string(), words: z.string() })),
  requestable: z.boolean(),
});

/** The person who calls; programs and the local operator have no apps and grants of their own. */
function personOf(caller: Caller): { id: string } {
  if (caller.user === null) throw problem(409, 'no-person', 'this is about a person, and no person is signed in here');
  return caller.user;
}

function sessionOf(services: ApiServices, caller: Caller) {
  if (caller.sessionId === null) return null;
  const { id, credential, provider, authTime, expiresAt, bound, phishingResistant } = viewFact(
    services,
    'session',
    caller.sessionId,
  );
  return { id, credential, provider, authTime, expiresAt, bound, phishingResistant };
}

/** May the caller open the app's first page? The gateway asks again for every request. */
function viewApp(services: ApiServices, caller: Caller, id: string): z.infer<typeof appView> {
  const resource = viewFact(services, 'resource', id);
  const asked = appQuestion(services, id, { action: 'read' });
  const question = { ...asked, asker: caller.asker, request: { ...asked.request, address: caller.address } };
  const input = { view: services.facts, policies: services.policies(), question, now: services.clock() };
  const verdict = judge(input);
  return {
    id,
    displayName: resource.displayName,
    description: resource.description,
    url: `${appOriginOf(services.urls, id)}/`,
    segment: resource.segment,
    answer: verdict.answer,
    words: [...verdict.words],
    remedies: verdict.answer === 'allow' ? [] : findRemedies(input).map(({ kind, words }) => ({ kind, words })),
    requestable: resource.requestable,
  };
}

const ownHosts: readonly string[] = ['id', 'console'];

const profileRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/me',
    noun: 'me',
    action: 'read',
    summary: 'Who am I, and what may I read and change here',
    answer: meView,
    handle: async ({ services, caller }) => {
      const allowed = (action: 'read' | 'write'): Noun[] =>
        nouns.filter((noun) => mayAdminister(services, caller, { noun, action }));
      const { user } = caller;
      return {
        body: {
          kind: caller.isOperator ? 'operator' : caller.tokenId !== null ? 'token' : 'user',
          user:
            user === null
              ? null
              : {
                  id: user.id,
                  name: user.body.name,
                  displayName: user.body.displayName,
                  email: user.body.email,
                  groups: user.body.groups,
                },
          session: sessionOf(services, caller),
          rights: { read: allowed('read'), write: allowed('write') },
          urls: {
            console: originOf(services.urls, 'console'),
            id: originOf(services.urls, 'id'),
            apps: appOriginOf(services.urls, '{app}'),
          },
          version: services.version,
        },
      };
    },
  }),
  route({
    method: 'GET',
    path: '/me/apps',
    noun: 'me',
    action: 'read',
    summary: 'The apps, and for each whether I may open it, why not, and what would help',
    answer: z.strictObject({ items: z.array(appView) }),
    handle: async ({ services, caller }) => {
      personOf(caller);
      const ids = [...services.facts.all('resource')].map(([id]) => id).filter((id) => !ownHosts.includes(id));
      const apps = ids.sort().map((id) => viewApp(services, caller, id));
      // What a person may neither open nor ask for is none of their business.
      return { body: { items: apps.filter((app) => app.answer === 'allow' || app.remedies.length > 0) } };
    },
  }),
];

const ownRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/me/grants',
    noun: 'me',
    action: 'read',
    summary: 'My just-in-time access: asked for, running, ended',
    answer: z.strictObject({ items: z.array(grantView) }),
    handle: async ({ services, caller }) => {
      const grants = services.facts
        .grantsOf(personOf(caller).id)
        .map(({ id }) => viewGrant(services, viewFact(services, 'grant', id)));
      const key = (grant: (typeof grants)[number]) => newestFirst(grant.requestedAt, grant.id);
      return { body: { items: grants.sort((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, 200) } };
    },
  }),
  route({
    method: 'POST',
    path: '/me/grants',
    noun: 'me',
    action: 'write',
    summary: 'Asks for just-in-time access to an app',
    body: z.strictObject({
      resource: nameSchema,
      reason: z.string().max(500),
      durationMs: grantDuration.default(grantDurationMsDefault),
    }),
    answer: grantView,
    status: 201,
    handle: async ({ services, caller, body }) => {
      const id = await requestGrant(services, caller, body);
      const made = viewGrant(services, viewFact(services, 'grant', id));
      return { body: made, revision: made.revision };
    },
  }),
  route({
    method: 'GET',
    path: '/me/sessions',
    noun: 'me',
    action: 'read',
    summary: 'My sessions',
    answer: z.strictObject({ items: z.array(sessionView) }),
    handle: async ({ services, caller }) => {
      const sessions = services.facts
        .sessionsOf(personOf(caller).id)
        .filter(({ body }) => body.status === 'active')
        .map(({ id }) => viewSession(services, viewFact(services, 'session', id)));
      return { body: { items: sessions } };
    },
  }),
  route({
    method: 'POST',
    path: '/me/sessions/:id/revoke',
    noun: 'me',
    action: 'write',
    summary: 'Ends one of my sessions',
    params: idParams,
    body: z.strictObject({}),
    answer: sessionView,
    handle: async ({ services, caller, params }) => {
      const found = services.facts.get('session', params.id);
      // Somebody else's session is told apart from none at all by nobody.
      if (found === undefined || found.user !== personOf(caller).id) throw notFound('session', params.id);
      await revokeSessions(services, caller, {
        sessions: [params.id],
        reason: 'ended by its owner',
      });
      return { body: viewSession(services, viewFact(services, 'session', params.id)) };
    },
  }),
];

/** Files a request for access. Throws ApiProblem when it cannot be asked for. Gives the grant's id. */
export async function requestGrant(
  services: ApiServices,
  caller: Caller,
  request: { readonly resource: string; readonly reason: string; readonly durationMs: number },
): Promise<string> {
  const user = personOf(caller).id;
  const resource = services.facts.get('resource', request.resource);
  if (resource === undefined || !resource.requestable) throw notFound('resource', request.resource);
  const id = toIdentifier(services.random(16));
  const grant: Grant = {
    user,
    resource: request.resource,
    state: 'requested',
    reason: request.reason,
    requestedAt: services.clock(),
    decidedBy: null,
    decidedAt: null,
    durationMs: request.durationMs,
    expiresAt: null,
  };
  await change(services, caller, {
    activity: 'create',
    message: `asked for access to ${request.resource}`,
    entity: { type: 'grant', uid: id },
    prepare: () => {
      const open = services.facts.grantsOf(user).filter(({ body }) => body.state === 'requested');
      if (open.some(({ body }) => body.resource === request.resource)) {
        throw problem(
          409,
          'exists',
          `you have asked for \`${request.resource}\` already; an administrator will answer`,
        );
      }
      if (open.length >= openRequestsMax)
        throw problem(409, 'too-many', `${openRequestsMax} of your requests wait for an answer`);
      return [{ kind: 'grant', id, body: grant, expectedRevision: 0 }];
    },
  });
  return id;
}

export const meRoutes: readonly Route[] = [...profileRoutes, ...ownRoutes];
