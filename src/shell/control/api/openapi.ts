import { z } from 'zod';
import { originOf } from '#shell/wire';
import { isReadById, type Route } from './route.ts';
import type { ApiServices } from './services.ts';

function jsonSchema(schema: z.core.$ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
  return rest;
}

function parameters(route: Route): Record<string, unknown>[] {
  const list = (schema: z.core.$ZodType | undefined, where: 'path' | 'query') => {
    if (schema === undefined) return [];
    const { properties, required } = jsonSchema(schema, 'input') as {
      properties?: Record<string, unknown>;
      required?: string[];
    };
    return Object.entries(properties ?? {}).map(([name, each]) => ({
      name,
      in: where,
      required: where === 'path' || (required ?? []).includes(name),
      schema: each,
    }));
  };
  return [...list(route.params, 'path'), ...list(route.query, 'query')];
}

const location = {
  Location: { description: 'Where what was made is read', schema: { type: 'string', format: 'uri-reference' } },
};

function operation(route: Route, routes: readonly Route[]): Record<string, unknown> {
  const status = String(route.status ?? 200);
  const answer = { schema: jsonSchema(route.answer, 'output') };
  const types = [route.contentType ?? 'application/json', ...(route.tellsProgress ? ['text/event-stream'] : [])];
  const content = Object.fromEntries(types.map((type) => [type, answer]));
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replace(/[/:.-]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: route.summary,
    tags: [route.noun],
    security: [{ token: [`${route.noun}:${route.action}`] }, { session: [] }],
    parameters: parameters(route),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(route.body, 'input') } } },
        }),
    responses: {
      [status]: {
        description: route.summary,
        ...(status === '201' && isReadById(routes, route) ? { headers: location } : {}),
        ...(status === '204' ? {} : { content }),
      },
      default: {
        description: 'Refused',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
    'x-noun': route.noun,
    'x-action': `administer-${route.action}`,
  };
}

const problemSchema = {
  type: 'object',
  description: 'RFC 9457 problem details',
  required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
    correlationId: { type: 'string' },
    words: { type: 'array', items: { type: 'string' } },
    remedies: {
      type: 'array',
      items: { type: 'object', properties: { kind: { type: 'string' }, words: { type: 'string' } } },
    },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
    },
  },
};

/** The table of routes as an OpenAPI 3.1 document. */
export function openApiDocument(
  routes: readonly Route[],
  services: Pick<ApiServices, 'urls' | 'version'>,
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, routes) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Nullius admin API', version: services.version },
    servers: [{ url: `${originOf(services.urls, 'console')}/api/v1` }],
    paths,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'An app token; scopes `<noun>:read`, `<noun>:write`, `read`, `admin`',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-nullius_app',
          description: 'A signed-in browser, through the gateway',
        },
      },
    },
  };
}
