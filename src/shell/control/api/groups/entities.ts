import { z } from 'zod';
import { namespaceOf } from '#decision/administration';
import { type EntityJson, entityMisfit, vocabularyOf } from '#decision/engine';
import { entitySchema, formatUid, type StoredEntity } from '#foundation/model';
import { isFactId } from '#information/inventory';
import { change, checkRevision } from '../change.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { idParams, viewAll, viewFact } from '../view.ts';

/** Entities of one call. */
const entitiesMax = 1_000;

const entityView = entitySchema.extend({ id: z.string(), revision: z.int() });

/** Refuses what no question in force could be about: types of our own are made from other facts. */
function checkEntity(services: ApiServices, entity: StoredEntity): void {
  const { uid } = entity;
  const text = formatUid(uid);
  if (!isFactId(text))
    throw problem(400, 'invalid-id', `\`${text.slice(0, 60)}\` is too long, or has control characters`);
  if (namespaceOf(uid.type) === '') {
    throw problem(
      400,
      'own-type',
      `\`${uid.type}\` has no namespace; only types of an application’s own are stored here`,
    );
  }
  const schemaJson = services.policies()?.compiled.schemaJson ?? null;
  if (schemaJson === null || !vocabularyOf(schemaJson).entityTypes.has(uid.type)) {
    throw problem(
      400,
      'unknown-type',
      `the schema in force has no type \`${uid.type}\`; publish one that has, then repeat`,
    );
  }
  const misfit = entityMisfit(entity as EntityJson, schemaJson);
  if (misfit !== undefined) throw problem(400, 'misfit', `\`${text}\` does not fit the schema in force: ${misfit}`);
}

/** Refuses entities that would stand above themselves: no question about them could be judged. */
function refuseCycles(services: ApiServices, writes: ReadonlyMap<string, StoredEntity>): void {
  const parentsOf = (id: string) => (writes.get(id) ?? services.facts.get('entity', id))?.parents.map(formatUid) ?? [];
  const done = new Set<string>();
  for (const start of writes.keys()) {
    const path = [{ id: start, rest: parentsOf(start) }];
    const open = new Set([start]);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const next = step.rest.pop();
      if (next === undefined) {
        done.add(step.id);
        open.delete(step.id);
        path.pop();
      } else if (open.has(next)) {
        throw problem(400, 'cycle', `\`${next}\` would stand above itself: \`${step.id}\` has it as a parent`);
      } else if (!done.has(next)) {
        open.add(next);
        path.push({ id: next, rest: parentsOf(next) });
      }
    }
  }
}

export const entityRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/entities',
    noun: 'entity',
    action: 'read',
    summary: 'Lists the entities of applications that ask the PDP about their own things',
    query: z.strictObject({ ...pageQuery, type: z.string().max(500).optional() }),
    answer: pageOf(entityView),
    handle: async ({ services, query }) => {
      const entities = [...viewAll(services, 'entity')].filter(
        ({ uid }) => query.type === undefined || uid.type === query.type,
      );
      return { body: paginate(entities, { ...query, cursor: query.cursor, keyOf: ({ id }) => id }) };
    },
  }),
  route({
    method: 'POST',
    path: '/entities',
    noun: 'entity',
    action: 'write',
    summary: 'Stores entities in Cedar’s JSON form, all or none; those that are there already are replaced',
    body: z.strictObject({ entities: z.array(entitySchema).min(1).max(entitiesMax) }),
    answer: z.object({ stored: z.int() }),
    handle: async ({ services, caller, body }) => {
      const first = body.entities[0];
      await change(services, caller, {
        activity: 'update',
        message: `stored ${body.entities.length} entities`,
        entity: { type: 'entity', uid: first === undefined ? '' : formatUid(first.uid) },
        prepare: () => {
          const writes = new Map<string, StoredEntity>();
          for (const entity of body.entities) {
            checkEntity(services, entity);
            writes.set(formatUid(entity.uid), entity);
          }
          if (writes.size !== body.entities.length) throw problem(400, 'twice', 'one entity is given twice');
          refuseCycles(services, writes);
          return [...writes].map(([id, entity]) => ({ kind: 'entity' as const, id, body: entity }));
        },
      });
      return { body: { stored: body.entities.length } };
    },
  }),
  route({
    method: 'GET',
    path: '/entities/:id',
    noun: 'entity',
    action: 'read',
    summary: 'Shows one entity; its id is its uid in Cedar syntax, such as `Todo::user::"ada"`',
    params: idParams,
    answer: entityView,
    handle: async ({ services, params }) => {
      const entity = viewFact(services, 'entity', params.id);
      return { body: entity, revision: entity.revision };
    },
  }),
  route({
    method: 'DELETE',
    path: '/entities/:id',
    noun: 'entity',
    action: 'write',
    summary: 'Removes one entity',
    params: idParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params, ifMatch }) => {
      await change(services, caller, {
        activity: 'delete',
        message: `removed entity ${params.id}`,
        entity: { type: 'entity', uid: params.id },
        prepare: () => {
          const { revision } = viewFact(services, 'entity', params.id);
          checkRevision(ifMatch, revision);
          return [{ kind: 'entity', id: params.id, body: null, expectedRevision: revision }];
        },
      });
      return { body: null };
    },
  }),
];
