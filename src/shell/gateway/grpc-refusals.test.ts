import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { createCleartextServer } from '#enforcement/gateway';
import { serve } from './listeners.ts';
import { policiesWithTodo, tokenRow } from './pdp/test-pdp.ts';
import { startTestGate } from './test-gate.ts';

const group = (id: string) =>
  ({
    kind: 'group',
    id,
    body: { displayName: '', description: '', memberOf: [] as string[], origin: 'builtin' },
  }) as const;
const proxy = {
  ':path': '/auth/forward',
  'nullius-caller': 'nls_proxy',
  'x-forwarded-method': 'GET',
  'x-forwarded-uri': '/page',
  'x-forwarded-host': 'wiki.localhost:8080',
  'x-forwarded-proto': 'http',
  'x-forwarded-for': '192.0.2.7',
};
const nginx = {
  ':path': '/auth/nginx',
  'nullius-caller': 'nls_proxy',
  'x-original-method': 'GET',
  'x-original-uri': '/page',
  'x-forwarded-host': 'wiki.localhost:8080',
  'x-forwarded-proto': 'http',
  'x-real-ip': '192.0.2.7',
};

/** The gateway's own listener over HTTP/2: what is asked of `authority` there, marked as gRPC. */
async function started(t: TestContext, { isJournalFull = false } = {}) {
  const { gate } = await startTestGate(t, {
    rows: [group('administrators'), group('everyone'), tokenRow('t-proxy', 'nls_proxy', ['pdp:app:wiki'])],
    policies: policiesWithTodo(),
    onRecord: () => {
      if (isJournalFull) throw new Error('the journal is full');
    },
    isJournalTaking: () => !isJournalFull,
  });
  const server = createCleartextServer({
    onExchange: (exchange) => void serve(gate, exchange),
    onTrouble: () => undefined,
    sweep: gate.sweep,
    clock: Date.now,
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close(0));
  return (authority: string, fields: Record<string, string> = { ':path': '/' }) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const client = connect(`http://127.0.0.1:${port}`);
      const grpc = { ':method': 'GET', 'content-type': 'application/grpc', te: 'trailers' };
      const call = client.request({ ...grpc, ':authority': `${authority}.localhost:8080`, ...fields });
      call.on('response', (headers) => {
        client.close();
        resolve(headers);
      });
      call.on('error', reject);
      call.resume();
      call.end();
    });
}

test('a refused gRPC call to an app is told so in the status that its client reads', async (t) => {
  const ask = await started(t);
  const refused = await ask('wiki', { ':path': '/', ':method': 'POST' });
  assert.deepEqual([refused[':status'], refused['grpc-status']], [200, '16']);
  const full = await started(t, { isJournalFull: true });
  const failed = await full('wiki', { ':path': '/', ':method': 'POST' });
  assert.deepEqual([failed[':status'], failed['grpc-status']], [200, '14']);
});

test('a proxy that asks never hears 200 for what is refused, however the call it holds is marked, and whatever fails here', async (t) => {
  const ask = await started(t);
  for (const fields of [proxy, nginx]) {
    assert.equal((await ask('pdp', fields))[':status'], 401);
    assert.equal((await ask('pbp', fields))[':status'], 404, 'a name that was mistyped');
    const wrong = await ask('pdp', { ...fields, 'nullius-caller': 'nls_wrong' });
    assert.ok(Number(wrong[':status']) >= 400);
  }
  const full = await started(t, { isJournalFull: true });
  for (const fields of [proxy, nginx]) assert.equal((await full('pdp', fields))[':status'], 503);
});
