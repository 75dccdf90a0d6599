import { z } from 'zod';
import { toIdentifier } from '#foundation/encoding';
import { formatUid, type Grant, nameSchema } from '#foundation/model';
import type { Caller } from '../caller.ts';
import { change } from '../change.ts';
import { newestFirst, pageOf, pageQuery, paginate } from '../page.ts';
import { problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { grantView, idParams, viewAll, viewFact, viewGrant } from '../view.ts';

/** Just-in-time access is short by nature. */
export const grantDurationMsMax = 30 * 24 * 3_600_000;
export const grantDurationMsDefault = 3_600_000;
const durationWords = 'must be from a minute (`1m`) to 30 days (`30d`)';
export const grantDuration = z.int().min(60_000, durationWords).max(grantDurationMsMax, durationWords);

/** How each decision moves a grant on: from which states, to which. */
const transitions = {
  approve: { from: ['requested'], to: 'active', summary: 'Approves a request: access begins now' },
  deny: { from: ['requested'], to: 'denied', summary: 'Denies a request' },
  revoke: { from: ['requested', 'active'], to: 'revoked', summary: 'Ends a grant; what is open by it is cut' },
} as const;

const ownGrant = () => problem(403, 'own-request', 'nobody gives access to themselves; ask another administrator');

function decided(
  services: ApiServices,
  caller: Caller,
  options: { grant: Grant; verb: keyof typeof transitions; durationMs: number | undefined },
): Grant {
  const { grant, verb } = options;
  const { from, to } = transitions[verb];
  if (!(from as readonly string[]).includes(grant.state)) {
    throw problem(
      409,
      'state',
      `the grant is ${grant.state}; only ${from.join(' or ')} ones can be ${verb === 'deny' ? 'denied' : `${verb}d`}`,
    );
  }
  // Nobody approves for themselves: a second pair of eyes is the point of asking.
  if (verb === 'approve' && caller.user?.id === grant.user) {
    throw ownGrant();
  }
  const now = services.clock();
  const durationMs = options.durationMs ?? grant.durationMs;
  return {
    ...grant,
    state: to,
    durationMs,
    decidedBy: formatUid(caller.uid),
    decidedAt: now,
    expiresAt: to === 'active' ? now + durationMs : grant.expiresAt,
  };
}

function decisionRoute(verb: keyof typeof transitions): Route {
  return route({
    method: 'POST',
    path: `/grants/:id/${verb}`,
    noun: 'grant',
    action: 'write',
    summary: transitions[verb].summary,
    params: idParams,
    body: z.strictObject({ durationMs: grantDuration.optional(), reason: z.string().max(500).optional() }),
    answer: grantView,
    handle: async ({ services, caller, params, body }) => {
      await change(services, caller, {
        activity: 'update',
        message: `${verb} grant${body.reason === undefined ? '' : `: ${body.reason}`}`,
        entity: { type: 'grant', uid: params.id },
        prepare: () => {
          const { id, revision, ...grant } = viewFact(services, 'grant', params.id);
          return [
            {
              kind: 'grant',
              id,
              body: decided(services, caller, { grant, verb, durationMs: body.durationMs }),
              expectedRevision: revision,
            },
          ];
        },
      });
      const grant = viewGrant(services, viewFact(services, 'grant', params.id));
      return { body: grant, revision: grant.revision };
    },
  });
}

export const grantRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/grants',
    noun: 'grant',
    action: 'read',
    summary: 'Lists just-in-time access: asked for, running, ended; newest first',
    query: z.strictObject({
      ...pageQuery,
      user: z.string().max(200).optional(),
      resource: nameSchema.optional(),
      state: z.enum(['requested', 'active', 'denied', 'revoked', 'expired']).optional(),
    }),
    answer: pageOf(grantView),
    handle: async ({ services, query }) => {
      const now = services.clock();
      const grants = [...viewAll(services, 'grant')]
        .map((grant) =>
          grant.state === 'active' && (grant.expiresAt ?? 0) <= now ? { ...grant, state: 'expired' as const } : grant,
        )
        .filter((grant) => query.user === undefined || grant.user === query.user)
        .filter((grant) => query.resource === undefined || grant.resource === query.resource)
        .filter((grant) => query.state === undefined || grant.state === query.state)
        .map((grant) => viewGrant(services, grant));
      return {
        body: paginate(grants, {
          ...query,
          cursor: query.cursor,
          keyOf: (each) => newestFirst(each.requestedAt, each.id),
        }),
      };
    },
  }),
  route({
    method: 'POST',
    path: '/grants',
    noun: 'grant',
    action: 'write',
    summary: 'Gives a person access to a resource for a while, at once',
    body: z.strictObject({
      user: idParams.shape.id,
      resource: nameSchema,
      reason: z.string().max(500).default(''),
      durationMs: grantDuration,
    }),
    answer: grantView,
    status: 201,
    handle: async ({ services, caller, body }) => {
      const id = toIdentifier(services.random(16));
      const now = services.clock();
      viewFact(services, 'user', body.user);
      if (caller.user?.id === body.user) throw ownGrant();
      viewFact(services, 'resource', body.resource);
      const grant: Grant = {
        user: body.user,
        resource: body.resource,
        state: 'active',
        reason: body.reason,
        requestedAt: now,
        decidedBy: formatUid(caller.uid),
        decidedAt: now,
        durationMs: body.durationMs,
        expiresAt: now + body.durationMs,
      };
      await change(services, caller, {
        activity: 'create',
        message: `granted access to ${body.resource}`,
        entity: { type: 'grant', uid: id },
        comment: `for user ${body.user}`,
        prepare: () => [{ kind: 'grant', id, body: grant, expectedRevision: 0 }],
      });
      const made = viewGrant(services, viewFact(services, 'grant', id));
      return { body: made, revision: made.revision };
    },
  }),
  route({
    method: 'GET',
    path: '/grants/:id',
    noun: 'grant',
    action: 'read',
    summary: 'Shows one grant',
    params: idParams,
    answer: grantView,
    handle: async ({ services, params }) => {
      const grant = viewGrant(services, viewFact(services, 'grant', params.id));
      return { body: grant, revision: grant.revision };
    },
  }),
  decisionRoute('approve'),
  decisionRoute('deny'),
  decisionRoute('revoke'),
];
