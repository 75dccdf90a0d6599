import { readFileSync } from 'node:fs';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { request as httpRequest } from '#foundation/http';
import { adminTokenFile } from '#shell/wire';
import { isLoopback } from '../config/listen.ts';
import { CliError } from './failure.ts';
import { fileOfPath, problemLine } from './problem-line.ts';

/** Bytes of an answer; lists are paged, so more is a fault. */
const answerBytesMax = 64 * 1024 * 1024;
const answerTimeoutMs = 60_000;
/** A value that was refused is quoted when it is no longer. */
const quotedLengthMax = 200;

export interface ApiAnswer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: unknown;
}

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly ifMatch?: string;
  /** Where the policies of the body lie: what is wrong with them is told with their place. */
  readonly folder?: string;
  /** How long an answer may take; less than a minute unless told. */
  readonly timeoutMs?: number;
}

/** Speaks the admin API. Problems become CliErrors: 403 and failed checks are answers (`no`), 400 wrong use, the rest `failed`. */
export interface ApiClient {
  call(call: ApiCall): Promise<ApiAnswer>;
  /** All items of a paged list, at most `max`. */
  list(path: string, options?: { query?: ApiCall['query']; max?: number }): Promise<Record<string, unknown>[]>;
  /** Work that takes its time: calls back with how far it is, and gives the report. `signal` calls it off. */
  work<P, R>(call: ApiCall, options: { onProgress: (progress: P) => void; signal?: AbortSignal }): Promise<R>;
  /** Server-sent events: calls back with each `data` until the server ends or `signal` aborts. */
  stream(call: ApiCall, options: { onData: (data: string) => void; signal: AbortSignal }): Promise<void>;
}

interface Target {
  readonly options: RequestOptions;
  readonly send: typeof httpRequest;
  readonly name: string;
  /** Read for each request: control makes a new one at every start. */
  readonly token: () => string | undefined;
}

/** `server` undefined: the admin socket in the data folder. Throws CliError for a server that must not get a token. */
export function createApiClient(input: {
  readonly dataDirectory: string;
  readonly server: string | undefined;
  readonly caFile: string | undefined;
  readonly token: string | undefined;
}): ApiClient {
  const target = input.server === undefined ? socketTarget(input.dataDirectory) : serverTarget(input.server, input);
  const call = async (each: ApiCall): Promise<ApiAnswer> => {
    const response = await send(target, each, { accept: 'application/json' });
    const text = await readAll(response);
    const body = parseAnswer(text, response);
    const status = response.statusCode ?? 0;
    if (status >= 400) throw refusal(status, { body, call: each });
    return { status, etag: response.headers.etag, body };
  };
  return {
    call,
    list: async (path, options = {}) => {
      const items: Record<string, unknown>[] = [];
      const max = options.max ?? 10_000;
      let cursor: string | undefined;
      do {
        const query = { ...options.query, limit: Math.min(200, max - items.length), cursor };
        const page = (await call({ method: 'GET', path, query })).body as {
          items: Record<string, unknown>[];
          next: string | null;
        };
        items.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor !== undefined && items.length < max);
      return items;
    },
    work: async <P, R>(each: ApiCall, { onProgress, signal }: Parameters<ApiClient['work']>[1]) => {
      let report: R | undefined;
      const onData = (data: string) => {
        const { type, ...told } = JSON.parse(data) as { type: string };
        if (type === 'problem') throw refusal((told as { status?: number }).status ?? 500, { body: told, call: each });
        if (type === 'report') report = told as R;
        else onProgress(told as P);
      };
      await streamed(target, each, { onData, ...(signal === undefined ? {} : { signal }) });
      if (report === undefined) throw new CliError('failed', 'the server ended the work without an answer');
      return report;
    },
    stream: (each, options) => streamed(target, each, options),
  };
}

async function streamed(target: Target, call: ApiCall, { onData, signal }: EventsOptions): Promise<void> {
  const response = await send(target, call, {
    accept: 'text/event-stream',
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.statusCode !== 200)
    throw refusal(response.statusCode ?? 0, { body: parseAnswer(await readAll(response), response), call });
  await readEvents(response, { onData, ...(signal === undefined ? {} : { signal }) });
}

function socketTarget(dataDirectory: string): Target {
  const socketPath = join(dataDirectory, 'control.sock');
  const options = { socketPath, headers: { host: 'control' } };
  return { options, send: httpRequest, name: socketPath, token: () => readAdminToken(dataDirectory) };
}

/** Undefined when there is none: then nothing answers at the socket either, and that is what people are told. */
function readAdminToken(dataDirectory: string): string | undefined {
  const path = adminTokenFile(dataDirectory);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CliError('failed', `\`${path}\` cannot be read; run this as the user who runs \`nullius up\``);
  }
}

function serverTarget(server: string, input: { caFile: string | undefined; token: string | undefined }): Target {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CliError(
      'usage',
      `\`${server}\` is no URL; write the console's, such as \`https://console.example.com\``,
    );
  }
  if (input.token === undefined || input.token === '') {
    throw new CliError(
      'usage',
      'NULLIUS_TOKEN is not set; make a token with `nullius token create` and put it into the environment',
    );
  }
  // Names under .localhost resolve in browsers only; programs connect to loopback and send the name as Host.
  const local = url.hostname === 'localhost' || url.hostname.endsWith('.localhost');
  if (url.protocol === 'http:' && !local && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) {
    throw new CliError('usage', `\`${server}\` is plain HTTP; a token sent there could be read on the way, use https`);
  }
  const options: RequestOptions & { ca?: string[]; servername?: string } = {
    host: local ? '127.0.0.1' : url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    headers: { host: url.host },
  };
  const token = () => input.token;
  if (url.protocol === 'http:') return { options, send: httpRequest, name: server, token };
  if (local) options.servername = url.hostname;
  if (input.caFile !== undefined) options.ca = [...rootCertificates, readCa(input.caFile)];
  return { options, send: httpsRequest, name: server, token };
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new CliError('usage', `\`${file}\` cannot be read; --ca needs a PEM file`);
  }
}

function send(
  target: Target,
  call: ApiCall,
  { accept, signal }: { accept: string; signal?: AbortSignal },
): Promise<IncomingMessage> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, String(value));
  const path = `/api/v1${call.path}${query.size === 0 ? '' : `?${query}`}`;
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const token = target.token();
  const headers = {
    ...target.options.headers,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    accept: `${accept}, application/problem+json`,
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...(call.ifMatch === undefined ? {} : { 'if-match': call.ifMatch }),
  };
  return new Promise((resolve, reject) => {
    const request = target.send({
      ...target.options,
      method: call.method,
      path,
      headers,
      ...(signal === undefined ? {} : { signal }),
    });
    if (signal === undefined || call.timeoutMs !== undefined) {
      const timeoutMs = call.timeoutMs ?? answerTimeoutMs;
      request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    }
    request.on('response', resolve);
    request.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(target.name, error)));
    request.end(body);
  });
}

function unreachable(name: string, error: NodeJS.ErrnoException): Error {
  if (error.name === 'AbortError') return error;
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new CliError(
      'failed',
      `nothing answers at \`${name}\`; start it with \`nullius up\`, or name its data folder with --data`,
    );
  }
  if (error.code === 'EACCES')
    return new CliError('failed', `\`${name}\` belongs to another user; run this as the user who runs \`nullius up\``);
  return new CliError('failed', `\`${name}\` could not be asked: ${error.message}`);
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > answerBytesMax) throw new CliError('failed', `the answer is larger than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseAnswer(text: string, response: IncomingMessage): unknown {
  if (text === '') return null;
  if (!/[/+]json\b/.test(response.headers['content-type'] ?? '')) {
    throw new CliError(
      'failed',
      `the server answered ${response.statusCode} with something that is no JSON; is \`--server\` the console's URL?`,
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError('failed', 'the server answered with broken JSON');
  }
}

/** What was sent at a path such as `scopes.0`, for quoting; '' when it is no short text. */
function sentAt(sent: unknown, path: string): string {
  let value = sent;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return '';
    value = (value as Record<string, unknown>)[step];
  }
  return typeof value === 'string' && value.length <= quotedLengthMax ? `\`${value}\` ` : '';
}

/** Problems that say a check of what was sent has failed; the call itself was right. */
const failedChecks = new Set(['gate-closed', 'invalid-policies', 'last-administrator']);

interface Problem {
  readonly title?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly words?: readonly string[];
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly correlationId?: string;
}

/** What is wrong, the first mistake first; a set of policies has a line for each, under what it means. */
function mistakeLines({ code, detail, errors = [] }: Problem, { body, folder }: ApiCall): string[] {
  if (code === 'invalid-policies')
    return [
      'the policies are not valid:',
      ...errors.map(({ path, message }) => `  ${problemLine({ message }, join(folder ?? '', fileOfPath(path)))}`),
    ];
  if (code === 'gate-closed')
    return [
      'a gate is closed, so nothing was put in force',
      ...errors.map(({ path, message }) => `  \`${path}\`: ${message}`),
    ];
  const mistakes = errors.map(
    ({ path, message }) => `${path === '' ? '' : `\`${path}\`: `}${sentAt(body, path)}${message}`,
  );
  const [first = detail, ...more] = mistakes;
  return [...(first === undefined ? [] : [first]), ...more.map((mistake) => `  ${mistake}`)];
}

function refusal(status: number, { body, call }: { readonly body: unknown; readonly call: ApiCall }): CliError {
  const problem = (body ?? {}) as Problem;
  const lines = mistakeLines(problem, call);
  if (lines.length === 0) lines.push(problem.title ?? `the server answered ${status}`);
  for (const words of problem.words ?? []) lines.push(`  ${words}`);
  if (problem.correlationId !== undefined) lines.push(`  why: nullius policy explain ${problem.correlationId}`);
  const isNo = status === 403 || failedChecks.has(problem.code ?? '');
  return new CliError(isNo ? 'no' : status === 400 ? 'usage' : 'failed', lines.join('\n'), body);
}

interface EventsOptions {
  readonly onData: (data: string) => void;
  readonly signal?: AbortSignal;
}

async function readEvents(response: IncomingMessage, options: EventsOptions): Promise<void> {
  let buffered = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      buffered += chunk;
      if (buffered.length > answerBytesMax) throw new CliError('failed', 'the server sent an event that is too large');
      for (let end = buffered.indexOf('\n\n'); end >= 0; end = buffered.indexOf('\n\n')) {
        const data = buffered
          .slice(0, end)
          .split('\n')
          .filter((line) => line.startsWith('data: '))
          .map((line) => line.slice(6));
        buffered = buffered.slice(end + 2);
        if (data.length > 0) options.onData(data.join('\n'));
      }
    }
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
  }
}
