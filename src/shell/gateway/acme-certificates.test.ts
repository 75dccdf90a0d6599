import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createFrontServers, createSweep, isRefusal } from '#enforcement/gateway';
import { makeKeyAndRequest } from '#shell/enrolment';
import type { GatewayChallenge } from '#shell/wire';
import { certificatesByAcme } from './acme-certificates.ts';
import { answerAcme } from './answer-acme.ts';
import type { ServerCertificates } from './certificates.ts';
import { type CallControl, ControlError } from './control-client.ts';
import { KeptCertificates } from './kept-certificates.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hourMs = 3_600_000;

/** A CA that certifies whatever key it is shown. */
async function makeAuthority() {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const dates = { notBefore: new Date(Date.now() - hourMs), notAfter: new Date(Date.now() + 24 * hourMs) };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates,
    name: 'CN=Test CA',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  let serial = 1;
  const issue = async (csrPem: string, options: { host: string; lifetimeMs: number }) => {
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: String(10 + serial++),
      subject: '',
      issuer: root.subject,
      notBefore: new Date(Date.now() - 2_000),
      notAfter: new Date(Date.now() + options.lifetimeMs),
      publicKey: new x509.Pkcs10CertificateRequest(csrPem).publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: options.host }])],
    });
    return { chainPem: `${leaf.toString('pem')}\n`, notAfter: leaf.notAfter.getTime() };
  };
  return { rootPem: root.toString('pem'), issue };
}

/** Control's side of an order: one challenge, validated over the gateway's own listeners once it says it shows it. */
async function fakeControl(type: GatewayChallenge['type'], validate: (challenge: GatewayChallenge) => Promise<void>) {
  const authority = await makeAuthority();
  const open = new Map<string, { challenge: GatewayChallenge; onShown: () => void }>();
  const state = { refuses: new Set<string>(), orders: [] as string[], authority };
  const issue = async (csrPem: string, host: string) => {
    state.orders.push(host);
    if (state.refuses.has(host)) throw new ControlError('refused', { message: `no address for ${host}`, status: 502 });
    const id = `challenge-${state.orders.length}`;
    const proof = makeKeyAndRequest([host]);
    const { chainPem } = await authority.issue(proof.csrPem, { host, lifetimeMs: hourMs });
    const challenge: GatewayChallenge =
      type === 'http-01'
        ? { id, host, type, token: 'the-token', keyAuthorization: 'the-token.thumbprint' }
        : { id, host, type, certificatePem: chainPem, keyPem: proof.keyPem };
    await new Promise<void>((resolve) => open.set(id, { challenge, onShown: resolve }));
    await validate(challenge);
    open.delete(id);
    return authority.issue(csrPem, { host, lifetimeMs: hourMs });
  };
  const call = (async (name: string, request: { csrPem: string; names: string[]; shown: string[] }) => {
    if (name === 'certificate/issue') return issue(request.csrPem, request.names[0] ?? '');
    for (const id of request.shown) open.get(id)?.onShown();
    return { challenges: [...open.values()].map(({ challenge }) => challenge) };
  }) as unknown as CallControl;
  return { call, state };
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Real listeners over certificates that are made later, because they need the listeners' ports. */
async function startFront(t: TestContext) {
  const held: { certificates: ServerCertificates | undefined } = { certificates: undefined };
  const sweep = createSweep(() => performance.now());
  t.after(() => sweep.stop());
  const front = createFrontServers({
    sweep,
    clock: Date.now,
    onExchange: (exchange) => {
      const { request } = exchange;
      const gate = {
        acmeAnswer: (host: string, token: string) => held.certificates?.httpAnswer?.(host, token),
      };
      if (isRefusal(request) || !answerAcme(gate, { exchange, request })) {
        exchange.client.start(404, []);
        exchange.client.end();
      }
    },
    contextFor: (name) => held.certificates?.contextFor(name),
    challengeFor: (name) => held.certificates?.challengeFor?.(name),
  });
  const { plain, tls } = front;
  assert.ok(tls);
  for (const server of [plain, tls]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => front.close(0));
  return {
    held,
    plainPort: (plain.address() as AddressInfo).port,
    tlsPort: (tls.address() as AddressInfo).port,
  };
}

function greet(port: number, options: { servername: string; protocols: string[] }) {
  return new Promise<{ protocol: string; pem: string; after: Promise<void>; socket: TLSSocket }>((resolve, reject) => {
    const { servername, protocols: ALPNProtocols } = options;
    const target = { port, host: '127.0.0.1', servername, ALPNProtocols, rejectUnauthorized: false };
    const socket: TLSSocket = connect(target, () => {
      const der = socket.getPeerX509Certificate();
      const after = new Promise<void>((done) => socket.once('close', () => done()));
      resolve({ protocol: String(socket.alpnProtocol), pem: der?.toString() ?? '', after, socket });
      socket.resume();
    });
    socket.on('error', reject);
  });
}

function fetchPlain(port: number, options: { host: string; path: string }): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { host, path } = options;
    get({ port, host: '127.0.0.1', path, headers: { host }, agent: false }, async (response) => {
      let body = '';
      for await (const chunk of response) body += String(chunk);
      resolve({ status: response.statusCode ?? 0, body });
    }).on('error', reject);
  });
}

async function start(
  t: TestContext,
  options: { call: CallControl; folder: string; hosts: readonly string[]; clock?: () => number },
) {
  const problems: string[] = [];
  const kept = await KeptCertificates.open(join(options.folder, 'certificates'));
  const certificates = await certificatesByAcme({
    call: options.call,
    kept,
    hosts: options.hosts,
    clock: options.clock ?? Date.now,
    minVersion: 'TLSv1.3',
    onProblem: (words) => problems.push(words),
  });
  t.after(() => certificates.close());
  return { certificates, problems };
}

test('certificatesByAcme() proves a host by acme-tls/1 alone, while others are served their own certificate', async (t) => {
  const front = await startFront(t);
  let hadFirst = false;
  const { call, state } = await fakeControl('tls-alpn-01', async (challenge) => {
    assert.ok(challenge.type === 'tls-alpn-01');
    const greeting = await greet(front.tlsPort, { servername: challenge.host, protocols: ['acme-tls/1'] });
    assert.equal(greeting.protocol, 'acme-tls/1');
    assert.equal(greeting.pem.trim(), challenge.certificatePem.trim());
    greeting.socket.write('GET / HTTP/1.1\r\nHost: wiki.example.test\r\n\r\n');
    await greeting.after;
    // Neither beside another protocol, nor for another host.
    const mixed = greet(front.tlsPort, { servername: challenge.host, protocols: ['acme-tls/1', 'h2'] });
    if (hadFirst) {
      const shown = await mixed;
      assert.equal(shown.protocol, 'h2');
      assert.notEqual(shown.pem.trim(), challenge.certificatePem.trim());
      shown.socket.destroy();
    } else (await mixed.catch(() => undefined))?.socket.destroy();
    await assert.rejects(greet(front.tlsPort, { servername: 'other.example.test', protocols: ['acme-tls/1'] }));
  });
  let now = Date.now();
  const hosts = ['wiki.example.test'];
  const kept = await KeptCertificates.open(join(folderOf(t), 'certificates'));
  // The listeners must show what is made here from its first order on.
  const started = await certificatesByAcme({
    call: async (...args) => {
      await Promise.resolve();
      return call(...args);
    },
    kept,
    hosts,
    clock: () => now,
    minVersion: 'TLSv1.3',
    onProblem: (words) => assert.fail(words),
  });
  front.held.certificates = started;
  t.after(() => started.close());
  await started.settled();
  const first = await greet(front.tlsPort, { servername: 'wiki.example.test', protocols: ['h2'] });
  first.socket.destroy();
  assert.equal(started.problem(), null);
  hadFirst = true;

  await t.test('and orders anew before it runs out', async () => {
    started.cover(hosts);
    await started.settled();
    assert.equal(state.orders.length, 1);
    now += hourMs * 0.7;
    started.cover(hosts);
    for (;;) {
      const now = await greet(front.tlsPort, { servername: 'wiki.example.test', protocols: ['h2'] });
      now.socket.destroy();
      if (now.pem !== first.pem) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(state.orders.length, 2);
  });
  await assert.rejects(
    greet(front.tlsPort, { servername: 'wiki.example.test', protocols: ['acme-tls/1'] }),
    'no order, no proof',
  );
});

test('certificatesByAcme() answers http-01 on the plain listener for the token and host of the order only', async (t) => {
  const front = await startFront(t);
  const path = '/.well-known/acme-challenge/the-token';
  const { call } = await fakeControl('http-01', async ({ host }) => {
    const proof = await fetchPlain(front.plainPort, { host, path });
    assert.deepEqual(proof, { status: 200, body: 'the-token.thumbprint' });
    assert.equal((await fetchPlain(front.plainPort, { host: 'other.example.test', path })).status, 404);
    assert.equal((await fetchPlain(front.plainPort, { host, path: `${path}2` })).status, 404);
    assert.equal((await fetchPlain(front.plainPort, { host, path: `${path}/x` })).status, 404);
  });
  const deferred: CallControl = async (...args) => {
    await new Promise((resolve) => setImmediate(resolve));
    return call(...args);
  };
  const { certificates, problems } = await start(t, { call: deferred, folder: folderOf(t), hosts: ['a.example.test'] });
  front.held.certificates = certificates;
  await certificates.settled();
  assert.deepEqual(problems, []);
  assert.equal((await fetchPlain(front.plainPort, { host: 'a.example.test', path })).status, 404, 'the order is over');
});

test('certificatesByAcme() lets a host that cannot be proven spoil no other, says so, and waits before it asks again', async (t) => {
  const { call, state } = await fakeControl('tls-alpn-01', async () => undefined);
  state.refuses.add('broken.example.test');
  let now = Date.now();
  const hosts = ['broken.example.test', 'fine.example.test'];
  const { certificates, problems } = await start(t, { call, folder: folderOf(t), hosts, clock: () => now });
  await certificates.settled();
  assert.deepEqual(problems, [
    'no certificate for `broken.example.test`: no address for broken.example.test; tried again in 60 s',
  ]);
  assert.ok(certificates.contextFor('fine.example.test'));
  assert.equal(certificates.contextFor('broken.example.test'), undefined);
  const { firstEnd, missing } = certificates.standing();
  assert.equal(missing, 1);
  assert.ok((firstEnd ?? 0) > now);
  assert.equal(certificates.problem(), null);
  const ordered = state.orders.length;
  certificates.cover(hosts);
  await certificates.settled();
  assert.equal(state.orders.length, ordered, 'not asked again at once');
  now += 61_000;
  certificates.cover(hosts);
  while (problems.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.match(problems[1] ?? '', /tried again in 120 s/);
  state.refuses.clear();
  now += 121_000;
  certificates.cover(hosts);
  while (problems.length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(problems[2], '`broken.example.test` has its certificate now');
  assert.equal(certificates.standing().missing, 0);
});

test('certificatesByAcme() takes what it kept, and nothing that others may read, that ran out, or of another host', async (t) => {
  const folder = folderOf(t);
  const { call, state } = await fakeControl('tls-alpn-01', async () => undefined);
  const hosts = ['a.example.test', 'b.example.test'];
  const first = await start(t, { call, folder, hosts });
  await first.certificates.settled();
  const file = (host: string) => join(folder, 'certificates', `${host}.pem`);
  assert.deepEqual(
    readdirSync(join(folder, 'certificates')).sort(),
    hosts.map((host) => `${host}.pem`),
  );
  for (const host of hosts) assert.equal(statSync(file(host)).mode & 0o777, 0o600);
  state.orders.length = 0;

  const again = await start(t, { call, folder, hosts });
  await again.certificates.settled();
  assert.deepEqual(state.orders, []);
  assert.ok(again.certificates.contextFor('a.example.test'));

  chmodSync(file('a.example.test'), 0o644);
  const kept = await KeptCertificates.open(join(folder, 'certificates'));
  await assert.rejects(kept.read('a.example.test', Date.now()), /only we may read/);
  assert.equal(await kept.read('b.example.test', Date.now() + 25 * hourMs), undefined);
  const { keyPem, chainPem } = (await kept.read('b.example.test', Date.now())) ?? assert.fail();
  writeFileSync(file('c.example.test'), keyPem + chainPem, { mode: 0o600 });
  await assert.rejects(kept.read('c.example.test', Date.now()), /does not name it/);
  await assert.rejects(kept.read('../../position', Date.now()), /no host name/);
});
