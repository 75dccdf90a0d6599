import { z } from 'zod';
import { nameSchema, type Resource, routeSchema } from '#foundation/model';
import { reservedHosts } from '../../../config/schema.ts';
import { namesPrivateAddress, parseUpstream } from '../../../config/upstream.ts';
import { accessTo } from '../../config-facts.ts';
import { change, checkOrigin, checkRevision } from '../change.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { ApiProblem, type MissingName, problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { checkAbsent, nameParams, resourceView, viewAll, viewFact, viewResource } from '../view.ts';

const settings = {
  displayName: z.string().min(1).max(500).optional(),
  description: z.string().max(500).optional(),
  segment: nameSchema.nullable().optional(),
  allowPrivate: z.boolean().optional(),
  preserveHost: z.boolean().optional(),
  routes: z.array(routeSchema).max(200).optional(),
  corsPreflight: z.boolean().optional(),
  crossOriginCookie: z.boolean().optional(),
  requestable: z.boolean().optional(),
};
const addBody = z.strictObject({ name: nameSchema, upstream: z.string().max(2000), ...settings });
const patchBody = z.strictObject({ upstream: z.string().max(2000).optional(), ...settings });

/** Checks what a resource points to. Throws ApiProblem 400 at the field. */
function checkResource(services: ApiServices, resource: Resource): void {
  const refuse = (path: string, message: string, missing?: MissingName) =>
    new ApiProblem(
      { status: 400, code: 'invalid', detail: `\`${path}\` ${message}`, errors: [{ path, message }] },
      missing,
    );
  const upstream = parseUpstream(resource.upstream);
  if ('problem' in upstream) throw refuse('upstream', upstream.problem);
  if (namesPrivateAddress(upstream) && !resource.allowPrivate) {
    throw refuse(
      'upstream',
      `is a private or loopback address; set \`allowPrivate\` (\`--allow-private\`) if that is meant`,
    );
  }
  if (resource.segment !== null && services.facts.get('segment', resource.segment) === undefined) {
    const missing = { kind: 'segment', id: resource.segment } as const;
    throw refuse('segment', `names no segment there is: \`${resource.segment}\``, missing);
  }
}

export const resourceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/resources',
    noun: 'resource',
    action: 'read',
    summary: 'Lists what is behind the gateway',
    query: z.strictObject({ ...pageQuery, segment: nameSchema.optional() }),
    answer: pageOf(resourceView),
    handle: async ({ services, query }) => {
      const all = [...viewAll(services, 'resource')]
        .filter((resource) => query.segment === undefined || resource.segment === query.segment)
        .map((resource) => viewResource(services, resource));
      return { body: paginate(all, { ...query, cursor: query.cursor, keyOf: (resource) => resource.id }) };
    },
  }),
  route({
    method: 'POST',
    path: '/resources',
    noun: 'resource',
    action: 'write',
    summary: 'Puts an app behind the gateway: a name and an upstream are enough',
    body: addBody,
    answer: resourceView,
    status: 201,
    handle: async ({ services, caller, body }) => {
      if (reservedHosts.includes(body.name)) {
        throw problem(
          409,
          'reserved',
          `\`${body.name}\` is one of our own hosts (${reservedHosts.join(', ')}); choose another name`,
        );
      }
      const resource: Resource = {
        kind: 'app',
        displayName: body.displayName ?? body.name,
        description: body.description ?? '',
        segment: body.segment ?? null,
        upstream: body.upstream,
        allowPrivate: body.allowPrivate ?? false,
        preserveHost: body.preserveHost ?? false,
        routes: body.routes ?? [],
        corsPreflight: body.corsPreflight ?? false,
        crossOriginCookie: body.crossOriginCookie ?? false,
        requestable: body.requestable ?? true,
        origin: 'api',
      };
      checkResource(services, resource);
      await change(services, caller, {
        activity: 'create',
        message: `put ${body.name} behind the gateway`,
        entity: { type: 'resource', uid: body.name },
        comment: `upstream ${body.upstream}`,
        prepare: () => {
          checkAbsent(services, 'resource', body.name);
          return [{ kind: 'resource', id: body.name, body: resource, expectedRevision: 0 }];
        },
      });
      const added = viewResource(services, viewFact(services, 'resource', body.name));
      return { body: added, revision: added.revision };
    },
  }),
  route({
    method: 'GET',
    path: '/resources/:id',
    noun: 'resource',
    action: 'read',
    summary: 'Shows one resource',
    params: nameParams,
    answer: resourceView,
    handle: async ({ services, params }) => {
      const resource = viewResource(services, viewFact(services, 'resource', params.id));
      return { body: resource, revision: resource.revision };
    },
  }),
  route({
    method: 'PATCH',
    path: '/resources/:id',
    noun: 'resource',
    action: 'write',
    summary: 'Changes a resource; open connections to it are judged again',
    params: nameParams,
    body: patchBody,
    answer: resourceView,
    handle: async ({ services, caller, params, body, ifMatch }) => {
      await change(services, caller, {
        activity: 'update',
        message: `changed resource ${params.id}`,
        entity: { type: 'resource', uid: params.id },
        comment: `changed: ${Object.keys(body).join(', ')}`,
        prepare: () => {
          const { id, revision, ...resource } = viewFact(services, 'resource', params.id);
          checkRevision(ifMatch, revision);
          checkOrigin(resource.origin, `resource \`${id}\``);
          const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
          const next: Resource = { ...resource, ...given };
          checkResource(services, next);
          return [{ kind: 'resource', id, body: next, expectedRevision: revision }];
        },
      });
      const resource = viewResource(services, viewFact(services, 'resource', params.id));
      return { body: resource, revision: resource.revision };
    },
  }),
  route({
    method: 'DELETE',
    path: '/resources/:id',
    noun: 'resource',
    action: 'write',
    summary: 'Takes a resource away; its open connections end',
    params: nameParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params, ifMatch }) => {
      await change(services, caller, {
        activity: 'delete',
        message: `removed resource ${params.id}`,
        entity: { type: 'resource', uid: params.id },
        prepare: () => {
          const { revision, origin } = viewFact(services, 'resource', params.id);
          checkRevision(ifMatch, revision);
          checkOrigin(origin, `resource \`${params.id}\``);
          return [
            { kind: 'resource', id: params.id, body: null, expectedRevision: revision },
            ...accessTo(services.facts, new Set([params.id])),
          ];
        },
      });
      return { body: null };
    },
  }),
];
