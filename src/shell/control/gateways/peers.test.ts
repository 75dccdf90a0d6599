// Gateways on other machines: how one joins, and every way in that must fail.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import {
  type ConnectionOptions,
  createServer as createTlsServer,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import {
  type GatewayIdentity,
  joinControl,
  makeKeyAndRequest,
  parseEnrolmentToken,
  requestFor,
} from '#shell/enrolment';
import { connectSigner } from '#shell/signer-client';
import { controlPeerName, gatewayOfAltName, gatewayPeerName, peerDomain } from '#shell/wire';
import { createAuthorityCertificate, issueClientCertificate, issueServerCertificate } from '#trust/ca';
import { startTestControl, type TestControl } from '../../../../tests/fakes/test-control.ts';
import { freePort } from '../../../../tests/free-port.ts';

let control: TestControl;
let port: number;
let ahead = 0;
before(async () => {
  port = await freePort();
  control = await startTestControl({ gatewaysPort: port, clock: () => Date.now() + ahead });
});
after(async () => control.stop());

const url = () => `https://127.0.0.1:${port}`;

async function invite(name: string, body: object = {}): Promise<string> {
  const answer = await control.call('POST', '/api/v1/gateways', { body: { name, ...body } });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.body.command, `bin/nullius gateway join ${url()} --token ${answer.body.token}`);
  return answer.body.token;
}

const remove = async (name: string) =>
  assert.equal((await control.call('DELETE', `/api/v1/gateways/${name}`)).status, 204);

const joined = async (name: string): Promise<GatewayIdentity> => joinControl({ url: url(), token: await invite(name) });

const tlsOf = ({ caPem, chainPem, keyPem }: Pick<GatewayIdentity, 'caPem' | 'chainPem' | 'keyPem'>) => ({
  ca: caPem,
  cert: chainPem,
  key: keyPem,
});

/** One request to control's listener; the status, or the code of what broke the connection. */
async function ask(
  path: string,
  { tls, body, method = 'POST' }: { tls: ConnectionOptions; body?: unknown; method?: string },
): Promise<{ status: number | string; text: string }> {
  const sent = request({
    ...{ host: '127.0.0.1', port, method, path, agent: false, minVersion: 'TLSv1.3' },
    ...{ servername: controlPeerName, headers: { authorization: 'Bearer gateway-token' } },
    ...tls,
  });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  try {
    const [response] = await once(sent, 'response');
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { status: response.statusCode, text };
  } catch (error) {
    return { status: (error as NodeJS.ErrnoException).code ?? String(error), text: '' };
  }
}

/** Its end, however it comes: one that is broken off fails first, and `once` would throw that. */
const closed = (stream: Readable): Promise<void> =>
  stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once('close', () => resolve()));

const report = { version: '1', epoch: 1, revision: 1, open: [] };

async function rogueAuthority() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  const certificatePem = await createAuthorityCertificate(pkcs8, { domains: [peerDomain], now: Date.now() });
  return { pkcs8, certificatePem, domains: [peerDomain] };
}

test('a gateway joins by its token, is let in by its certificate, and shows in the list', async () => {
  // Once it sent a journal no other gateway gets its name: the tests that follow use others.
  const identity = await joined('first');
  assert.equal(identity.name, 'first');
  assert.equal(identity.urls.domain, 'localhost');
  assert.ok(identity.statementKeys.length > 0);
  assert.doesNotMatch(JSON.stringify(identity.statementKeys), /"d":/);
  const told = await ask('/call/report', { tls: tlsOf(identity), body: report });
  assert.equal(told.status, 200, told.text);
  const nothing = { records: null, checkpoint: null };
  assert.equal((await ask('/call/journal/ship', { tls: tlsOf(identity), body: nothing })).status, 200);
  const { items } = (await control.call('GET', '/api/v1/gateways')).body;
  const first = items.find(({ name }: { name: string }) => name === 'first');
  assert.deepEqual([first.status, first.version, first.tokenExpiresAt], ['active', '1', null]);
  assert.ok(first.behind > 0);
  assert.deepEqual(first.journal, { records: 0, signed: null, problem: null });
  await remove('first');
});

test('a token works once: replayed, and of two that come at once, one is refused', async () => {
  const token = await invite('once');
  const both = await Promise.allSettled([joinControl({ url: url(), token }), joinControl({ url: url(), token })]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await assert.rejects(joinControl({ url: url(), token }), { code: 'refused', message: /wrong, used or over/ });
  await remove('once');
});

test('strangers who open connections and prove nothing take no place of a gateway', async (t) => {
  const identity = await joined('steady');
  const opened: Socket[] = [];
  t.after(() => {
    for (const socket of opened) socket.destroy();
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const kept = { tls: { ...tlsOf(identity), agent }, body: report };
  assert.equal((await ask('/call/report', kept)).status, 200);
  for (let at = 0; at < 300; at += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    opened.push(socket);
    await once(socket, 'connect');
  }
  assert.equal((await ask('/call/report', kept)).status, 200, 'a connection that is older than all of them');
  assert.equal((await ask('/call/report', { tls: tlsOf(identity), body: report })).status, 200, 'a new one');
  await remove('steady');
  const [oldest] = opened;
  if (oldest !== undefined) await closed(oldest);
});

test('a gateway that opens connections, streams and calls without end takes no place of another', async (t) => {
  const [greedy, steady] = [await joined('greedy'), await joined('steady')];
  const streams: IncomingMessage[] = [];
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const follow = async ({ caPem, chainPem, keyPem }: GatewayIdentity) => {
    const tls = { ...tlsOf({ caPem, chainPem, keyPem }), agent, servername: controlPeerName };
    const sent = request({ host: '127.0.0.1', port, path: '/follow', ...tls });
    sent.end();
    const [stream] = (await once(sent, 'response')) as [IncomingMessage];
    stream.on('error', () => undefined).resume();
    return stream;
  };
  const other = await follow(steady);
  for (let at = 0; at < 100; at += 1) streams.push(await follow(greedy));
  await Promise.all(streams.slice(0, -4).map(closed));
  const idle: TLSSocket[] = [];
  for (let at = 0; at < 80; at += 1) {
    const socket = tlsConnect({ host: '127.0.0.1', port, servername: controlPeerName, ...tlsOf(greedy) });
    t.after(() => socket.destroy());
    idle.push(socket.on('error', () => undefined).resume());
    await once(socket, 'secureConnect');
  }
  await Promise.all(idle.slice(0, 16).map(closed));
  const call = `POST /call/report HTTP/1.1\r\nHost: control\r\nContent-Length: 2\r\n\r\n{}`;
  const last = idle.at(-1) ?? assert.fail();
  let answered = '';
  last.on('data', (chunk: Buffer) => {
    answered += chunk.toString();
    if (answered.split('HTTP/1.1 ').length > 100) last.destroy();
  });
  last.write(call.repeat(100));
  await closed(last);
  const statuses = answered.match(/(?<=HTTP\/1.1 )\d+/g) ?? [];
  assert.deepEqual([...new Set(statuses)].sort(), ['400', '429']);
  assert.equal(other.closed, false);
  assert.equal((await ask('/call/report', { tls: tlsOf(steady), body: report })).status, 200);
  await remove('greedy');
  await remove('steady');
});

test('a man in the middle with another CA gets neither the secret nor a byte', async (t) => {
  const token = await invite('watched');
  const rogue = await rogueAuthority();
  const { keyPem, csrPem } = makeKeyAndRequest([controlPeerName]);
  const wanted = { csrPem, names: [controlPeerName], lifetimeMs: 3_600_000 };
  const { chainPem } = await issueServerCertificate(wanted, { authority: rogue, now: Date.now() });
  const [leaf = ''] = chainPem.split(/(?<=-----END CERTIFICATE-----\n)/);
  const honest = await joined('honest');
  for (const cert of [chainPem, `${leaf}${honest.caPem}`, `${chainPem}${honest.caPem}`]) {
    let received = '';
    const middle = createTlsServer({ key: keyPem, cert, minVersion: 'TLSv1.3' }, (socket) => {
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
      });
      socket.on('error', () => undefined);
    });
    middle.on('tlsClientError', () => undefined);
    middle.listen(0, '127.0.0.1');
    await once(middle, 'listening');
    t.after(() => middle.close());
    const address = middle.address();
    const at = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    await assert.rejects(joinControl({ url: at, token }), (error: { code?: string }) =>
      ['not-control', 'unreachable'].includes(error.code ?? ''),
    );
    assert.equal(received, '');
  }
  const mute = createServer((socket) => socket.destroy());
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const address = mute.address();
  const at = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  await assert.rejects(joinControl({ url: at, token }), { code: 'unreachable' });
  await assert.rejects(joinControl({ url: 'http://127.0.0.1:1', token }), { code: 'refused' });
  for (const part of ['', 'x', token.slice(1), `${token}.x`])
    await assert.rejects(joinControl({ url: url(), token: part }), { code: 'bad-token' });
  assert.equal((await joinControl({ url: url(), token })).name, 'watched', 'the token is still good');
  await remove('watched');
  await remove('honest');
});

test('without a certificate, with one of another CA, and with one for something else, nobody is let in', async () => {
  const { caPem, ...edge } = await joined('edge');
  const rogue = await rogueAuthority();
  const { keyPem, csrPem } = makeKeyAndRequest([controlPeerName]);
  const names = [gatewayPeerName('edge')];
  const forged = await issueClientCertificate(
    { csrPem, names, lifetimeMs: 3_600_000 },
    { authority: rogue, now: Date.now() },
  );
  const signer = connectSigner({ socketPath: control.handoff.sockets.signer, token: 'signer-token' });
  const asControl = await signer.call('issue-peer-certificate', { csrPem, role: 'control', name: 'edge' });
  const otherKey = await signer.call('issue-peer-certificate', { csrPem, role: 'gateway', name: 'edge' });
  const unknown = await signer.call('issue-peer-certificate', { csrPem, role: 'gateway', name: 'nobody' });
  signer.close();

  const none = await ask('/call/report', { tls: { ca: caPem }, body: report });
  assert.equal(none.status, 401);
  assert.equal((await ask('/follow', { tls: { ca: caPem }, method: 'GET' })).status, 401);
  assert.equal(
    (await ask('/call/report', { tls: { ca: caPem, key: keyPem, cert: otherKey.chainPem }, body: report })).status,
    403,
  );
  assert.equal(
    (await ask('/call/report', { tls: { ca: caPem, key: keyPem, cert: unknown.chainPem }, body: report })).status,
    403,
  );
  for (const cert of [forged.chainPem, asControl.chainPem]) {
    const { status } = await ask('/call/report', { tls: { ca: caPem, key: keyPem, cert }, body: report });
    assert.equal(typeof status, 'string', 'the connection is cut');
  }
  assert.equal((await ask('/call/report', { tls: tlsOf({ caPem, ...edge }), body: report })).status, 200);
  await remove('edge');
});

test('a gateway is itself only: no other journal, no other key, no other name for control', async () => {
  const [a, b] = [await joined('a'), await joined('b')];
  const checkpoint = { writer: 'a', size: 1, rootHash: 'A'.repeat(43), time: Date.now() };
  const other = await ask('/call/journal/checkpoint', { tls: tlsOf(b), body: checkpoint });
  assert.equal(other.status, 403);
  assert.match(other.text, /its own journal/);
  const local = await ask('/call/journal/checkpoint', { tls: tlsOf(b), body: { ...checkpoint, writer: 'gateway-1' } });
  assert.equal(local.status, 403);
  const { csrPem } = makeKeyAndRequest([gatewayPeerName('a')]);
  assert.equal((await ask('/call/gateway/renew', { tls: tlsOf(b), body: { csrPem } })).status, 403, 'another key');
  const renewed = await ask('/call/gateway/renew', {
    tls: tlsOf(b),
    body: { csrPem: requestFor(b.keyPem, ['x.test']) },
  });
  assert.equal(renewed.status, 200);
  const { chainPem } = JSON.parse(renewed.text) as { chainPem: string };
  assert.equal((await ask('/call/report', { tls: tlsOf({ ...b, chainPem }), body: report })).status, 200);
  const server = createTlsServer({ key: a.keyPem, cert: a.chainPem });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const at = typeof address === 'object' ? address?.port : 0;
  const asControl = await ask('/follow', {
    tls: { ...tlsOf(b), port: at, servername: controlPeerName } as ConnectionOptions,
  });
  assert.equal(typeof asControl.status, 'string', 'a gateway passes for no control');
  server.close();
  await remove('a');
  await remove('b');
});

test('a gateway serves apps: it signs nobody in to the console and says to it who nobody is', async () => {
  const edge = await joined('edge');
  const tls = tlsOf(edge);
  for (const resource of ['console', 'id', 'demo']) {
    const begin = { resource, returnTo: '/', fresh: false };
    const began = await ask('/call/sign-in/begin', { tls, body: begin });
    assert.deepEqual([began.status, /served where control is/.test(began.text)], [403, true], resource);
    const asked = await ask('/call/assertions', { tls, body: { asked: [{ sessionId: 's', resource }] } });
    assert.equal(asked.status, 403, resource);
  }
  await remove('edge');
});

test('removal ends the open connection at once, for that key for good, also when the name comes back', async () => {
  const edge = await joined('edge');
  const following = request({
    ...{ host: '127.0.0.1', port, path: '/follow', agent: false, servername: controlPeerName },
    ...tlsOf(edge),
  });
  following.end();
  const [response] = await once(following, 'response');
  assert.equal(response.statusCode, 200);
  response.on('error', () => undefined).resume();
  await remove('edge');
  await closed(response);
  const after = await ask('/follow', { tls: tlsOf(edge), method: 'GET' });
  assert.equal(after.status, 403);
  const again = await joined('edge');
  assert.equal((await ask('/call/report', { tls: tlsOf(edge), body: report })).status, 403, 'the old key');
  assert.equal((await ask('/call/report', { tls: tlsOf(again), body: report })).status, 200);
  await remove('edge');
});

test('the right to administer gateways is not enough to let one in, since a gateway holds everything', async () => {
  const { body } = await control.call('POST', '/api/v1/tokens', {
    body: { label: 't', scopes: ['gateway:write'], lifetimeMs: 3_600_000 },
  });
  const headers = { authorization: `Bearer ${body.token}` };
  const invited = await control.call('POST', '/api/v1/gateways', { socket: 'web', headers, body: { name: 'mine' } });
  assert.equal(invited.status, 403, invited.text);
  for (const name of ['gateway-1', 'control'])
    assert.equal((await control.call('POST', '/api/v1/gateways', { body: { name } })).status, 409);
  assert.equal((await control.call('DELETE', '/api/v1/gateways/gateway-1')).status, 409);
});

test('gatewayOfAltName() reads one gateway out of one name, and nothing out of anything else', () => {
  assert.equal(gatewayOfAltName(`DNS:${gatewayPeerName('edge')}`), 'edge');
  for (const text of [
    undefined,
    '',
    `DNS:${controlPeerName}`,
    'DNS:edge.gateway.nullius.internal.evil.test',
    'DNS:a.b.gateway.nullius.internal',
    'DNS:edge.gateway.nullius.internal, DNS:other.gateway.nullius.internal',
    'URI:edge.gateway.nullius.internal',
  ])
    assert.equal(gatewayOfAltName(text), undefined, text);
});

// The last ones: they move the clock, and certificates made then begin later than now.
test('a token is over when its time is, and when the gateway is removed', async () => {
  const late = await invite('late', { lifetimeMs: 60_000 });
  ahead += 61_000;
  await assert.rejects(joinControl({ url: url(), token: late }), { code: 'refused' });
  await remove('late');
  const gone = await invite('gone');
  await remove('gone');
  await assert.rejects(joinControl({ url: url(), token: gone }), { code: 'refused' });
  ahead += 600_000;
});

test('secrets are guessed a few times from one address, then nobody from there is heard for a while', async () => {
  const token = await invite('guessed');
  const { caHash } = parseEnrolmentToken(token) ?? { caHash: '' };
  const guess = `${'A'.repeat(43)}.${caHash}`;
  for (let tries = 0; tries < 5; tries += 1)
    await assert.rejects(joinControl({ url: url(), token: guess }), { message: /wrong, used or over/ });
  await assert.rejects(joinControl({ url: url(), token: guess }), { message: /too many/ });
  await assert.rejects(joinControl({ url: url(), token }), { message: /too many/ });
  ahead += 61_000;
  assert.equal((await joinControl({ url: url(), token })).name, 'guessed');
  await remove('guessed');
  ahead += 600_000;
});
