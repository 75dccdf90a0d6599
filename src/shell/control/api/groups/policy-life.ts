import { z } from 'zod';
import type { TestReport } from '#decision/analysis';
import type { PolicyDescription } from '#decision/engine';
import { formatUid, nameSchema, policyStageSchema } from '#foundation/model';
import { failuresOf } from '../../gates.ts';
import { PolicyParserError } from '../../policy-parser/policy-parser.ts';
import type { Caller } from '../caller.ts';
import { change, checkRevision } from '../change.ts';
import { pageOf, pageQuery, paginate } from '../page.ts';
import { checkFilesSchema, policyBodyBytesMax, policyFilesSchema, problemView, schemaText } from '../policy-shapes.ts';
import { problemsMax, viewProblems } from '../policy-warnings.ts';
import { notFound, problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { nameParams, policyDraftView, viewAll, viewFact } from '../view.ts';

const answerView = z.strictObject({
  decision: z.enum(['allow', 'deny', 'indeterminate']),
  policies: z.array(z.string()),
  errors: z.array(z.strictObject({ id: z.string(), message: z.string() })),
});
const reportView: z.ZodType<TestReport> = z.strictObject({
  passed: z.int(),
  failed: z.int(),
  results: z.array(
    z.strictObject({
      name: z.string(),
      file: z.string(),
      line: z.int(),
      passed: z.boolean(),
      answer: answerView.nullable(),
      words: z.array(z.string()),
    }),
  ),
  coverage: z.strictObject({
    percent: z.int(),
    outcomes: z.int(),
    shown: z.int(),
    policies: z.array(
      z.strictObject({
        id: z.string(),
        file: z.string(),
        line: z.int(),
        effect: z.enum(['permit', 'forbid']),
        outcomes: z.int(),
        shown: z.int(),
        gaps: z.array(
          z.strictObject({
            kind: z.enum(['policy', 'clause', 'condition']),
            clause: z.enum(['when', 'unless']).nullable(),
            text: z.string(),
            never: z.array(z.enum(['true', 'false', 'satisfied'])),
          }),
        ),
      }),
    ),
  }),
});
/** `report` null: the policies are not valid, or the tests cannot be read; `problems` and `failures` say why. */
const testedView = z.strictObject({
  ok: z.boolean(),
  problems: z.array(problemView),
  failures: z.array(z.string()),
  report: reportView.nullable(),
});

interface Tested {
  readonly schema: string;
  readonly policies: readonly { readonly file: string; readonly text: string }[];
  readonly tests: readonly { readonly file: string; readonly text: string }[];
}

async function testPolicies(services: ApiServices, caller: Caller, set: Tested): Promise<z.infer<typeof testedView>> {
  const found = await services.draftParser.prepare(set);
  const { parsedForm, tested } = found;
  const report = tested === undefined || 'problems' in tested ? null : tested;
  const failures = tested === undefined ? [] : failuresOf(tested);
  return {
    ok: parsedForm !== undefined && failures.length === 0,
    problems: viewProblems(services, caller, found).slice(0, problemsMax),
    failures: failures.slice(0, problemsMax),
    report,
  };
}

const testRoute = route({
  method: 'POST',
  path: '/policies/test',
  noun: 'policy',
  action: 'read',
  summary: 'Runs tests and says what they do not cover; what is left out is what is published. Publishes nothing',
  body: z.strictObject({
    schema: schemaText.optional(),
    policies: policyFilesSchema.optional(),
    tests: checkFilesSchema.optional(),
  }),
  bodyBytesMax: policyBodyBytesMax,
  answer: testedView,
  handle: async ({ services, caller, body }) => {
    const { schema, policies, tests } = viewFact(services, 'publication', 'current');
    const set = { schema: body.schema ?? schema, policies: body.policies ?? policies, tests: body.tests ?? tests };
    return { body: await testPolicies(services, caller, set) };
  },
});

const statesRoute = route({
  method: 'GET',
  path: '/policies/states',
  noun: 'policy',
  action: 'read',
  summary: 'Every policy that is published, with its state',
  query: z.strictObject(pageQuery),
  answer: pageOf(
    z.strictObject({
      id: z.string(),
      file: z.string(),
      line: z.int(),
      effect: z.enum(['permit', 'forbid']),
      description: z.string(),
      state: z.enum(['enforced', 'shadow', 'staged']),
      stage: policyStageSchema.nullable(),
    }),
  ),
  handle: async ({ services, query }) => {
    const states = new Map(services.facts.get('publication', 'current')?.states.map((each) => [each.id, each]));
    const policies = services.policies()?.compiled.policies ?? new Map<string, PolicyDescription>();
    const items = [...policies.values()].map(({ id, file, line, effect, description }) => {
      const given = states.get(id);
      const stage = given?.state === 'staged' ? given.stage : null;
      return { id, file, line, effect, description, state: given?.state ?? ('enforced' as const), stage };
    });
    return { body: paginate(items, { ...query, cursor: query.cursor, keyOf: ({ id }) => id }) };
  },
});

/** Drafts kept at once; each is at most as large as a request. */
const draftsMax = 20;
/** Characters of all texts of a draft. */
const draftLengthMax = 2_000_000;

/** What is wrong or doubtful in a draft; it is kept by now, so a parser that has no time for it says nothing. */
async function problemsOf(
  services: ApiServices,
  caller: Caller,
  { schema, policies, invariants }: Omit<Tested, 'tests'> & { readonly invariants: Tested['tests'] },
): Promise<z.infer<typeof problemView>[]> {
  try {
    const found = await services.draftParser.prepare({ schema, policies, invariants });
    return viewProblems(services, caller, found).slice(0, problemsMax);
  } catch (error) {
    if (error instanceof PolicyParserError) return [];
    throw error;
  }
}

const draftRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/policies/drafts',
    noun: 'policy',
    action: 'read',
    summary: 'Drafts of policies, without their texts',
    query: z.strictObject(pageQuery),
    answer: pageOf(
      policyDraftView
        .pick({ id: true, revision: true, author: true, message: true, savedAt: true })
        .extend({ policyCount: z.int() }),
    ),
    handle: async ({ services, query }) => {
      const items = [...viewAll(services, 'policy-draft')].map(
        ({ id, revision, author, message, savedAt, policies }) => ({
          ...{ id, revision, author, message, savedAt },
          policyCount: policies.length,
        }),
      );
      return { body: paginate(items, { ...query, cursor: query.cursor, keyOf: ({ id }) => id }) };
    },
  }),
  route({
    method: 'GET',
    path: '/policies/drafts/:id',
    noun: 'policy',
    action: 'read',
    summary: 'One draft in full',
    params: nameParams,
    answer: policyDraftView,
    handle: async ({ services, params }) => {
      const draft = viewFact(services, 'policy-draft', params.id);
      return { body: draft, revision: draft.revision };
    },
  }),
  route({
    method: 'PUT',
    path: '/policies/drafts/:id',
    noun: 'policy',
    action: 'write',
    summary: 'Keeps a draft; nothing judges by it, and it need not even be valid',
    params: z.strictObject({ id: nameSchema }),
    body: z.strictObject({
      schema: schemaText.optional(),
      policies: policyFilesSchema,
      tests: checkFilesSchema.default([]),
      invariants: checkFilesSchema.default([]),
      message: z.string().max(500).default(''),
    }),
    bodyBytesMax: policyBodyBytesMax,
    /** `problems`: what is wrong or doubtful in it; a draft is kept all the same. */
    answer: policyDraftView.extend({ problems: z.array(problemView) }),
    handle: async ({ services, caller, params, body, ifMatch }) => {
      const { id } = params;
      const texts = [...body.policies, ...body.tests, ...body.invariants];
      if (texts.reduce((sum, { text }) => sum + text.length, body.schema?.length ?? 0) > draftLengthMax)
        throw problem(413, 'too-large', `a draft holds at most ${draftLengthMax} characters`);
      await change(services, caller, {
        activity: 'update',
        message: `kept the policy draft ${id}`,
        entity: { type: 'policy-draft', uid: id },
        prepare: () => {
          const standing = services.facts.standing('policy-draft', id);
          checkRevision(ifMatch, standing?.revision ?? 0);
          if (standing === undefined && [...services.facts.all('policy-draft')].length >= draftsMax)
            throw problem(409, 'too-many-drafts', `there are ${draftsMax} drafts already; discard one`);
          const schema = body.schema ?? services.facts.get('publication', 'current')?.schema ?? '';
          const draft = { ...body, schema, author: formatUid(caller.uid), savedAt: services.clock() };
          return [{ kind: 'policy-draft', id, body: draft, expectedRevision: standing?.revision ?? 0 }];
        },
      });
      const draft = viewFact(services, 'policy-draft', id);
      return { body: { ...draft, problems: await problemsOf(services, caller, draft) }, revision: draft.revision };
    },
  }),
  route({
    method: 'POST',
    path: '/policies/drafts/:id/test',
    noun: 'policy',
    action: 'read',
    summary: 'Runs the tests of a draft',
    params: nameParams,
    answer: testedView,
    handle: async ({ services, caller, params }) => ({
      body: await testPolicies(services, caller, viewFact(services, 'policy-draft', params.id)),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/policies/drafts/:id',
    noun: 'policy',
    action: 'write',
    summary: 'Discards a draft',
    params: nameParams,
    answer: z.null(),
    status: 204,
    handle: async ({ services, caller, params, ifMatch }) => {
      const { id } = params;
      await change(services, caller, {
        activity: 'delete',
        message: `discarded the policy draft ${id}`,
        entity: { type: 'policy-draft', uid: id },
        prepare: () => {
          const standing = services.facts.standing('policy-draft', id);
          if (standing === undefined) throw notFound('policy-draft', id);
          checkRevision(ifMatch, standing.revision);
          return [{ kind: 'policy-draft', id, body: null, expectedRevision: standing.revision }];
        },
      });
      return { body: null };
    },
  }),
];

/** Tests, states and drafts: what comes before a policy is in force. */
export const policyLifeRoutes: readonly Route[] = [testRoute, statesRoute, ...draftRoutes];
