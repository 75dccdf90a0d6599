import { z } from 'zod';
import { type GitOrigin, gitOriginSchema } from '#foundation/model';
import { describeChanges } from '../../policy-states.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import {
  checkFilesSchema,
  policyBodyBytesMax,
  policyFilesSchema,
  problemsOfTests,
  problemView,
  schemaText,
  stateChangesSchema,
} from '../policy-shapes.ts';
import { problemsMax, viewProblems } from '../policy-warnings.ts';
import { problem } from '../problem.ts';
import {
  changeStates,
  currentPublication,
  publicationOf,
  publications,
  publish,
  rollback,
} from '../publish-policies.ts';
import { type Route, route } from '../route.ts';
import { publicationView } from '../view.ts';

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
        .extend(publicationView.pick({ states: true, git: true, override: true }).shape)
        .extend({ policyCount: z.int() }),
    ),
    handle: async ({ services, query }) => {
      const items = (await publications(services)).map(({ revision, body }) => ({
        sequence: body.sequence,
        revision,
        author: body.author,
        message: body.message,
        publishedAt: body.publishedAt,
        states: body.states,
        git: body.git,
        override: body.override,
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
      const { body, revision } = await publicationOf(services, params.sequence);
      const { manifest: _manifest, parsed: _parsed, ...publication } = body;
      return { body: { ...publication, id: 'current', revision } };
    },
  }),
  route({
    method: 'POST',
    path: '/policies/validate',
    noun: 'policy',
    action: 'read',
    summary: 'What is wrong with policies, their tests and invariants, with places; publishes nothing',
    body: z.strictObject({
      schema: schemaText.optional(),
      policies: policyFilesSchema,
      tests: checkFilesSchema.optional(),
      invariants: checkFilesSchema.optional(),
    }),
    bodyBytesMax: policyBodyBytesMax,
    answer: z.strictObject({ valid: z.boolean(), problems: z.array(problemView) }),
    handle: async ({ services, caller, body }) => {
      const schema = body.schema ?? services.facts.get('publication', 'current')?.schema ?? null;
      const { policies, tests = [], invariants = [] } = body;
      const found = await services.draftParser.prepare({ policies, schema, tests, invariants });
      const problems = [...viewProblems(services, caller, found), ...problemsOfTests(found.tested)];
      return {
        body: { valid: !problems.some((each) => each.severity === 'error'), problems: problems.slice(0, problemsMax) },
      };
    },
  }),
];

/** `isNew` false: it was in force already, and no other was made. `warnings`: what is doubtful about what was published. */
const publishedView = publicationView.extend({ isNew: z.boolean(), warnings: z.array(problemView) });

/** A commit as the caller states it. */
function statedCommit(stated: (Omit<GitOrigin, 'isStated'> & { readonly isNews: boolean }) | undefined) {
  if (stated === undefined) return { git: undefined, isCommitNews: false };
  const { isNews, ...git } = stated;
  return { git: { ...git, isStated: true }, isCommitNews: isNews };
}

const writeRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/policies/publish',
    noun: 'policy',
    action: 'write',
    summary:
      'Puts policies in force, everywhere at once; tests and invariants must pass, unless `override` says why not',
    body: z.strictObject({
      schema: schemaText.optional(),
      policies: policyFilesSchema.min(1),
      /** Left out: those of the publication in force. */
      tests: checkFilesSchema.optional(),
      invariants: checkFilesSchema.optional(),
      /** Policies that are not named keep their state; new ones are enforced. */
      states: stateChangesSchema.optional(),
      /** As the caller states it; the history says so. */
      git: gitOriginSchema
        .omit({ isStated: true })
        /** Is another commit something to publish where nothing else is? */
        .extend({ isNews: z.boolean().default(true) })
        .optional(),
      override: z.string().min(1, 'must say why').max(500).optional(),
      message: z.string().min(1).max(500),
    }),
    bodyBytesMax: policyBodyBytesMax,
    answer: publishedView,
    tellsProgress: true,
    handle: async ({ services, caller, body, ifMatch, onProgress, signal }) => {
      const schema = body.schema ?? services.facts.get('publication', 'current')?.schema;
      if (schema === undefined) throw problem(400, 'no-schema', 'nothing is published yet; send a `schema` as well');
      const wanted = { ...body, schema, ...statedCommit(body.git) };
      return publish(services, caller, { ifMatch, onProgress, signal, wanted });
    },
  }),
  route({
    method: 'POST',
    path: '/policies/states',
    noun: 'policy',
    action: 'write',
    summary: 'Gives policies other states: shadow, staged, enforced',
    body: z.strictObject({ changes: stateChangesSchema.min(1), message: z.string().max(500).optional() }),
    answer: publishedView,
    tellsProgress: true,
    handle: async ({ services, caller, body: { changes, message }, ifMatch, onProgress, signal }) =>
      changeStates(services, caller, {
        ifMatch,
        onProgress,
        signal,
        changes,
        message: message ?? describeChanges(changes),
      }),
  }),
  route({
    method: 'POST',
    path: '/policies/rollback',
    noun: 'policy',
    action: 'write',
    summary:
      'Puts an earlier publication in force again (the one before, unless told); the invariants of today must hold of it',
    body: z.strictObject({
      sequence: z.int().positive().optional(),
      override: z.string().min(1, 'must say why').max(500).optional(),
      message: z.string().max(500).optional(),
    }),
    answer: publishedView,
    isWayBack: true,
    tellsProgress: true,
    handle: async ({ services, caller, body: { sequence, override, message }, ifMatch, onProgress, signal }) =>
      rollback(services, caller, { ifMatch, onProgress, signal, sequence, override, message }),
  }),
];

export const policyRoutes: readonly Route[] = [...readRoutes, ...writeRoutes];
