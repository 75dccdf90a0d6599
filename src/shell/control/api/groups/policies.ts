import { z } from 'zod';
import type { Problem } from '#decision/engine';
import { formatUid, type Publication } from '#foundation/model';
import { preparePublication, UnpublishableError } from '../../publish.ts';
import { refuseToStrand } from '../administrators.ts';
import type { Caller } from '../caller.ts';
import { change, checkRevision } from '../change.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { ApiProblem, notFound, problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { publicationView, viewFact } from '../view.ts';

const policyFilesSchema = z
  .array(z.strictObject({ file: z.string().min(1).max(300), text: z.string().max(1_000_000) }))
  .max(10_000);
const schemaText = z.string().max(1_000_000);
/** A whole policy set with its schema. */
const policyBodyBytesMax = 16 * 1024 * 1024;
/** Publications kept in the history list. */
const historyMax = 1000;

const problemView = z.strictObject({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  message: z.string(),
  help: z.string().optional(),
});

function viewProblem(found: Problem): z.infer<typeof problemView> {
  return {
    file: found.file ?? '(schema)',
    line: found.line ?? 1,
    column: found.column ?? 1,
    severity: found.level,
    code: found.code,
    message: found.message,
    ...(found.hint === undefined ? {} : { help: found.hint }),
  };
}

/** What is wrong with policies, as an answer. */
export function unpublishable(error: UnpublishableError): ApiProblem {
  return new ApiProblem({
    status: 400,
    code: 'invalid-policies',
    detail: `the policies are not valid, nothing was published: ${error.message}`,
    errors: error.problems.slice(0, 100).map((each) => ({
      path: `${each.file ?? '(schema)'}:${each.line ?? 1}:${each.column ?? 1}`,
      message: each.hint === undefined ? each.message : `${each.message}. ${each.hint}`,
    })),
  });
}

interface Wanted {
  readonly schema: string;
  readonly policies: readonly { readonly file: string; readonly text: string }[];
  readonly message: string;
}

async function publish(
  services: ApiServices,
  caller: Caller,
  options: { wanted(): Promise<Wanted> | Wanted; ifMatch: number | undefined; isLoud: boolean },
) {
  if (services.configStatus().ownsPolicies) {
    throw problem(
      409,
      'config-origin',
      'the policies come from the folder that the configuration names; change them there, they take effect at once',
    );
  }
  await change(services, caller, {
    activity: 'update',
    message: options.isLoud ? 'rolled the policies back' : 'published policies',
    severity: options.isLoud ? 'high' : 'medium',
    entity: { type: 'publication', uid: 'current' },
    prepare: async () => {
      const standing = services.facts.standing('publication', 'current');
      checkRevision(options.ifMatch, standing?.revision ?? 0);
      const wanted = await options.wanted();
      try {
        const prepared = await preparePublication(services, { ...wanted, author: formatUid(caller.uid) });
        await refuseToStrand(services, { policies: prepared.compiled });
        return [
          { kind: 'publication', id: 'current', body: prepared.body, expectedRevision: prepared.expectedRevision },
        ];
      } catch (error) {
        throw error instanceof UnpublishableError ? unpublishable(error) : error;
      }
    },
  });
  return currentPublication(services);
}

function currentPublication(services: ApiServices) {
  const { manifest: _manifest, parsed: _parsed, ...publication } = viewFact(services, 'publication', 'current');
  return { body: publication, revision: publication.revision };
}

/** Earlier publications and the one in force, newest first. */
async function publications(services: ApiServices): Promise<{ revision: number; body: Publication }[]> {
  const versions = await services.store.history('publication', 'current', { limit: historyMax });
  return versions.map(({ fromRevision, body }) => ({ revision: fromRevision, body }));
}

const readRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/policies/current',
    noun: 'policy',
    action: 'read',
    summary: 'The policies in force, with their schema',
    answer: publicationView,
    handle: async ({ services }) => currentPublication(services),
  }),
  route({
    method: 'GET',
    path: '/policies/history',
    noun: 'policy',
    action: 'read',
    summary: 'Publications, newest first',
    query: z.strictObject(pageQuery),
    answer: pageOf(
      publicationView
        .pick({ sequence: true, revision: true, author: true, message: true, publishedAt: true })
        .extend({ policyCount: z.int() }),
    ),
    handle: async ({ services, query }) => {
      const items = (await publications(services)).map(({ revision, body }) => ({
        sequence: body.sequence,
        revision,
        author: body.author,
        message: body.message,
        publishedAt: body.publishedAt,
        policyCount: body.policies.length,
      }));
      const keyOf = (each: { sequence: number }) => String(Number.MAX_SAFE_INTEGER - each.sequence).padStart(16, '0');
      return { body: paginate(items, { ...query, cursor: query.cursor, keyOf }) };
    },
  }),
  route({
    method: 'GET',
    path: '/policies/history/:sequence',
    noun: 'policy',
    action: 'read',
    summary: 'One publication in full',
    params: z.strictObject({ sequence: z.coerce.number().int().positive() }),
    answer: publicationView,
    handle: async ({ services, params }) => {
      const found = (await publications(services)).find(({ body }) => body.sequence === params.sequence);
      if (found === undefined) throw notFound('publication', String(params.sequence));
      const { manifest: _manifest, parsed: _parsed, ...body } = found.body;
      return { body: { ...body, id: 'current', revision: found.revision } };
    },
  }),
  route({
    method: 'POST',
    path: '/policies/validate',
    noun: 'policy',
    action: 'read',
    summary: 'What is wrong with policies, with places; publishes nothing',
    body: z.strictObject({ schema: schemaText.optional(), policies: policyFilesSchema }),
    bodyBytesMax: policyBodyBytesMax,
    answer: z.strictObject({ valid: z.boolean(), problems: z.array(problemView) }),
    handle: async ({ services, body }) => {
      const schema = body.schema ?? services.facts.get('publication', 'current')?.schema ?? null;
      const found = await services.parser.prepare({ policies: body.policies, schema });
      const problems = found.problems.map(viewProblem);
      return {
        body: { valid: !problems.some((each) => each.severity === 'error'), problems: problems.slice(0, 1000) },
      };
    },
  }),
];

const writeRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/policies/publish',
    noun: 'policy',
    action: 'write',
    summary: 'Puts policies in force, everywhere at once',
    body: z.strictObject({
      schema: schemaText.optional(),
      policies: policyFilesSchema.min(1),
      message: z.string().min(1).max(500),
    }),
    bodyBytesMax: policyBodyBytesMax,
    answer: publicationView,
    handle: async ({ services, caller, body, ifMatch }) =>
      publish(services, caller, {
        ifMatch,
        isLoud: false,
        wanted: () => {
          const schema = body.schema ?? services.facts.get('publication', 'current')?.schema;
          if (schema === undefined)
            throw problem(400, 'no-schema', 'nothing is published yet; send a `schema` as well');
          return { schema, policies: body.policies, message: body.message };
        },
      }),
  }),
  route({
    method: 'POST',
    path: '/policies/rollback',
    noun: 'policy',
    action: 'write',
    summary: 'Puts an earlier publication in force again (the one before, unless told)',
    body: z.strictObject({ sequence: z.int().positive().optional(), message: z.string().max(500).optional() }),
    answer: publicationView,
    isWayBack: true,
    handle: async ({ services, caller, body, ifMatch }) =>
      publish(services, caller, {
        ifMatch,
        isLoud: true,
        wanted: async () => {
          const all = await publications(services);
          const found = body.sequence === undefined ? all[1] : all.find((each) => each.body.sequence === body.sequence);
          if (found === undefined) {
            throw body.sequence === undefined
              ? problem(409, 'no-earlier', 'there is no earlier publication to go back to')
              : notFound('publication', String(body.sequence));
          }
          const { schema, policies, sequence } = found.body;
          return { schema, policies, message: body.message ?? `back to publication ${sequence}` };
        },
      }),
  }),
];

export const policyRoutes: readonly Route[] = [...readRoutes, ...writeRoutes];
