import { z } from 'zod';
import { formatUid, loginNameSchema, nameSchema, type User } from '#foundation/model';
import { administrators, invitationLifetimeMs, invitationLifetimeMsMax } from '#information/identity';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { notFound } from '../problem.ts';
import { refuseToRaise } from '../refuse-to-raise.ts';
import { type Route, route } from '../route.ts';
import { idParams } from '../view.ts';
import { checkGroups } from './users.ts';

const invitationView = z.strictObject({
  id: z.string(),
  name: z.string().nullable(),
  displayName: z.string().nullable(),
  groups: z.array(z.string()),
  admin: z.boolean(),
  createdBy: z.string(),
  createdAt: z.int(),
  expiresAt: z.int(),
});

/** The person that may come of an invitation. */
function invited(
  {
    name = 'invited',
    displayName = name,
    email,
  }: { name?: string | undefined; displayName?: string | undefined; email?: string | undefined },
  groups: readonly string[],
): User {
  const plain = { status: 'active', source: 'local', createdAt: 0 } as const;
  return { ...plain, name, displayName, email: email ?? null, groups: [...groups] };
}

export const invitationRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/invitations',
    noun: 'invitation',
    action: 'read',
    summary: 'Lists invitations that nobody has used yet',
    query: z.strictObject(pageQuery),
    answer: pageOf(invitationView),
    handle: async ({ services, query }) => {
      const items = (await services.identity.listInvitations()).map((each) => ({ ...each, groups: [...each.groups] }));
      return { body: paginate(items, { ...query, cursor: query.cursor, keyOf: (each) => each.id }) };
    },
  }),
  route({
    method: 'POST',
    path: '/invitations',
    noun: 'invitation',
    action: 'write',
    summary: 'Makes a one-time link by which a person enrols a passkey; it is shown once',
    body: z.strictObject({
      name: loginNameSchema.optional(),
      displayName: z.string().max(200).optional(),
      email: z.email().max(320).optional(),
      groups: z.array(nameSchema).max(200).default([]),
      admin: z.boolean().default(false),
      lifetimeMs: z.int().min(60_000).max(invitationLifetimeMsMax).default(invitationLifetimeMs),
    }),
    answer: z.strictObject({ id: z.string(), name: z.string().nullable(), url: z.string(), expiresAt: z.int() }),
    status: 201,
    isWayBack: true,
    handle: async ({ services, caller, body }) => {
      checkGroups(services, body.groups);
      const { name, displayName, email, groups, admin, lifetimeMs } = body;
      const given = admin ? [...groups, administrators] : groups;
      refuseToRaise(services, caller, { groups: given, people: [['', null, invited(body, given)]] });
      const made = await services.identity.createInvitation(
        {
          groups,
          admin,
          lifetimeMs,
          ...(name === undefined ? {} : { name }),
          ...(displayName === undefined ? {} : { displayName }),
          ...(email === undefined ? {} : { email }),
        },
        formatUid(caller.uid),
      );
      await services.deliverOutbox();
      return { body: { id: made.id, name: name ?? null, url: made.url, expiresAt: made.expiresAt } };
    },
  }),
  route({
    method: 'DELETE',
    path: '/invitations/:id',
    noun: 'invitation',
    action: 'write',
    summary: 'Withdraws an invitation',
    params: idParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params }) => {
      if (!(await services.identity.removeInvitation(params.id, formatUid(caller.uid))))
        throw notFound('invitation', params.id);
      await services.deliverOutbox();
      return { body: null };
    },
  }),
];
