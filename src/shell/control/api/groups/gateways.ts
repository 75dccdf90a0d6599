import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256Base64url } from '#foundation/crypto';
import { toBase64url } from '#foundation/encoding';
import { type GatewayFact, nameSchema } from '#foundation/model';
import { formatEnrolmentToken } from '#shell/enrolment';
import { type ListenAddress, localGatewayName } from '#shell/wire';
import { mayAdminister } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { change, checkRevision } from '../change.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { checkAbsent, nameParams, viewFact } from '../view.ts';

const secretBytes = 32;
const minuteMs = 60_000;
const tokenMsDefault = 15 * minuteMs;
const tokenMsMax = 24 * 60 * minuteMs;
const gatewaysMax = 1_000;

const gatewayView = z.strictObject({
  name: z.string(),
  /** `local`: the one that `nullius up` runs beside control. */
  status: z.enum(['local', 'invited', 'active']),
  following: z.boolean(),
  /** When it last reported, since this control started. */
  seenAt: z.int().nullable(),
  version: z.string().nullable(),
  revision: z.int().nullable(),
  /** Revisions that it did not have when it last reported. */
  behind: z.int().nullable(),
  /** Requests and streams open there. */
  open: z.int().nullable(),
  /** How far control has its journal; null for the local one, and where it sent nothing yet. */
  journal: z
    .strictObject({
      records: z.int(),
      /** What its last checkpoint was signed over, and when. */
      signed: z.strictObject({ records: z.int(), at: z.int() }).nullable(),
      /** Why what it sent last is not taken. */
      problem: z.string().nullable(),
    })
    .nullable(),
  createdAt: z.int().nullable(),
  joinedAt: z.int().nullable(),
  tokenExpiresAt: z.int().nullable(),
});

const invitedView = z.strictObject({
  name: z.string(),
  token: z.string(),
  expiresAt: z.int(),
  /** What to run on the other machine. */
  command: z.string(),
});

/** A gateway holds a copy of every fact and speaks for every host: the right to make one is the right to everything. */
function refuseToGrow(services: ApiServices, caller: Caller): void {
  if (caller.isOperator || mayAdminister(services, caller, { noun: 'policy', action: 'write' })) return;
  throw problem(403, 'raise', 'only somebody who may publish policies may let a gateway in; ask one of them');
}

function viewGateways(services: ApiServices): z.infer<typeof gatewayView>[] {
  const states = new Map(services.gateways().map((state) => [state.name, state]));
  const facts = new Map<string, GatewayFact | undefined>([
    [localGatewayName, undefined],
    ...services.facts.all('gateway'),
  ]);
  return [...facts].map(([name, fact]) => {
    const state = states.get(name);
    const report = state?.report ?? null;
    return {
      name,
      status: fact?.status ?? 'local',
      following: state?.following ?? false,
      seenAt: state?.seenAt ?? null,
      version: report?.version ?? null,
      revision: report?.revision ?? null,
      behind: report === null ? null : Math.max(0, (state?.headAtReport ?? report.revision) - report.revision),
      open: report === null ? null : report.open.reduce((sum, { count }) => sum + count, 0),
      journal: services.receivedJournal(name),
      createdAt: fact?.createdAt ?? null,
      joinedAt: fact?.joinedAt ?? null,
      tokenExpiresAt: fact?.enrolment?.expiresAt ?? null,
    };
  });
}

/** Where the other machine finds control: the listener's own address, or the domain when it listens on all. */
function addressOf(services: ApiServices, { host, port }: ListenAddress): string {
  if (host === '0.0.0.0' || host === '::') return `https://${services.urls.domain}:${port}`;
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const addRoute = route({
  method: 'POST',
  path: '/gateways',
  noun: 'gateway',
  action: 'write',
  summary: 'Invites a gateway on another machine; its token is shown once, works once and not for long',
  body: z.strictObject({
    name: nameSchema,
    lifetimeMs: z.int().min(minuteMs).max(tokenMsMax).default(tokenMsDefault),
  }),
  answer: invitedView,
  status: 201,
  handle: async ({ services, caller, body }) => {
    refuseToGrow(services, caller);
    const { name } = body;
    const { listen } = services.peers;
    if (listen === null)
      throw problem(
        409,
        'no-listener',
        'control does not listen for gateways; set `listen.gateways`, such as `0.0.0.0:8444`, and restart',
      );
    if (name === localGatewayName || name === 'control')
      throw problem(409, 'reserved', `\`${name}\` is a process of this machine; choose another name`);
    // Its journal is kept here under its name, and no other can go on with it.
    if (existsSync(join(services.journalDirectory, name)))
      throw problem(
        409,
        'name-used',
        `the journal of an earlier gateway \`${name}\` is kept here; choose another name`,
      );
    const secret = toBase64url(services.random(secretBytes));
    const expiresAt = services.clock() + body.lifetimeMs;
    await change(services, caller, {
      activity: 'create',
      message: `invited gateway ${name}`,
      severity: 'high',
      entity: { type: 'gateway', uid: name },
      prepare: () => {
        checkAbsent(services, 'gateway', name);
        if ([...services.facts.all('gateway')].length >= gatewaysMax)
          throw problem(409, 'too-many', `there are ${gatewaysMax} gateways; remove some first`);
        const gateway: GatewayFact = {
          status: 'invited',
          keyHash: null,
          enrolment: { hash: sha256Base64url(secret), expiresAt },
          createdAt: services.clock(),
          joinedAt: null,
        };
        return [{ kind: 'gateway', id: name, body: gateway, expectedRevision: 0 }];
      },
    });
    const token = formatEnrolmentToken({ secret, caHash: await services.peers.caHash() });
    const command = `bin/nullius gateway join ${addressOf(services, listen)} --token ${token}`;
    return { body: { name, token, expiresAt, command } };
  },
});

export const gatewayRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/gateways',
    noun: 'gateway',
    action: 'read',
    summary: 'The gateways: who follows, how far behind, and who is invited',
    query: z.strictObject(pageQuery),
    answer: pageOf(gatewayView),
    handle: async ({ services, query }) => ({
      body: paginate(viewGateways(services), { ...query, cursor: query.cursor, keyOf: ({ name }) => name }),
    }),
  }),
  addRoute,
  route({
    method: 'DELETE',
    path: '/gateways/:id',
    noun: 'gateway',
    action: 'write',
    summary: 'Removes a gateway: its connections end at once, and its certificate counts no more',
    params: nameParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params, ifMatch }) => {
      if (params.id === localGatewayName)
        throw problem(409, 'local', `\`${localGatewayName}\` runs with control; stop \`nullius up\` to end it`);
      await change(services, caller, {
        activity: 'delete',
        message: `removed gateway ${params.id}`,
        severity: 'high',
        entity: { type: 'gateway', uid: params.id },
        prepare: () => {
          const { revision } = viewFact(services, 'gateway', params.id);
          checkRevision(ifMatch, revision);
          return [{ kind: 'gateway', id: params.id, body: null, expectedRevision: revision }];
        },
      });
      return { body: null };
    },
  }),
];
