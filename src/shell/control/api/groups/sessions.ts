import { z } from 'zod';
import { newestFirst, pageOf, pageQuery, paginate } from '../page.ts';
import { type Route, route } from '../route.ts';
import { idParams, sessionView, viewAll, viewFact, viewSession } from '../view.ts';
import { revokeSessions } from './users.ts';

export const sessionRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/sessions',
    noun: 'session',
    action: 'read',
    summary: 'Lists sessions, newest first',
    query: z.strictObject({
      ...pageQuery,
      user: z.string().max(200).optional(),
      status: z.enum(['active', 'revoked', 'expired']).optional(),
    }),
    answer: pageOf(sessionView),
    handle: async ({ services, query }) => {
      const now = services.clock();
      const sessions = [...viewAll(services, 'session')]
        // A session past its end is over, whether or not it has been swept yet.
        .map((session) =>
          session.status === 'active' && session.expiresAt <= now
            ? { ...session, status: 'expired' as const }
            : session,
        )
        .filter((session) => query.user === undefined || session.user === query.user)
        .filter((session) => query.status === undefined || session.status === query.status)
        .map((session) => viewSession(services, session));
      return {
        body: paginate(sessions, {
          ...query,
          cursor: query.cursor,
          keyOf: (each) => newestFirst(each.createdAt, each.id),
        }),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/sessions/:id',
    noun: 'session',
    action: 'read',
    summary: 'Shows one session',
    params: idParams,
    answer: sessionView,
    handle: async ({ services, params }) => {
      const session = viewSession(services, viewFact(services, 'session', params.id));
      return { body: session, revision: session.revision };
    },
  }),
  route({
    method: 'POST',
    path: '/sessions/:id/revoke',
    noun: 'session',
    action: 'write',
    summary: 'Ends a session with everything open under it',
    params: idParams,
    body: z.strictObject({ reason: z.string().max(500).optional() }),
    answer: sessionView,
    handle: async ({ services, caller, params, body }) => {
      await revokeSessions(services, caller, {
        sessions: [viewFact(services, 'session', params.id).id],
        reason: body.reason ?? 'revoked by an administrator',
      });
      const session = viewSession(services, viewFact(services, 'session', params.id));
      return { body: session, revision: session.revision };
    },
  }),
];
