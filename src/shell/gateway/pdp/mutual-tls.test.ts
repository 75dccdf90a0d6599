import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { createFrontServers } from '#enforcement/gateway';
import { keyHashOf } from '#foundation/crypto';
import { hashForKey, type Token } from '#foundation/model';
import { makeCertificate, makeKeys } from '../../../../tests/test-certificate.ts';
import { openMutualTlsListener } from './pdp-listener.ts';
import { startTestPdp, tokenRow, userRow } from './test-pdp.ts';

const evaluation = '/access/v1/evaluation';
const about = (resource: string) => ({
  subject: { type: 'user', id: 'u-ada' },
  action: { name: 'read' },
  resource: { type: 'app', id: resource },
});
const group = (id: string) =>
  ({
    kind: 'group',
    id,
    body: { displayName: '', description: '', memberOf: [] as string[], origin: 'builtin' },
  }) as const;
const host = 'pdp.localhost';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A caller that is known by the key of this certificate. */
function callerRow({ cert }: Pair, scopes: readonly string[], changes: Partial<Token> = {}) {
  const keyHash = keyHashOf(new X509Certificate(cert));
  return tokenRow('t-cert', '', scopes, { keyHash, hash: hashForKey(keyHash), ...changes });
}

interface Sent {
  readonly as?: Pair | undefined;
  readonly path?: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string | string[]>;
  readonly agent?: Agent;
  readonly servername?: string;
}

async function start(t: TestContext, rows: Parameters<typeof startTestPdp>[1] = {}) {
  const pdp = await startTestPdp(t, {
    ...rows,
    rows: [
      group('administrators'),
      group('everyone'),
      userRow('u-ada', { groups: ['administrators'] }),
      ...(rows.rows ?? []),
    ],
  });
  const { cert, key } = await makeCertificate([host]);
  const context = createSecureContext({ cert, key });
  const listener = await openMutualTlsListener(pdp.gate, {
    address: { host: '127.0.0.1', port: 0 },
    certificates: { contextFor: () => context },
    tls: { minVersion: 'TLSv1.3', connectionsPerAddress: 100 },
  });
  t.after(() => listener.close());
  const at = { host: '127.0.0.1', port: listener.port, servername: host, ca: cert } as const;
  const send = ({
    as,
    path = evaluation,
    method = 'POST',
    body = about('wiki'),
    headers = {},
    agent,
    servername,
  }: Sent) =>
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
    new Promise<{ status: number; json: any; text: string }>((resolve, reject) => {
      const sent = httpsRequest(
        {
          ...at,
          // The name is tried on the listener, not on what the client thinks of it.
          ...(servername === undefined ? {} : { servername, rejectUnauthorized: false }),
          ...as,
          path,
          method,
          agent: agent ?? false,
          headers: { host: `${host}:${listener.port}`, 'content-type': 'application/json', ...headers },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => {
            const isJson = response.headers['content-type'] === 'application/json';
            resolve({ status: response.statusCode ?? 0, text, json: isJson ? JSON.parse(text) : null });
          });
        },
      );
      sent.on('error', reject);
      sent.end(method === 'POST' ? JSON.stringify(body) : undefined);
    });
  return { ...pdp, at, post: send };
}

test('a caller that shows its certificate asks within its scope, and its decisions are in the journal under its name', async (t) => {
  const mine = await makeCertificate(['caller']);
  const { post, events } = await start(t, { rows: [callerRow(mine, ['pdp:app:wiki'])] });
  const own = await post({ as: mine });
  assert.deepEqual([own.status, own.json?.decision], [200, true], own.text);
  assert.match(JSON.stringify(events.at(-1)?.payload), /t-cert/);
  const other = await post({ as: mine, body: about('mail') });
  assert.deepEqual([other.json.decision, other.json.context.error.status], [false, 404]);
  assert.equal((await post({ as: mine, path: '/access/v1/search/action' })).json.results.length, 0, 'no `:search`');
});

test('a certificate of another key, of nobody, before its time or after its end is refused, and so is none', async (t) => {
  const keys = await makeKeys();
  const mine = await makeCertificate(['caller'], { keys });
  const { post, events } = await start(t, { rows: [callerRow(mine, ['pdp'])] });
  const hour = 3_600_000;
  const imitated = await makeCertificate(['caller']);
  const ended = await makeCertificate(['caller'], { keys, notAfter: new Date(Date.now() - hour) });
  const notYet = await makeCertificate(['caller'], { keys, notBefore: new Date(Date.now() + hour) });
  for (const as of [imitated, ended, notYet, undefined]) {
    const refused = await post({ as });
    assert.equal(refused.status, 401, refused.text);
  }
  assert.equal(events.length, 0);
  const renewed = await makeCertificate(['renewed'], { keys, notAfter: new Date(Date.now() + hour) });
  assert.equal((await post({ as: renewed })).status, 200, 'a new certificate of the same key');
});

test('what a header says about a certificate is believed from nobody, on no listener', async (t) => {
  const mine = await makeCertificate(['caller']);
  const { post, send } = await start(t, { rows: [callerRow(mine, ['pdp'])] });
  const { raw, publicKey } = new X509Certificate(mine.cert);
  const pem = encodeURIComponent(mine.cert);
  const keyHash = keyHashOf(new X509Certificate(mine.cert));
  for (const headers of [
    // RFC 9440, Envoy, nginx, AWS, Apache.
    { 'client-cert': `:${raw.toString('base64')}:` },
    { 'x-forwarded-client-cert': `Hash=${keyHash};Cert="${pem}"` },
    { 'x-ssl-client-cert': pem, 'x-ssl-client-verify': 'SUCCESS' },
    { 'x-amzn-mtls-clientcert': pem },
    { ssl_client_cert: pem },
    { authorization: `Bearer ${hashForKey(keyHash)}` },
    { authorization: `Bearer ${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}` },
  ] as Record<string, string>[]) {
    assert.equal((await post({ headers })).status, 401, Object.keys(headers)[0]);
    const plain = await send(evaluation, {
      body: JSON.stringify(about('wiki')),
      headers: { 'content-type': 'application/json', ...headers },
    });
    assert.equal(plain.status, 401, `${Object.keys(headers)[0]} in the clear`);
  }
});

test('a caller by certificate is refused in the moment it is revoked or ends, on a connection that is open', async (t) => {
  const mine = await makeCertificate(['caller']);
  const { at, put, post } = await start(t, { rows: [callerRow(mine, ['pdp'])] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const session = connectHttp2(`https://${host}:${at.port}`, { ...at, ...mine });
  t.after(() => session.destroy());
  const overHttp2 = () =>
    new Promise<number>((resolve, reject) => {
      const stream = session.request({ ':path': evaluation, ':method': 'POST', 'content-type': 'application/json' });
      stream.on('response', (headers) => resolve(Number(headers[':status'])));
      stream.on('error', reject);
      stream.end(JSON.stringify(about('wiki')));
    });
  const statuses = async () => [(await post({ as: mine, agent })).status, await overHttp2()];
  assert.deepEqual(await statuses(), [200, 200]);
  put([callerRow(mine, ['pdp'], { status: 'revoked' })]);
  assert.deepEqual(await statuses(), [401, 401]);
  put([callerRow(mine, ['pdp'])]);
  assert.deepEqual(await statuses(), [200, 200]);
  put([callerRow(mine, ['pdp'], { expiresAt: Date.now() - 1 })]);
  assert.deepEqual(await statuses(), [401, 401]);
});

test('who sends `Authorization` is judged by that alone, with a certificate and without', async (t) => {
  const mine = await makeCertificate(['caller']);
  const rows = [callerRow(mine, ['pdp']), tokenRow('t-ended', 'nls_ended', ['pdp'], { status: 'revoked' })];
  const { post } = await start(t, { rows });
  for (const [authorization, status] of [
    ['Bearer nls_everything', 200],
    ['Bearer nls_ended', 401],
    ['Basic YTpi', 401],
  ] as const) {
    assert.equal((await post({ as: mine, headers: { authorization } })).status, status, authorization);
    assert.equal((await post({ headers: { authorization } })).status, status, `${authorization} alone`);
  }
});

test('a proxy shows its certificate in place of `Nullius-Caller`, and never through what its client sends', async (t) => {
  const mine = await makeCertificate(['caller']);
  const { post } = await start(t, { rows: [callerRow(mine, ['pdp:app:wiki'])] });
  const held = {
    'x-original-method': 'GET',
    'x-original-uri': '/page',
    'x-forwarded-host': 'wiki.localhost:8080',
    'x-forwarded-proto': 'http',
    'x-real-ip': '192.0.2.7',
    authorization: 'Bearer of-its-client',
  };
  const ask = (as: Pair | undefined, headers = {}) =>
    post({ as, path: '/auth/nginx', method: 'GET', headers: { ...held, ...headers } });
  const judged = await ask(mine);
  assert.equal(judged.status, 401, 'a stranger to the app has to sign in');
  assert.doesNotMatch(judged.text, /no valid token/);
  assert.match((await ask(undefined)).text, /no valid token/);
  assert.match((await ask(mine, { 'nullius-caller': 'nls_unknown' })).text, /no valid token/);
  assert.match((await ask(mine, { 'nullius-caller': ['nls_everything', 'nls_unknown'] })).text, /no valid token/);
});

test('the listener for certificates serves the name of the PDP alone, and says in its metadata where it is', async (t) => {
  const mine = await makeCertificate(['caller']);
  const { at, post } = await start(t, { rows: [callerRow(mine, ['pdp'])] });
  await assert.rejects(post({ as: mine, servername: 'wiki.localhost' }));
  assert.equal((await post({ as: mine, headers: { host: 'wiki.localhost' } })).status, 421);
  const path = '/.well-known/authzen-configuration';
  const { json } = await post({ path, method: 'GET' });
  assert.equal(json.access_evaluation_endpoint, `https://${host}:${at.port}${evaluation}`);
});

test('whoever goes on with a TLS session of a caller is refused with that caller', async (t) => {
  const mine = await makeCertificate(['caller']);
  const { at, put } = await start(t, { rows: [callerRow(mine, ['pdp'])] });
  const body = JSON.stringify(about('wiki'));
  const head = `POST ${evaluation} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const open = (more: object) => {
    const socket = connectTls({ ...at, ALPNProtocols: ['http/1.1'], ...more });
    t.after(() => socket.destroy());
    const answered = once(socket, 'data') as Promise<[Buffer]>;
    socket.write(head + body);
    return { socket, answered };
  };
  const first = open(mine);
  const [[session], [answer]] = await Promise.all([once(first.socket, 'session'), first.answered]);
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
  put([callerRow(mine, ['pdp'], { status: 'revoked' })]);
  const second = open({ session });
  const [refused] = await second.answered;
  assert.ok(second.socket.isSessionReused());
  assert.match(refused.toString(), /^HTTP\/1\.1 401 /);
});

test('a listener where people come asks nobody for a certificate and knows of none', async (t) => {
  const mine = await makeCertificate(['caller']);
  const { gate } = await startTestPdp(t);
  const { cert, key } = await makeCertificate([host]);
  const context = createSecureContext({ cert, key });
  const seen = Promise.withResolvers<unknown>();
  const servers = createFrontServers({
    onExchange: ({ connection, client }) => {
      seen.resolve(connection.certificate ?? 'none');
      client.destroy();
    },
    sweep: gate.sweep,
    clock: gate.clock,
    contextFor: () => context,
  });
  t.after(() => servers.close(0));
  assert.ok(servers.tls);
  servers.tls.listen(0, '127.0.0.1');
  await once(servers.tls, 'listening');
  const { port } = servers.tls.address() as AddressInfo;
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    servername: host,
    ca: cert,
    ...mine,
    ALPNProtocols: ['http/1.1'],
  });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal(await seen.promise, 'none');
});
