import { z } from 'zod';
import { nameSchema, type Segment, sensitivitySchema } from '#foundation/model';
import { change, checkOrigin, checkRevision } from '../change.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { missingName, problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { checkAbsent, nameParams, segmentView, viewAll, viewFact } from '../view.ts';

const settings = { displayName: z.string().min(1).max(500).optional(), within: nameSchema.nullable().optional() };

/** The segment around this one must exist and must not lie inside it. */
function checkWithin(services: ApiServices, id: string, within: string | null): void {
  let name = within;
  for (let depth = 0; name !== null && depth < 1000; depth += 1) {
    if (name === id) throw problem(409, 'circle', `segment \`${id}\` would lie within itself; break the circle`);
    const around = services.facts.get('segment', name);
    if (around === undefined) {
      const words = `there is no segment \`${name}\`; make it first`;
      throw missingName({ kind: 'segment', id: name }, [400, 'unknown-segment', words]);
    }
    name = around.within;
  }
}

export const segmentRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/segments',
    noun: 'segment',
    action: 'read',
    summary: 'Lists the segments',
    query: z.strictObject(pageQuery),
    answer: pageOf(segmentView),
    handle: async ({ services, query }) => ({
      body: paginate(viewAll(services, 'segment'), { ...query, cursor: query.cursor, keyOf: (segment) => segment.id }),
    }),
  }),
  route({
    method: 'POST',
    path: '/segments',
    noun: 'segment',
    action: 'write',
    summary: 'Makes a segment: a set of resources of one sensitivity',
    body: z.strictObject({ name: nameSchema, sensitivity: sensitivitySchema, ...settings }),
    answer: segmentView,
    status: 201,
    handle: async ({ services, caller, body }) => {
      const segment: Segment = {
        displayName: body.displayName ?? body.name,
        within: body.within ?? null,
        sensitivity: body.sensitivity,
        origin: 'api',
      };
      await change(services, caller, {
        activity: 'create',
        message: `made segment ${body.name}`,
        entity: { type: 'segment', uid: body.name },
        prepare: () => {
          checkAbsent(services, 'segment', body.name);
          checkWithin(services, body.name, segment.within);
          return [{ kind: 'segment', id: body.name, body: segment, expectedRevision: 0 }];
        },
      });
      const made = viewFact(services, 'segment', body.name);
      return { body: made, revision: made.revision };
    },
  }),
  route({
    method: 'GET',
    path: '/segments/:id',
    noun: 'segment',
    action: 'read',
    summary: 'Shows one segment',
    params: nameParams,
    answer: segmentView,
    handle: async ({ services, params }) => {
      const segment = viewFact(services, 'segment', params.id);
      return { body: segment, revision: segment.revision };
    },
  }),
  route({
    method: 'PATCH',
    path: '/segments/:id',
    noun: 'segment',
    action: 'write',
    summary: 'Changes a segment; everything inside it is judged again',
    params: nameParams,
    body: z.strictObject({ sensitivity: sensitivitySchema.optional(), ...settings }),
    answer: segmentView,
    handle: async ({ services, caller, params, body, ifMatch }) => {
      await change(services, caller, {
        activity: 'update',
        message: `changed segment ${params.id}`,
        entity: { type: 'segment', uid: params.id },
        comment: `changed: ${Object.keys(body).join(', ')}`,
        prepare: () => {
          const { id, revision, ...segment } = viewFact(services, 'segment', params.id);
          checkRevision(ifMatch, revision);
          checkOrigin(segment.origin, `segment \`${id}\``);
          const next: Segment = {
            ...segment,
            displayName: body.displayName ?? segment.displayName,
            within: body.within === undefined ? segment.within : body.within,
            sensitivity: body.sensitivity ?? segment.sensitivity,
          };
          checkWithin(services, id, next.within);
          return [{ kind: 'segment', id, body: next, expectedRevision: revision }];
        },
      });
      const segment = viewFact(services, 'segment', params.id);
      return { body: segment, revision: segment.revision };
    },
  }),
  route({
    method: 'DELETE',
    path: '/segments/:id',
    noun: 'segment',
    action: 'write',
    summary: 'Removes a segment that holds nothing',
    params: nameParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params, ifMatch }) => {
      await change(services, caller, {
        activity: 'delete',
        message: `removed segment ${params.id}`,
        entity: { type: 'segment', uid: params.id },
        prepare: () => {
          const { revision, origin } = viewFact(services, 'segment', params.id);
          checkRevision(ifMatch, revision);
          checkOrigin(origin, `segment \`${params.id}\``);
          const resource = [...services.facts.all('resource')].find(([, each]) => each.segment === params.id);
          const inner = [...services.facts.all('segment')].find(([, each]) => each.within === params.id);
          const held = resource?.[0] ?? inner?.[0];
          if (held !== undefined) {
            // Removing it would silently make what lies inside unclassified, and so perhaps more open.
            throw problem(409, 'not-empty', `\`${held}\` lies in segment \`${params.id}\`; move it first`);
          }
          return [{ kind: 'segment', id: params.id, body: null, expectedRevision: revision }];
        },
      });
      return { body: null };
    },
  }),
];
