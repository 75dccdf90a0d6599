import { z } from 'zod';
import { type LosslessJson, type PolicySource, withRawIntegers } from '#decision/engine';
import type { Comparison, Difference, Direction, PolicyFinding, ProofResult } from '#decision/proof';
import { type Checked, type PolicyTexts, type ProveLimits, ProverError } from '../../../prover/index.ts';
import { mayAdminister } from '../authorise.ts';
import {
  checkFilesSchema,
  policyBodyBytesMax,
  policyFilesSchema,
  problemView,
  schemaText,
  viewProblem,
} from '../policy-shapes.ts';
import { problem } from '../problem.ts';
import { progressStream } from '../progress-stream.ts';
import { type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';

/** Somebody waits for the answer in a browser, and the prover of another may be refused meanwhile. */
const limits: ProveLimits = { checkMsMax: 5_000, taskMsMax: 110_000 };

const uidSchema = z.strictObject({ type: z.string(), id: z.string() });
/** A request and its entities in Cedar's JSON; integers are exact, also beyond 2^53. */
const requestSchema = z.strictObject({
  principal: uidSchema,
  action: uidSchema,
  resource: uidSchema,
  context: z.unknown(),
  entities: z.array(z.unknown()),
});
const decisionSchema = z.strictObject({ decision: z.enum(['allow', 'deny']), policies: z.array(z.string()) });
const gapSchema = z.strictObject({ construct: z.string(), policy: z.string(), file: z.string(), line: z.int() });
const resultSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['never', 'always', 'assume']),
  description: z.string(),
  file: z.string(),
  line: z.int(),
  assumptions: z.array(z.string()),
  outcome: z.enum(['holds', 'counterexample', 'undecided']),
  /** With `holds`: no request is spoken of at all. */
  isVacuous: z.boolean().optional(),
  /** With `undecided`. */
  why: z.string().optional(),
  gaps: z.array(gapSchema).optional(),
  counterexample: decisionSchema.extend({ request: requestSchema }).optional(),
});
const directionSchema = z.strictObject({
  kind: z.enum(['none', 'some', 'undecided']),
  why: z.string().optional(),
  gaps: z.array(gapSchema).optional(),
  example: z.strictObject({ request: requestSchema, before: decisionSchema, after: decisionSchema }).optional(),
});
const comparisonSchema = z.strictObject({
  verdict: z.enum(['equivalent', 'more-permissive', 'less-permissive', 'both', 'undecided']),
  gained: directionSchema,
  lost: directionSchema,
});
const findingSchema = z.strictObject({
  id: z.string(),
  file: z.string(),
  line: z.int(),
  effect: z.enum(['permit', 'forbid']),
  kind: z.enum(['dead', 'shadowed', 'redundant', 'undecided']),
});
/** What was found, or null when a problem is an error. */
const checked = <T extends z.ZodType>(found: T) =>
  z.strictObject({ problems: z.array(problemView), found: found.nullable() });

function viewRequest(request: Difference['request']): z.infer<typeof requestSchema> {
  return withRawIntegers(request as unknown as LosslessJson) as z.infer<typeof requestSchema>;
}

function viewResult(result: ProofResult): z.infer<typeof resultSchema> {
  const { assumptions, ...rest } = result;
  const common = { ...rest, assumptions: [...assumptions] };
  if (result.outcome === 'undecided')
    return { ...common, gaps: result.gaps.map((gap) => ({ ...gap })) } as z.infer<typeof resultSchema>;
  if (result.outcome === 'holds') return common as z.infer<typeof resultSchema>;
  const { request, decision, policies } = result.counterexample;
  const counterexample = { request: viewRequest(request), decision, policies: [...policies] };
  return { ...common, counterexample } as z.infer<typeof resultSchema>;
}

function viewDirection(direction: Direction): z.infer<typeof directionSchema> {
  if (direction.kind !== 'some') return direction as z.infer<typeof directionSchema>;
  const { request, before, after } = direction.example;
  const decided = ({ decision, policies }: Difference['before']) => ({ decision, policies: [...policies] });
  return { kind: 'some', example: { request: viewRequest(request), before: decided(before), after: decided(after) } };
}

function viewComparison({ verdict, gained, lost }: Comparison): z.infer<typeof comparisonSchema> {
  return { verdict, gained: viewDirection(gained), lost: viewDirection(lost) };
}

/** Each policy is one question and more; somebody watches how far it is. */
const analysisMsMax = 10 * 60_000;

interface Progress {
  readonly done: number;
  readonly total: number;
  readonly what: string;
}

/** Policies in force stand in for what a caller leaves out. */
function inForce(services: ApiServices) {
  const publication = services.facts.get('publication', 'current');
  if (publication === undefined) throw problem(409, 'no-policies', 'nothing is published yet');
  return publication;
}

function viewChecked<T, V>({ problems, found }: Checked<T>, view: (found: T) => V) {
  return { problems: problems.slice(0, 1000).map(viewProblem), found: found === undefined ? null : view(found) };
}

async function answered<T, V>(run: Promise<Checked<T>>, view: (found: T) => V) {
  try {
    return { body: viewChecked(await run, view) };
  } catch (error) {
    throw error instanceof ProverError ? problem(503, 'no-proof', error.message) : error;
  }
}

function placeOf(services: ApiServices): () => void {
  try {
    return services.proofs.take();
  } catch (error) {
    throw error instanceof ProverError ? problem(503, 'no-proof', error.message) : error;
  }
}

const draft = { schema: schemaText.optional(), policies: policyFilesSchema.min(1).optional() };

function textsOf(
  services: ApiServices,
  body: { schema?: string | undefined; policies?: readonly PolicySource[] | undefined },
): PolicyTexts {
  const current = inForce(services);
  return { schema: body.schema ?? current.schema, policies: body.policies ?? current.policies, states: current.states };
}

/** Questions about all requests. They read policies and change nothing; each starts a process that is bounded in time and memory. */
export const policyProveRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/policies/prove',
    noun: 'policy',
    action: 'read',
    summary: 'Whether invariants hold for all requests and facts, of policies in force or of a draft',
    body: z.strictObject({ ...draft, invariants: checkFilesSchema.optional() }),
    bodyBytesMax: policyBodyBytesMax,
    answer: checked(z.array(resultSchema)),
    handle: async ({ services, caller, body }) => {
      const invariants = body.invariants ?? inForce(services).invariants;
      const teaches = mayAdminister(services, caller, { noun: 'policy', action: 'write' });
      const texts = { ...textsOf(services, body), invariants };
      const proved = services.proofs.whenFree(() => services.proofs.prove(texts, { ...limits, teaches }));
      return await answered(proved, (found) => found.map(viewResult));
    },
  }),
  route({
    method: 'POST',
    path: '/policies/compare',
    noun: 'policy',
    action: 'read',
    summary:
      'What a draft lets in that the policies in force do not, and the other way round, for all requests and facts',
    body: z.strictObject({ ...draft, policies: policyFilesSchema.min(1) }),
    bodyBytesMax: policyBodyBytesMax,
    answer: checked(comparisonSchema),
    handle: async ({ services, body }) => {
      const { policies, states } = inForce(services);
      const sets = { before: { policies, states }, after: textsOf(services, body) };
      return await answered(
        services.proofs.whenFree(() => services.proofs.compare(sets, limits)),
        viewComparison,
      );
    },
  }),
  route({
    method: 'POST',
    path: '/policies/analyse',
    noun: 'policy',
    action: 'read',
    summary: 'Policies that do nothing: dead, shadowed or redundant, in force or of a draft; progress, then the report',
    body: z.strictObject(draft),
    bodyBytesMax: policyBodyBytesMax,
    answer: checked(z.array(findingSchema)),
    contentType: 'text/event-stream',
    handle: async ({ services, body, signal }) => {
      const texts = textsOf(services, body);
      const release = placeOf(services);
      const run = async (onProgress: (progress: Progress) => void, stop: AbortSignal) => {
        const limitsOfJob = { ...limits, taskMsMax: analysisMsMax, onProgress, signal: stop };
        const analysed = await services.proofs.analyse(texts, limitsOfJob);
        return viewChecked(analysed, (found: readonly PolicyFinding[]) => found.map((each) => ({ ...each })));
      };
      const problemOf = (error: unknown) => (error instanceof ProverError ? { detail: error.message } : undefined);
      return { stream: progressStream({ run, problemOf, onEnd: release, signal }) };
    },
  }),
];
