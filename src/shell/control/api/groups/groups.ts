import { z } from 'zod';
import { type Group, nameSchema } from '#foundation/model';
import { withoutGroups } from '../../config-facts.ts';
import { refuseToStrand } from '../administrators.ts';
import { authoriseAlso } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { change, checkOrigin, checkRevision } from '../change.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { problem } from '../problem.ts';
import { refuseToRaise } from '../refuse-to-raise.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import {
  answerUser,
  checkAbsent,
  groupView,
  idParams,
  nameParams,
  userView,
  viewAll,
  viewFact,
  viewUsers,
} from '../view.ts';
import { checkGroups } from './users.ts';

const memberParams = z.strictObject({ id: nameSchema, user: idParams.shape.id });

/** A group inside itself would make every walk up endless. */
function checkCircle(services: ApiServices, id: string, memberOf: readonly string[]): void {
  const queue = [...memberOf];
  const seen = new Set<string>();
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name === id) throw problem(409, 'circle', `group \`${id}\` would be a member of itself; break the circle`);
    if (seen.has(name)) continue;
    seen.add(name);
    queue.push(...(services.facts.get('group', name)?.memberOf ?? []));
  }
}

async function setMembership(
  services: ApiServices,
  caller: Caller,
  options: { readonly group: string; readonly user: string; readonly isMember: boolean },
) {
  const { group, user: id, isMember } = options;
  viewFact(services, 'group', group);
  await change(services, caller, {
    activity: 'update',
    message: isMember ? `put a user into group ${group}` : `took a user out of group ${group}`,
    entity: { type: 'user', uid: id },
    severity: group === 'administrators' ? 'high' : 'informational',
    prepare: async () => {
      const { id: _id, revision, ...user } = viewFact(services, 'user', id);
      const others = user.groups.filter((each) => each !== group);
      const next = { ...user, groups: isMember ? [...others, group] : others };
      refuseToRaise(services, caller, { groups: isMember ? [group] : [], people: [[id, user, next]] });
      await refuseToStrand(services, { users: new Map([[id, next]]) });
      return [{ kind: 'user', id, body: next, expectedRevision: revision }];
    },
  });
  return answerUser(services, id);
}

export const groupRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/groups',
    noun: 'group',
    action: 'read',
    summary: 'Lists the groups',
    query: z.strictObject(pageQuery),
    answer: pageOf(groupView),
    handle: async ({ services, query }) => ({
      body: paginate(viewAll(services, 'group'), { ...query, cursor: query.cursor, keyOf: (group) => group.id }),
    }),
  }),
  route({
    method: 'POST',
    path: '/groups',
    noun: 'group',
    action: 'write',
    summary: 'Makes a group',
    body: z.strictObject({
      name: nameSchema,
      displayName: z.string().max(500).optional(),
      description: z.string().max(500).default(''),
      memberOf: z.array(nameSchema).max(50).default([]),
    }),
    answer: groupView,
    status: 201,
    handle: async ({ services, caller, body }) => {
      checkGroups(services, body.memberOf);
      refuseToRaise(services, caller, { groups: body.memberOf, people: [] });
      const group: Group = {
        displayName: body.displayName ?? body.name,
        description: body.description,
        memberOf: body.memberOf,
        origin: 'api',
      };
      await change(services, caller, {
        activity: 'create',
        message: `made group ${body.name}`,
        entity: { type: 'group', uid: body.name },
        prepare: () => {
          checkAbsent(services, 'group', body.name);
          return [{ kind: 'group', id: body.name, body: group, expectedRevision: 0 }];
        },
      });
      const made = viewFact(services, 'group', body.name);
      return { body: made, revision: made.revision };
    },
  }),
  route({
    method: 'GET',
    path: '/groups/:id',
    noun: 'group',
    action: 'read',
    summary: 'Shows one group',
    params: nameParams,
    answer: groupView,
    handle: async ({ services, params }) => {
      const group = viewFact(services, 'group', params.id);
      return { body: group, revision: group.revision };
    },
  }),
  route({
    method: 'PATCH',
    path: '/groups/:id',
    noun: 'group',
    action: 'write',
    summary: 'Changes names or nesting of a group',
    params: nameParams,
    body: z.strictObject({
      displayName: z.string().min(1).max(500).optional(),
      description: z.string().max(500).optional(),
      memberOf: z.array(nameSchema).max(50).optional(),
    }),
    answer: groupView,
    handle: async ({ services, caller, params, body, ifMatch }) => {
      if (body.memberOf !== undefined) {
        checkGroups(services, body.memberOf);
        checkCircle(services, params.id, body.memberOf);
      }
      await change(services, caller, {
        activity: 'update',
        message: `changed group ${params.id}`,
        entity: { type: 'group', uid: params.id },
        prepare: async () => {
          const { id, revision, ...group } = viewFact(services, 'group', params.id);
          checkRevision(ifMatch, revision);
          checkOrigin(group.origin, `group \`${id}\``);
          const next: Group = {
            ...group,
            displayName: body.displayName ?? group.displayName,
            description: body.description ?? group.description,
            memberOf: body.memberOf ?? group.memberOf,
          };
          const nesting = new Map([[id, next]]);
          refuseToRaise(services, caller, {
            groups: next.memberOf.filter((each) => !group.memberOf.includes(each)),
            people: [...services.facts.all('user')].map(([person, user]) => [person, user, user] as const),
            nesting,
          });
          await refuseToStrand(services, { groups: nesting });
          return [{ kind: 'group', id, body: next, expectedRevision: revision }];
        },
      });
      const group = viewFact(services, 'group', params.id);
      return { body: group, revision: group.revision };
    },
  }),
  route({
    method: 'DELETE',
    path: '/groups/:id',
    noun: 'group',
    action: 'write',
    summary: 'Removes a group; its members lose what it gave',
    params: nameParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params, ifMatch }) => {
      await change(services, caller, {
        activity: 'delete',
        message: `removed group ${params.id}`,
        entity: { type: 'group', uid: params.id },
        prepare: async () => {
          const { revision, origin } = viewFact(services, 'group', params.id);
          checkRevision(ifMatch, revision);
          checkOrigin(origin, `group \`${params.id}\``);
          const { users, groups } = withoutGroups(services.facts, new Set([params.id]));
          const nesting = new Map<string, Group | null>([[params.id, null], ...groups]);
          refuseToRaise(services, caller, {
            groups: [],
            people: [...services.facts.all('user')].map(([id, user]) => [id, user, users.get(id) ?? user] as const),
            nesting,
          });
          await refuseToStrand(services, { users, groups: nesting });
          const at = (kind: 'user' | 'group', id: string) => services.facts.standing(kind, id)?.revision ?? 0;
          return [
            { kind: 'group', id: params.id, body: null, expectedRevision: revision },
            ...[...users].map(([id, body]) => ({ kind: 'user' as const, id, body, expectedRevision: at('user', id) })),
            ...[...groups].map(([id, body]) => ({
              kind: 'group' as const,
              id,
              body,
              expectedRevision: at('group', id),
            })),
          ];
        },
      });
      return { body: null };
    },
  }),
  route({
    method: 'GET',
    path: '/groups/:id/members',
    noun: 'group',
    action: 'read',
    summary: 'Lists the direct members of a group',
    params: nameParams,
    query: z.strictObject(pageQuery),
    answer: pageOf(userView),
    handle: async ({ services, caller, params, query }) => {
      const asked = { noun: 'user', action: 'read', method: 'GET', path: '/api/v1/groups/:id/members' } as const;
      await authoriseAlso(services, caller, { ...asked, words: 'read people' });
      viewFact(services, 'group', params.id);
      const members = [...viewAll(services, 'user')].filter((user) => user.groups.includes(params.id));
      const page = paginate(members, { ...query, cursor: query.cursor, keyOf: (user) => `${user.name} ${user.id}` });
      return { body: { ...page, items: await viewUsers(services, page.items) } };
    },
  }),
  route({
    method: 'PUT',
    path: '/groups/:id/members/:user',
    noun: 'group',
    action: 'write',
    summary: 'Puts a user into a group',
    params: memberParams,
    answer: userView,
    handle: async ({ services, caller, params }) =>
      setMembership(services, caller, {
        group: params.id,
        user: params.user,
        isMember: true,
      }),
  }),
  route({
    method: 'DELETE',
    path: '/groups/:id/members/:user',
    noun: 'group',
    action: 'write',
    summary: 'Takes a user out of a group',
    params: memberParams,
    answer: userView,
    handle: async ({ services, caller, params }) =>
      setMembership(services, caller, {
        group: params.id,
        user: params.user,
        isMember: false,
      }),
  }),
];
