import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { equalSecrets } from '#foundation/crypto';
import { listenOnSocket } from '#shell/child';
import { type GatewayCalls, localGatewayName } from '#shell/wire';
import type { FollowServer } from './follow.ts';
import { gatewayCallSchemas, isGatewayCall } from './gateway-call-schemas.ts';

const bodyBytesMax = 1024 * 1024;
const requestMsMax = 10_000;
const headerBytesMax = 16_384;

const localPeer: GatewayPeer = { name: localGatewayName };

/** One function per call. What it throws becomes a problem document by `describe`. */
export type GatewayCallHandlers = {
  readonly [N in keyof GatewayCalls]: (
    request: GatewayCalls[N]['request'],
    peer: GatewayPeer,
  ) => Promise<GatewayCalls[N]['answer']>;
};

/** The gateway at the other end, as established by the socket or its certificate; never by what it says. */
export interface GatewayPeer {
  readonly name: string;
}

/** A refusal in words that may be shown to people. */
export interface CallProblem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export interface GatewaySocketOptions {
  readonly follow: FollowServer;
  readonly handlers: GatewayCallHandlers;
  /** Bearer token every gateway shows. */
  readonly token: string;
  /** Reads an error a handler threw; undefined when it is not fit for others' eyes (500, told to `onError`). */
  readonly describe: (error: unknown) => CallProblem | undefined;
  readonly onError: (error: unknown) => void;
  /** The Unix socket of this machine, or mutual TLS for gateways on others (PEM; `ca` says who may connect). */
  readonly listen:
    | { readonly socketPath: string }
    | { readonly host: string; readonly port: number; readonly tls: { ca: string; cert: string; key: string } };
}

export interface GatewaySocket {
  readonly server: Server;
  close(): Promise<void>;
}

/** Serves the gateways: `GET /follow` and `POST /call/<name>`, to those who show the token and to nobody else. */
export async function startGatewaySocket(options: GatewaySocketOptions): Promise<GatewaySocket> {
  const limits = { maxHeaderSize: headerBytesMax, requestTimeout: requestMsMax, headersTimeout: requestMsMax };
  const answer = (request: IncomingMessage, response: ServerResponse) => void serve(request, response, options);
  const { listen } = options;
  let server: Server;
  if ('socketPath' in listen) {
    server = createServer(limits, answer);
    await listenOnSocket(server, listen.socketPath);
  } else {
    const tls = { ...listen.tls, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true } as const;
    server = createTlsServer({ ...limits, ...tls }, answer);
    server.listen(listen.port, listen.host);
    await once(server, 'listening');
  }
  return {
    server,
    close: async () => {
      options.follow.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, options: GatewaySocketOptions): Promise<void> {
  try {
    const problem = await route(request, response, options);
    if (problem !== undefined) sendProblem(response, problem);
  } catch (error) {
    options.onError(error);
    sendProblem(response, { status: 500, code: 'internal', detail: 'control could not do it; its log says why' });
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  options: GatewaySocketOptions,
): Promise<CallProblem | undefined> {
  if (!equalSecrets(request.headers.authorization ?? '', `Bearer ${options.token}`)) {
    return { status: 401, code: 'unauthenticated', detail: 'the gateway token is missing or wrong' };
  }
  const [path = ''] = (request.url ?? '').split('?', 1);
  if (request.method === 'GET' && path === '/follow') {
    await options.follow.handle(request, response, localPeer);
    return undefined;
  }
  const name = path.startsWith('/call/') ? path.slice('/call/'.length) : '';
  if (request.method !== 'POST' || !isGatewayCall(name)) {
    return { status: 404, code: 'not-found', detail: 'control knows no such call' };
  }
  return await call(name, { request, response, options });
}

async function call(
  name: keyof GatewayCalls,
  context: { request: IncomingMessage; response: ServerResponse; options: GatewaySocketOptions },
): Promise<CallProblem | undefined> {
  const { request, response, options } = context;
  const body = await readBody(request);
  const parsed = gatewayCallSchemas[name].safeParse(body);
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? '';
    return {
      status: 400,
      code: 'invalid',
      detail: `the call \`${name}\` is not as agreed${at === '' ? '' : ` at \`${at}\``}`,
    };
  }
  const handler = options.handlers[name] as (value: unknown, peer: GatewayPeer) => Promise<unknown>;
  let answer: unknown;
  try {
    answer = await handler(parsed.data, localPeer);
  } catch (error) {
    const problem = options.describe(error);
    if (problem === undefined) throw error;
    return problem;
  }
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(answer));
  return undefined;
}

/** The body as JSON; undefined when it is too large or no JSON, which no schema takes. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
    else if (bytes > bodyBytesMax * 4) request.destroy();
  }
  if (bytes > bodyBytesMax) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    return undefined;
  }
}

function sendProblem(response: ServerResponse, problem: CallProblem): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(problem.status, { 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ type: 'about:blank', title: problem.code, ...problem }));
}
