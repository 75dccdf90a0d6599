import { z } from 'zod';
import { strangerSubject, systemSubject } from '#evidence/log';
import { formatUid, nameSchema, type User } from '#foundation/model';
import type { FactWrite } from '../../../store/index.ts';
import { refuseToStrand } from '../administrators.ts';
import { authoriseAlso } from '../authorise.ts';
import { change, checkRevision } from '../change.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { missingName, problem } from '../problem.ts';
import { refuseToRaise } from '../refuse-to-raise.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { answerUser, idParams, userView, viewAll, viewFact, viewUsers } from '../view.ts';

const listQuery = z.strictObject({
  ...pageQuery,
  q: z.string().max(200).optional(),
  status: z.enum(['active', 'suspended']).optional(),
  group: nameSchema.optional(),
});

const patchBody = z.strictObject({
  displayName: z.string().min(1).max(500).optional(),
  email: z.string().max(320).nullable().optional(),
  groups: z.array(nameSchema).max(200).optional(),
  status: z.enum(['active', 'suspended']).optional(),
});

/** Whose events are nobody's: their keys are no person's. */
const ownSubjects: ReadonlySet<string> = new Set([systemSubject, strangerSubject]);

/** Nothing of a removed person says what they were called. */
const noRemovedPerson = (id: string) =>
  problem(
    404,
    'not-found',
    `there is no removed person \`${id.slice(0, 200)}\`; it takes the id that removing them told, or that events name`,
  );

/** Throws ApiProblem 400 for a group that does not exist: a misspelt one would silently give nothing. */
export function checkGroups(services: ApiServices, groups: readonly string[]): void {
  const unknown = groups.find((group) => services.facts.get('group', group) === undefined);
  if (unknown === undefined) return;
  const words = `there is no group \`${unknown}\`; make it first`;
  throw missingName({ kind: 'group', id: unknown }, [400, 'unknown-group', words]);
}

export const userRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/users',
    noun: 'user',
    action: 'read',
    summary: 'Lists the people who may sign in',
    query: listQuery,
    answer: pageOf(userView),
    handle: async ({ services, query }) => {
      const text = query.q?.toLowerCase();
      const users = [...viewAll(services, 'user')].filter(
        (user) =>
          (query.status === undefined || user.status === query.status) &&
          (query.group === undefined || user.groups.includes(query.group)) &&
          (text === undefined || `${user.name} ${user.displayName} ${user.email ?? ''}`.toLowerCase().includes(text)),
      );
      const page = paginate(users, { ...query, cursor: query.cursor, keyOf: (user) => `${user.name} ${user.id}` });
      return { body: { ...page, items: await viewUsers(services, page.items) } };
    },
  }),
  route({
    method: 'GET',
    path: '/users/:id',
    noun: 'user',
    action: 'read',
    summary: 'Shows one person',
    params: idParams,
    answer: userView,
    handle: ({ services, params }) => answerUser(services, params.id),
  }),
  route({
    method: 'PATCH',
    path: '/users/:id',
    noun: 'user',
    action: 'write',
    summary: 'Changes names, groups or status; a suspended person is cut off at once',
    params: idParams,
    body: patchBody,
    answer: userView,
    handle: async ({ services, caller, params, body, ifMatch }) => {
      if (body.groups !== undefined) checkGroups(services, body.groups);
      const message =
        body.status === undefined
          ? 'changed a user'
          : body.status === 'suspended'
            ? 'suspended a user'
            : 'activated a user';
      await change(services, caller, {
        activity: 'update',
        message,
        entity: { type: 'user', uid: params.id },
        comment: `changed: ${Object.keys(body).join(', ')}`,
        prepare: async () => {
          const { id, revision, ...user } = viewFact(services, 'user', params.id);
          checkRevision(ifMatch, revision);
          const added = (body.groups ?? []).filter((group) => !user.groups.includes(group));
          const next: User = {
            ...user,
            displayName: body.displayName ?? user.displayName,
            email: body.email === undefined ? user.email : body.email,
            groups: body.groups === undefined ? user.groups : [...new Set(body.groups)],
            status: body.status ?? user.status,
          };
          refuseToRaise(services, caller, { groups: added, people: [[id, user, next]] });
          await refuseToStrand(services, { users: new Map([[id, next]]) });
          return [{ kind: 'user', id, body: next, expectedRevision: revision }];
        },
      });
      // Not left to policies, nor to the sweep of sessions: whoever is suspended is out.
      if (body.status === 'suspended') {
        await services.identity.endSessions(params.id, {
          reason: 'the account was suspended',
          by: formatUid(caller.uid),
        });
        await services.deliverOutbox();
      }
      return answerUser(services, params.id);
    },
  }),
  route({
    method: 'DELETE',
    path: '/users/:id',
    noun: 'user',
    action: 'write',
    summary: 'Removes a person with their sessions, tokens, grants and passkeys',
    params: idParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params, ifMatch }) => {
      const { facts } = services;
      await change(services, caller, {
        activity: 'delete',
        message: 'removed a user',
        entity: { type: 'user', uid: params.id },
        prepare: async () => {
          const { revision } = viewFact(services, 'user', params.id);
          checkRevision(ifMatch, revision);
          await refuseToStrand(services, { users: new Map([[params.id, null]]) });
          const sessions = facts.sessionsOf(params.id).map(({ id }) => id);
          const cookies = sessions.flatMap((session) => facts.cookiesOf(session));
          const tokens = [...facts.all('token')].filter(
            ([, token]) => token.owner.type === 'User' && token.owner.id === params.id,
          );
          return [
            { kind: 'user', id: params.id, body: null, expectedRevision: revision },
            ...sessions.map((id) => ({ kind: 'session' as const, id, body: null })),
            ...cookies.map(({ id }) => ({ kind: 'app-cookie' as const, id, body: null })),
            ...tokens.map(([id]) => ({ kind: 'token' as const, id, body: null })),
            ...facts.grantsOf(params.id).map(({ id }) => ({ kind: 'grant' as const, id, body: null })),
          ];
        },
      });
      await services.identity.forgetUser(params.id, formatUid(caller.uid));
      return { body: null };
    },
  }),
  route({
    method: 'POST',
    path: '/users/:id/erase',
    noun: 'user',
    action: 'write',
    summary:
      'Erases a removed person: destroys the key of their events and drops old versions of their facts, for good',
    params: idParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params: { id } }) => {
      const asked = { noun: 'key', action: 'write', method: 'POST', path: '/api/v1/users/:id/erase' } as const;
      await authoriseAlso(services, caller, { ...asked, words: 'destroy keys of the journal' });
      await change(services, caller, {
        activity: 'delete',
        message: 'erased a removed person: their events can be read no more',
        severity: 'high',
        entity: { type: 'user', uid: id },
        prepare: () => {
          const { facts } = services;
          if (facts.get('user', id) !== undefined) {
            throw problem(409, 'not-removed', 'only a removed person can be erased; remove them first');
          }
          const key = facts.standing('journal-key', id);
          if (key === undefined || ownSubjects.has(id)) throw noRemovedPerson(id);
          const writes = [{ kind: 'journal-key', id, body: null, expectedRevision: key.revision }] as const;
          return { writes, event: {}, forget: id };
        },
      });
      return { body: null };
    },
  }),
  route({
    method: 'POST',
    path: '/users/:id/revoke-sessions',
    noun: 'session',
    action: 'write',
    summary: 'Ends every session of a person, with everything open under them',
    params: idParams,
    body: z.strictObject({ reason: z.string().max(500).optional() }),
    answer: z.strictObject({ revoked: z.int() }),
    handle: async ({ services, caller, params, body }) => {
      viewFact(services, 'user', params.id);
      const revoked = await revokeSessions(services, caller, {
        sessions: services.facts
          .sessionsOf(params.id)
          .filter(({ body: session }) => session.status === 'active')
          .map(({ id }) => id),
        reason: body.reason ?? 'revoked by an administrator',
      });
      return { body: { revoked } };
    },
  }),
];

/** Ends sessions; their app cookies die with them. Gives how many were active. */
export async function revokeSessions(
  services: ApiServices,
  caller: Parameters<typeof change>[1],
  options: { readonly sessions: readonly string[]; readonly reason: string },
): Promise<number> {
  await change(services, caller, {
    activity: 'update',
    message: `revoked ${options.sessions.length} session(s): ${options.reason}`,
    entity: { type: 'session', uid: options.sessions[0] ?? 'none' },
    comment: options.sessions.slice(0, 50).join(' '),
    prepare: () => options.sessions.flatMap((id) => sessionEnd(services, { id, reason: options.reason })),
  });
  return options.sessions.length;
}

function sessionEnd(services: ApiServices, { id, reason }: { id: string; reason: string }): FactWrite[] {
  const { id: _id, revision, ...session } = viewFact(services, 'session', id);
  if (session.status !== 'active') return [];
  const cookies = services.facts
    .cookiesOf(id)
    .map((cookie) => ({ kind: 'app-cookie' as const, id: cookie.id, body: null }));
  const body = { ...session, status: 'revoked' as const, endedReason: reason };
  return [{ kind: 'session', id, body, expectedRevision: revision }, ...cookies];
}
