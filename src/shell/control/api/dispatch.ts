import { Hono } from 'hono';
import type { z } from 'zod';
import { IdentityError } from '#information/identity';
import { originOf } from '#shell/wire';
import { describeFault } from '../describe-fault.ts';
import { authorise, mayAdminister } from './authorise.ts';
import type { Caller } from './caller.ts';
import { ApiProblem, nearestWords, type ProblemDetails, problem, problemResponse, withMore } from './problem.ts';
import { progressStream } from './progress-stream.ts';
import { readJson } from './read-json.ts';
import { type Answered, type Call, isReadById, type Route } from './route.ts';
import { routes } from './routes.ts';
import type { ApiServices } from './services.ts';

const jsonType = 'application/json';
const bodyBytesDefault = 1024 * 1024;

export interface ApiOptions {
  readonly services: ApiServices;
  /** Establishes who calls; throws ApiProblem 401. */
  readonly identify: (request: Request) => Promise<Caller>;
  /** Told of what nobody expected; the client learns only that it failed. */
  readonly onError: (error: unknown) => void;
}

/** The admin API as one function from request to response, made from the table of routes. */
export function createApi(options: ApiOptions): (request: Request) => Promise<Response> {
  const app = new Hono();
  const methods = new Map<string, string[]>();
  for (const route of routes) {
    methods.set(route.path, [...(methods.get(route.path) ?? []), route.method]);
    app.on(route.method, `/api/v1${route.path}`, async (context) =>
      answer(options, { route, request: context.req.raw, params: context.req.param() }),
    );
  }
  for (const [path, allowed] of methods) {
    app.all(`/api/v1${path}`, () => {
      const response = problemResponse({ status: 405, code: 'method', detail: `use ${allowed.join(' or ')} here` });
      response.headers.set('allow', allowed.join(', '));
      return response;
    });
  }
  app.notFound(() =>
    problemResponse({
      status: 404,
      code: 'not-found',
      detail: 'the API has no such path; `/api/v1/openapi.json` lists them',
    }),
  );
  app.onError((error) => problemResponse(describe(error, options.onError)));
  return async (request) => await app.fetch(request);
}

/** What the client learns of a failure; what its general words keep back, the operator is told. */
function describe(error: unknown, onError: ApiOptions['onError']): ProblemDetails {
  const details = detailsOf(error);
  if (details === undefined || details.status === 503 || details.status === 507) onError(error);
  const words = 'something failed here; the log of the control process says what';
  return details ?? { status: 500, code: 'internal', detail: words };
}

function detailsOf(error: unknown): ProblemDetails | undefined {
  if (error instanceof ApiProblem) return error.details;
  if (error instanceof IdentityError) return { status: error.status, code: error.code, detail: error.message };
  return describeFault(error);
}

interface Received {
  readonly route: Route;
  readonly request: Request;
  readonly params: Record<string, string>;
}

/** Who, whether from here, whether allowed, what: in this order, so that nobody learns more than they may. */
async function answer(options: ApiOptions, received: Received): Promise<Response> {
  const { services } = options;
  const { route, request } = received;
  const caller = await options.identify(request);
  checkSite(services, { caller, request, route });
  await authorise(services, caller, { route, path: new URL(request.url).pathname });
  const call = {
    services,
    caller,
    params: parse(route.params, received.params, 'path'),
    query: parse(route.query, queryOf(request), 'query'),
    body: parse(route.body, await readBody(route, request), 'body'),
    ifMatch: readIfMatch(request.headers.get('if-match')),
    signal: request.signal,
    onProgress: () => undefined,
  };
  const answered = isToldProgress(received) ? streamed(options, { route, call }) : await handle(route, call);
  const headers = new Headers({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  });
  if ('stream' in answered) {
    headers.set('content-type', 'text/event-stream');
    return new Response(answered.stream, { headers });
  }
  if (answered.revision !== undefined) headers.set('etag', `"${answered.revision}"`);
  const status = route.status ?? 200;
  const location = status === 201 ? locationOf(route, answered.body) : null;
  if (location !== null) headers.set('location', location);
  if (status === 204) return new Response(null, { status, headers });
  headers.set('content-type', jsonType);
  return new Response(JSON.stringify(answered.body), { status, headers });
}

/** RFC 9110 10.2.2: where what a route made is read from now on; null where it cannot be read by itself. */
function locationOf(made: Route, body: unknown): string | null {
  const { id } = body as { id?: unknown };
  return typeof id === 'string' && isReadById(routes, made) ? `/api/v1${made.path}/${encodeURIComponent(id)}` : null;
}

/** What the route answers. A name of nothing there is comes with the nearest one, where the caller may read those names. */
async function handle(route: Route, call: Call<unknown, unknown, unknown>): Promise<Answered<unknown>> {
  const { services, caller } = call;
  try {
    return await route.handle(call);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.missing === undefined) throw error;
    const { kind, id } = error.missing;
    if (!mayAdminister(services, caller, { noun: kind, action: 'read' })) throw error;
    const known = [...services.facts.all(kind)].map(([name]) => name);
    throw withMore(error, nearestWords(id, known));
  }
}

/** Does the caller take events and nothing else? */
function isToldProgress({ route, request }: Received): boolean {
  const accepted = (request.headers.get('accept') ?? '').split(',').map((type) => type.split(';')[0]?.trim());
  return route.tellsProgress === true && accepted.includes('text/event-stream') && !accepted.includes(jsonType);
}

/** The answer of a route as events. Work whose reader goes away is called off, by the same signal as without events. */
function streamed(
  { onError }: ApiOptions,
  { route, call }: { route: Route; call: Call<unknown, unknown, unknown> },
): { stream: ReadableStream<Uint8Array> } {
  const run = async (onProgress: typeof call.onProgress, signal: AbortSignal): Promise<object> => {
    const answered = await handle(route, { ...call, onProgress, signal });
    if ('stream' in answered) throw new Error('INVARIANT: a stream does not lie in another');
    return answered.body as object;
  };
  return { stream: progressStream({ run, problemOf: (error) => describe(error, onError), signal: call.signal }) };
}

/**
 * Refuses what another site made a browser send with the person's cookie. Programs with tokens are not browsers with cookies;
 * the local socket is not reached by browsers at all.
 */
function checkSite(
  services: ApiServices,
  { caller, request, route }: { caller: Caller; request: Request; route: Route },
): void {
  if (caller.sessionId === null) return;
  const site = request.headers.get('sec-fetch-site');
  const origin = request.headers.get('origin');
  const refused = problem(403, 'cross-site', 'this request comes from another site; use the console itself');
  if (origin !== null && origin !== originOf(services.urls, 'console')) throw refused;
  if (route.method === 'GET') {
    if (site !== null && site !== 'same-origin' && site !== 'none') throw refused;
    return;
  }
  if (site !== 'same-origin' && (site !== null || origin === null)) throw refused;
}

function queryOf(request: Request): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of new URL(request.url).searchParams) {
    if (Object.hasOwn(query, name)) throw problem(400, 'invalid', `the query has \`${name.slice(0, 100)}\` twice`);
    query[name] = value;
  }
  return query;
}

async function readBody(route: Route, request: Request): Promise<unknown> {
  if (route.body === undefined) {
    if (request.body !== null && Number(request.headers.get('content-length') ?? 0) > 0) {
      throw problem(400, 'invalid', 'this takes no body');
    }
    return null;
  }
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== jsonType) throw problem(415, 'media-type', 'send JSON, with `content-type: application/json`');
  const max = route.bodyBytesMax ?? bodyBytesDefault;
  return readJson(await readBytes(request, max));
}

async function readBytes(request: Request, max: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > max) throw problem(413, 'too-large', `the body is larger than ${max} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readIfMatch(header: string | null): number | undefined {
  if (header === null || header === '*') return undefined;
  const match = /^"([0-9]{1,15})"$/.exec(header);
  if (match === null) throw problem(400, 'invalid', '`if-match` must be the `etag` of an earlier answer');
  return Number(match[1]);
}

/** Of several shapes that a value may have, what is wrong with the one it comes nearest to. */
function nearestIssues(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const [nearest = []] = [...issue.errors].sort((one, other) => one.length - other.length);
  return nearest.flatMap((each) => nearestIssues({ ...each, path: [...issue.path, ...each.path] }));
}

/** `sent` is attacker-controlled: it is compared with what is known, and never told. */
function issueWords(issue: z.core.$ZodIssue, sent: unknown): string {
  if (issue.code !== 'invalid_value') return issue.message;
  const values = issue.values.map(String);
  const known = values.map((value) => `\`${value}\``);
  const nearest = typeof sent === 'string' ? nearestWords(sent, values) : '';
  return known.length === 1 ? `must be ${known[0]}` : `must be one of ${known.join(', ')}${nearest}`;
}

/** What stands at a path of what was sent. */
function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? Reflect.get(at, step) : undefined,
    value,
  );
}

/** What stands in the URL is quoted when it is no longer. */
const quotedLengthMax = 200;

/** Parses one part of the request. Of bodies, which may hold secrets, only the place is told; of URLs the value too. */
function parse(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (schema === undefined) {
    if (where === 'query' && Object.keys(value as object).length > 0)
      throw problem(400, 'invalid', 'this takes no query');
    return where === 'body' ? null : {};
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues
    .flatMap(nearestIssues)
    .slice(0, 50)
    .map((issue) => {
      const sent = valueAt(value, issue.path);
      const isQuoted = where !== 'body' && typeof sent === 'string' && sent.length <= quotedLengthMax;
      const words = issueWords(issue, sent);
      // Members of the path have names that nobody typed; their values say which it is.
      const path = where === 'path' && isQuoted ? '' : issue.path.map(String).join('.');
      return { path, message: isQuoted ? `\`${sent}\` ${words}` : words };
    });
  const [first] = errors;
  const detail =
    first === undefined || first.path === ''
      ? `the ${where} is not valid: ${first?.message}`
      : `\`${first.path}\` is not valid: ${first.message}`;
  throw new ApiProblem({ status: 400, code: 'invalid', detail, errors });
}
