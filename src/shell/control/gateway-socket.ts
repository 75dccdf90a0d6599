import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { equalSecrets } from '#foundation/crypto';
import { createServer } from '#foundation/http';
import { listenOnSocket } from '#shell/child';
import { type GatewayCalls, localGatewayName } from '#shell/wire';
import type { FollowServer } from './follow.ts';
import { gatewayCallSchemas, isGatewayCall } from './gateway-call-schemas.ts';

const bodyBytesMax = 1024 * 1024;
const requestMsMax = 10_000;
const headerBytesMax = 16_384;
export const gatewayRequestLimits = {
  maxHeaderSize: headerBytesMax,
  requestTimeout: requestMsMax,
  headersTimeout: requestMsMax,
};

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
  /** Who asks, by the connection: a gateway, or why nobody we know. */
  readonly peerOf: (request: IncomingMessage) => GatewayPeer | CallProblem;
  /** Reads an error a handler threw; undefined when it is not fit for others' eyes (500, told to `onError`). */
  readonly describe: (error: unknown) => CallProblem | undefined;
  readonly onError: (error: unknown) => void;
}

/** Gateways of this machine: whoever shows the token of this start. */
export function localPeer(token: string): GatewaySocketOptions['peerOf'] {
  return (request) =>
    equalSecrets(request.headers.authorization ?? '', `Bearer ${token}`)
      ? { name: localGatewayName }
      : { status: 401, code: 'unauthenticated', detail: 'the gateway token is missing or wrong' };
}

export interface GatewaySocket {
  readonly server: Server;
  close(): Promise<void>;
}

/** Serves the gateways of this machine on a Unix socket: `GET /follow` and `POST /call/<name>`. */
export async function startGatewaySocket(
  options: GatewaySocketOptions & { readonly socketPath: string },
): Promise<GatewaySocket> {
  const server = createServer(
    gatewayRequestLimits,
    (request, response) => void serveGateway(request, response, options),
  );
  await listenOnSocket(server, options.socketPath);
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

/** Answers one request of a gateway, whatever it came by. */
export async function serveGateway(
  request: IncomingMessage,
  response: ServerResponse,
  options: GatewaySocketOptions,
): Promise<void> {
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
  const peer = options.peerOf(request);
  if ('status' in peer) return peer;
  const [path = ''] = (request.url ?? '').split('?', 1);
  if (request.method === 'GET' && path === '/follow') {
    await options.follow.handle(request, response, peer);
    return undefined;
  }
  const name = path.startsWith('/call/') ? path.slice('/call/'.length) : '';
  if (request.method !== 'POST' || !isGatewayCall(name)) {
    return { status: 404, code: 'not-found', detail: 'control knows no such call' };
  }
  return await call(name, { request, response, options, peer });
}

async function call(
  name: keyof GatewayCalls,
  context: { request: IncomingMessage; response: ServerResponse; options: GatewaySocketOptions; peer: GatewayPeer },
): Promise<CallProblem | undefined> {
  const { request, response, options, peer } = context;
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
    answer = await handler(parsed.data, peer);
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
export async function readBody(request: IncomingMessage): Promise<unknown> {
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

export function sendProblem(response: ServerResponse, problem: CallProblem): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(problem.status, { 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ type: 'about:blank', title: problem.code, ...problem }));
}
