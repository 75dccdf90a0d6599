// A whole gateway for tests: real sockets in front, a real app behind, everyone allowed.
import { createServer, request as httpRequest, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import type { Route } from '#foundation/model';
import { makeCertificate } from '../../../tests/test-certificate.ts';
import { forwardedFields } from './forwarded-fields.ts';
import type { KeptFields } from './http1/kept-fields.ts';
import {
  createFrontServers,
  createSweep,
  createUpstreams,
  type ForwardHandle,
  type ForwardOutcome,
  forwardRequest,
  type GatewayRequest,
  isRefusal,
  matchRoute,
  parseUpstream,
  refusalAnswer,
  requestHeadersFor,
  sendAnswer,
  viewOfRefusal,
} from './index.ts';

export interface TestGateway {
  readonly port: number;
  /** Port of the TLS listener, 0 without `tls`. */
  readonly tlsPort: number;
  readonly ca: string;
  readonly troubles: string[];
  readonly outcomes: ForwardOutcome[];
  readonly handles: ForwardHandle[];
  readonly requests: GatewayRequest[];
  ask(options: FetchOptions): Promise<FetchAnswer>;
  /** As the gateway's process does before it ends. */
  close(graceMs: number): Promise<void>;
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
  readonly kept?: KeptFields;
  /** Also a TLS listener, for these names. */
  readonly tls?: readonly string[];
  readonly upstreamCa?: string;
  readonly sweepPeriodMs?: number;
  /** Replaces the clock of the sweep: a fake time. */
  readonly clock?: () => number;
  readonly ownListeners?: () => { host: string; port: number }[];
  readonly routes?: Route[];
  readonly bodyBytesMax?: number;
  readonly exchangesMax?: number;
}

/** Starts app and gateway on loopback; both end with the test. */
export async function startGateway(t: Pick<TestContext, 'after'>, options: TestGatewayOptions): Promise<TestGateway> {
  const app = createServer(options.upstream);
  if (options.upstreamUrl === undefined) await listen(t, app);
  const url = options.upstreamUrl ?? `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  const target = parseUpstream(url);
  if (target === undefined) throw new Error(`bad upstream ${url}`);
  const upstreams = createUpstreams({
    ownListeners: options.ownListeners ?? (() => []),
    ...(options.exchangesMax === undefined ? {} : { exchangesMax: options.exchangesMax }),
    ...(options.upstreamCa === undefined ? {} : { ca: [options.upstreamCa] }),
  });
  const sweep = createSweep(options.clock ?? (() => performance.now()), options.sweepPeriodMs);
  const outcomes: ForwardOutcome[] = [];
  const handles: ForwardHandle[] = [];
  const requests: GatewayRequest[] = [];
  const troubles: string[] = [];
  const certificate = options.tls === undefined ? null : await makeCertificate(options.tls);
  const context = certificate === null ? null : createSecureContext(certificate);
  const servers = createFrontServers({
    contextFor: context === null ? null : (name) => (options.tls?.includes(name) === true ? context : undefined),
    sweep,
    clock: Date.now,
    onTrouble: (code) => troubles.push(code),
    onExchange: ({ request, connection, client }) => {
      if (isRefusal(request)) {
        sendAnswer(client, refusalAnswer(viewOfRefusal(request, { request: null, correlationId: 'c' }), null));
        return;
      }
      const route = matchRoute(request, options.routes ?? []);
      if (isRefusal(route)) {
        sendAnswer(client, refusalAnswer(viewOfRefusal(route, { request, correlationId: 'c' }), request));
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
        kept: [forwardedFields(connection, request), ...(options.kept === undefined ? [] : [options.kept])],
        upstream: upstreams.upstreamFor(target, { allowPrivate: options.allowPrivate ?? true }),
        sweep,
        strictTransportSecurity: null,
        bodyBytesMax: options.bodyBytesMax ?? null,
        answerRefusal: (refusal) =>
          sendAnswer(client, refusalAnswer(viewOfRefusal(refusal, { request, correlationId: 'c' }), request)),
        onEnd: (outcome) => outcomes.push(outcome),
      });
      handles.push(handle);
    },
  });
  await listen(t, servers.plain);
  const tlsPort = servers.tls === null ? 0 : await listen(t, servers.tls);
  t.after(async () => {
    sweep.stop();
    await upstreams.close();
    await servers.close(0);
  });
  const port = (servers.plain.address() as AddressInfo).port;
  return {
    port,
    tlsPort,
    ca: certificate?.cert ?? '',
    troubles,
    outcomes,
    handles,
    requests,
    ask: (fetchOptions) => fetchOnce(port, fetchOptions),
    close: (graceMs) => servers.close(graceMs),
  };
}

/** Listens on a free loopback port until the test ends. */
export async function listen(t: Pick<TestContext, 'after'>, server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
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

/** An app that is nothing but a TCP server: it can break every rule. */
export async function rawApp(t: TestContext, onConnection: (socket: Socket, index: number) => void): Promise<string> {
  let index = 0;
  const server = createNetServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket, index++);
  });
  return `http://127.0.0.1:${await listen(t, server)}`;
}

/** Waits for a condition. */
export const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** A clock that stands still until told; the sweep, which alone may ask it, looks every few milliseconds. */
export function fakeTime() {
  let now = 0;
  let looks = 0;
  return {
    clock: () => {
      looks += 1;
      return now;
    },
    pass: (ms: number) => {
      now += ms;
    },
    /** Waits until the sweep has looked once more, and what could be read meanwhile is read. */
    swept: async () => {
      const before = looks;
      await until(() => looks > before);
      await nextTurn();
    },
  };
}
