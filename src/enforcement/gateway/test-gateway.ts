// A whole gateway for tests: real sockets in front, a real app behind, everyone allowed.
import { createServer, request as httpRequest, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import {
  createFrontServers,
  createSweep,
  createUpstreams,
  type ForwardHandle,
  type ForwardOutcome,
  forwardRequest,
  type GatewayRequest,
  isRefusal,
  parseUpstream,
  readRequest,
  refusalAnswer,
  requestHeadersFor,
  sendAnswer,
  viewOfRefusal,
} from './index.ts';

export interface TestGateway {
  readonly port: number;
  readonly outcomes: ForwardOutcome[];
  readonly handles: ForwardHandle[];
  readonly requests: GatewayRequest[];
  ask(options: FetchOptions): Promise<FetchAnswer>;
}

export interface FetchOptions {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

export interface FetchAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly trailers: NodeJS.Dict<string>;
  readonly body: string;
}

export interface TestGatewayOptions {
  readonly upstream?: RequestListener;
  /** Instead of an HTTP server: what listens at this address. */
  readonly upstreamUrl?: string;
  readonly allowPrivate?: boolean;
  readonly own?: readonly string[];
}

/** Starts app and gateway on loopback; both end with the test. */
export async function startGateway(t: TestContext, options: TestGatewayOptions): Promise<TestGateway> {
  const app = createServer(options.upstream);
  if (options.upstreamUrl === undefined) await listen(t, app);
  const url = options.upstreamUrl ?? `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  const target = parseUpstream(url);
  if (target === undefined) throw new Error(`bad upstream ${url}`);
  const upstreams = createUpstreams({ ownListeners: () => [] });
  const sweep = createSweep(() => performance.now());
  const outcomes: ForwardOutcome[] = [];
  const handles: ForwardHandle[] = [];
  const requests: GatewayRequest[] = [];
  const servers = createFrontServers({
    contextFor: null,
    onExchange: ({ head, connection, client }) => {
      const request = readRequest(head, connection);
      if (isRefusal(request)) {
        sendAnswer(client, refusalAnswer(viewOfRefusal(request, { request: null, correlationId: 'c' }), null));
        return;
      }
      requests.push(request);
      const handle = forwardRequest({
        request,
        client,
        headers: requestHeadersFor(request, {
          own: options.own ?? [],
          keepAuthorization: true,
          host: target.authority,
        }),
        upstream: upstreams.upstreamFor(target, { allowPrivate: options.allowPrivate ?? true }),
        sweep,
        strictTransportSecurity: null,
        bodyBytesMax: null,
        answerRefusal: (refusal) =>
          sendAnswer(client, refusalAnswer(viewOfRefusal(refusal, { request, correlationId: 'c' }), request)),
        onEnd: (outcome) => outcomes.push(outcome),
      });
      handles.push(handle);
    },
  });
  await listen(t, servers.plain);
  t.after(async () => {
    sweep.stop();
    await upstreams.close();
    await servers.close(0);
  });
  const port = (servers.plain.address() as AddressInfo).port;
  return { port, outcomes, handles, requests, ask: (fetchOptions) => fetchOnce(port, fetchOptions) };
}

/** Listens on a free loopback port until the test ends. */
export async function listen(t: TestContext, server: ReturnType<typeof createServer>): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

function fetchOnce(port: number, options: FetchOptions): Promise<FetchAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method: options.method ?? 'GET',
        path: options.path ?? '/',
        agent: false,
        headers: { host: 'app.localhost', ...options.headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            trailers: response.trailers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}
