// A gateway for tests of the access flow: real sockets, facts, policies and apps; only control and journal are played.
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { adviceOf, findRemedies, judge, LiveStreams } from '#decision/administration';
import { createFrontServers, createSweep, createUpstreams, forwardRequest } from '#enforcement/gateway';
import type { WrittenEvent } from '#evidence/log';
import type { FactRow, Resource } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { type MakePolicies, preparedPolicies } from '../../../tests/published-policies.ts';
import { Assertions } from './assertions.ts';
import { Bearers } from './bearer.ts';
import { type CallControl, ControlError } from './control-client.ts';
import type { Gate } from './gate.ts';
import { serve } from './listeners.ts';
import { Metrics } from './metrics.ts';
import { makePdp } from './pdp/make-pdp.ts';
import { sharedPageKey } from './pdp/page-key.ts';
import { questionNow } from './question-of-request.ts';
import { SeenSessions } from './seen-sessions.ts';
import { SignInTurns } from './sign-in-turns.ts';
import { sitesFrom } from './sites.ts';
import { StrangerEvents } from './stranger-events.ts';

const shipped = join(import.meta.dirname, '../../../policies');
const shippedPolicies = preparedPolicies({
  sequence: 1,
  schema: readFileSync(join(shipped, 'schema.cedarschema'), 'utf8'),
  policies: globSync(join(shipped, '*.cedar'))
    .sort()
    .map((file) => ({ file: basename(file), text: readFileSync(file, 'utf8') })),
});

type Row = Omit<FactRow, 'revision'>;
interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What reached the app behind it. */
interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export const appDefaults: Omit<Resource, 'upstream'> = {
  kind: 'app',
  displayName: 'Wiki',
  description: '',
  segment: null,
  allowPrivate: true,
  preserveHost: false,
  routes: [],
  corsPreflight: false,
  crossOriginCookie: false,
  requestable: true,
  origin: 'api',
};

/** Starts an app, `wiki`, and a gateway in front of it over these facts. `onRecord` runs while the journal writes. */
export async function startTestGate(
  t: TestContext,
  options: {
    rows: readonly Row[];
    /** Name of the app. */
    name?: string;
    app?: Partial<Resource>;
    onRecord?: () => void;
    call?: CallControl;
    isJournalTaking?: () => boolean;
    /** Instead of the shipped ones. */
    policies?: MakePolicies;
  },
) {
  const received: Received[] = [];
  const app = createServer((request, response) => {
    received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    response.end('from the app');
  });
  const upstream = `http://127.0.0.1:${await listen(t, app)}`;
  const facts = new FactTable({ clock: Date.now });
  const put = (rows: readonly Row[]) => {
    const revision = facts.revision + 1;
    facts.apply(
      rows.map((row) => ({ ...row, revision }) as FactRow),
      revision,
    );
  };
  const name = options.name ?? 'wiki';
  put([{ kind: 'resource', id: name, body: { ...appDefaults, upstream, ...options.app } }, ...options.rows]);
  const urls = { domain: 'localhost', appsDomain: 'localhost', scheme: 'http', port: 8080 } as const;
  const sites = () => sitesFrom(facts, { urls, webSocketPath: '/nowhere' });
  const calls: { name: string; request: unknown }[] = [];
  const call: CallControl = (name, request) => {
    calls.push({ name, request });
    return options.call === undefined
      ? Promise.reject(new ControlError('unreachable', { message: 'control is not here' }))
      : options.call(name, request);
  };
  const events: (Omit<WrittenEvent, 'payload'> & { readonly payload: unknown })[] = [];
  const faults: unknown[] = [];
  const sweep = createSweep(() => performance.now());
  const upstreams = createUpstreams({ ownListeners: () => [] });
  const input = { view: facts, policies: (options.policies ?? shippedPolicies)(facts) };
  const live = new LiveStreams({
    clock: Date.now,
    monotonicClock: () => performance.now(),
    judge: (stream, now) => judge({ ...input, question: questionNow(sites(), stream), now }),
    readsNamed: () => false,
    yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    onFault: () => undefined,
  });
  const strangers = new StrangerEvents({
    clock: Date.now,
    randomBytes: (count) => new Uint8Array(count),
    at: () => ({ policySequence: 1, factRevision: facts.revision }),
    record: async (event) => void events.push(event),
    onFault: (error) => faults.push(error),
  });
  let ids = 0;
  const parts: Partial<Gate> = {
    clock: Date.now,
    newId: () => `id-${++ids}`,
    urls,
    facts,
    bearers: new Bearers(facts),
    sites,
    isFreshFor: () => true,
    judge: (question, now, last) => judge({ ...input, question, now }, last),
    remedies: (question, now) => findRemedies({ ...input, question, now }),
    advice: (verdict) => adviceOf(input.policies, verdict),
    record: async (event) => {
      events.push(event);
      await new Promise((resolve) => setImmediate(resolve));
      options.onRecord?.();
    },
    isJournalTaking: () => options.isJournalTaking?.() ?? true,
    countStranger: (request) => strangers.note(request),
    live,
    call,
    signInTurns: new SignInTurns(),
    pdp: makePdp({
      facts,
      policies: () => input.policies,
      judge: (question, now) => judge({ ...input, question, now }),
      urls,
      pageKey: sharedPageKey(call, (count) => randomBytes(count)),
    }),
    assertions: new Assertions(
      async () => ({ made: Array(32).fill({ jwt: 'a.b.c', expiresAt: Date.now() + 60_000 }) }) as never,
      Date.now,
    ),
    seen: new SeenSessions(async () => ({}) as never, Date.now),
    upstreams,
    forward: forwardRequest,
    sweep,
    metrics: new Metrics(),
    onFault: (error) => faults.push(error),
  };
  const gate = parts as Gate;
  const servers = createFrontServers({
    contextFor: null,
    sweep,
    clock: Date.now,
    onTrouble: () => undefined,
    onExchange: (exchange) => void serve(gate, exchange),
  });
  const port = await listen(t, servers.plain as Server);
  t.after(async () => {
    sweep.stop();
    await gate.seen.close();
    await upstreams.close();
  });
  const ask = (
    path: string,
    {
      method = 'GET',
      headers = {},
      stalls = false,
    }: { method?: string; headers?: Record<string, string>; stalls?: boolean } = {},
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = httpRequest(
        {
          host: '127.0.0.1',
          port,
          path,
          method,
          agent: false,
          headers: { host: `${name}.localhost:8080`, ...headers },
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            body += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
        },
      );
      sent.on('error', reject);
      if (stalls) sent.write('reason=');
      else sent.end();
    });
  return { ask, gate, put, facts, received, calls, events, faults, live, strangers };
}

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function')
      server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}
