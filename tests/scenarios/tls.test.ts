// TLS as people and programs meet it: the whole product, our own CA taken from the CLI, nothing else trusted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { askHttp2, openHttp2 } from '../http2-client.ts';
import { type Installation, installationFor, rawExchange, startApp } from '../installation.ts';
import type { PasskeyClient } from '../passkey-client.ts';

/** Shakes hands and gives what was agreed; rejects as a browser would. */
function shakeHands(
  target: { host: string; port: number; servername: string; ca: string },
  offered: { protocols?: string[]; maxVersion?: 'TLSv1.2' | 'TLSv1.3' } = {},
): Promise<{
  protocol: string | false | null;
  version: string | null;
  certificate: PeerCertificate;
  socket: TLSSocket;
}> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls(
      {
        ...target,
        ...(offered.protocols === undefined ? {} : { ALPNProtocols: offered.protocols }),
        ...(offered.maxVersion === undefined ? {} : { maxVersion: offered.maxVersion, minVersion: 'TLSv1.2' as const }),
      },
      () => {
        const certificate = socket.getPeerCertificate();
        resolve({ protocol: socket.alpnProtocol, version: socket.getProtocol(), certificate, socket });
        socket.end();
      },
    );
    socket.on('error', reject);
  });
}

const cookiesOf = (person: PasskeyClient, origin: string) =>
  [...person.cookies(new URL(origin).host)].map(([name, value]) => `${name}=${value}`).join('; ');

test('under localhost the TLS listener serves beside the plain one, with every host named in its certificate', async (t) => {
  const app = await startApp(t);
  const installation = await installationFor(t, { tls: true });
  assert.match(installation.consoleOrigin, /^http:/);
  const authority = new X509Certificate(installation.ca);
  assert.ok(authority.ca);

  const greeting = await shakeHands(installation.tlsTo('console.localhost'), { protocols: ['h2', 'http/1.1'] });
  assert.equal(greeting.protocol, 'h2');
  assert.equal(greeting.version, 'TLSv1.3');
  assert.doesNotMatch(String(greeting.certificate.subjectaltname), /\*/);

  await t.test('an app that is added gets its name into the certificate', async () => {
    const protect = await installation.cli('protect', app.origin, '--as', 'wiki');
    assert.equal(protect.code, 0, protect.stderr);
    for (;;) {
      const { certificate } = await shakeHands(installation.tlsTo('console.localhost'));
      if (certificate.subjectaltname?.includes('DNS:wiki.localhost')) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await shakeHands(installation.tlsTo('wiki.localhost'));
  });

  await t.test('page loads belong to the canonical URL, which is plain here', async () => {
    const reply = await installation.person().send(`https://console.localhost:${installation.ports.tls}/people?q=a`);
    assert.equal(reply.status, 303);
    assert.equal(reply.headers.location, `${installation.consoleOrigin}/people?q=a`);
  });

  await t.test('neither older TLS nor an unknown protocol is spoken', async () => {
    const target = installation.tlsTo('console.localhost');
    await assert.rejects(shakeHands(target, { maxVersion: 'TLSv1.2' }), /alert protocol version/);
    await assert.rejects(shakeHands(target, { protocols: ['spdy/3'] }), /no application protocol/);
    await assert.rejects(shakeHands(target, { protocols: ['acme-tls/1'] }), /no application protocol/);
  });
});

/** The product under a domain with dots, its first administrator, and two apps: HTTP/1.1 with WebSockets, and HTTP/2. */
async function startOnDomain(t: TestContext) {
  const app = await startApp(t);
  const sockets = new WebSocketServer({ server: app.server });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
  const installation = await installationFor(t, { tls: true, config: 'domain: example.test\n' });
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  const protect = await installation.cli('protect', app.origin, '--as', 'wiki');
  assert.equal(protect.code, 0, protect.stderr);
  return { app, installation, admin, wiki: installation.appOrigin('wiki') };
}

/** A gRPC-like server over cleartext HTTP/2: echoes and ends with trailers. */
async function startGrpc(t: TestContext): Promise<string> {
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    stream.respond(
      { ':status': headers.te === 'trailers' ? 200 : 400, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'set-cookie': '__Host-nullius_app=x' }));
    stream.pipe(stream);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  return `h2c://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a domain with dots is served over TLS alone, by a wildcard certificate of our CA', async (t) => {
  const { app, installation, admin, wiki } = await startOnDomain(t);
  const host = new URL(wiki).host;
  const target = installation.tlsTo('wiki.example.test');

  await t.test('the canonical URLs are https and people sign in there', async () => {
    assert.equal(installation.consoleOrigin, `https://console.example.test:${installation.ports.tls}`);
    const console = await admin.open(installation.consoleOrigin);
    assert.equal(console.status, 200, console.body);
    const page = await admin.open(wiki, '/hello');
    assert.equal(page.status, 200, page.body);
    assert.ok([...admin.cookies(host).keys()].every((name) => name.startsWith('__Host-')));
  });

  await t.test('the certificate is a wildcard, and its CA may vouch for this domain only', async () => {
    const { certificate } = await shakeHands(target);
    assert.equal(certificate.subjectaltname, 'DNS:*.example.test');
    const constraints = installation.folder;
    writeFileSync(join(constraints, 'ca.pem'), installation.ca);
    const text = execFileSync('openssl', ['x509', '-in', join(constraints, 'ca.pem'), '-noout', '-text'], {
      encoding: 'utf8',
    });
    assert.match(text, /Name Constraints: critical\s+Permitted:\s+DNS:example\.test/);
    await assert.rejects(shakeHands({ ...target, ca: '' }), /self-signed certificate in certificate chain/);
  });

  await t.test('page loads on the plain listener are sent to TLS; cookies never reach it', async () => {
    const raw = await rawExchange(
      installation.ports.plain,
      'GET /a?b=c HTTP/1.1\r\nHost: wiki.example.test\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n',
    );
    assert.match(raw, /^HTTP\/1\.1 303 /);
    assert.match(raw, new RegExp(`\r\nlocation: ${wiki}/a\\?b=c\r\n`, 'i'));
    assert.doesNotMatch(raw, /set-cookie/i);
  });

  await t.test('HTTP/2 carries requests as HTTP/1.1 does', async (t) => {
    const session = await openHttp2(t, installation, 'wiki.example.test');
    const cookie = cookiesOf(admin, wiki);
    const headers = { ':authority': host, ':path': '/over-two', cookie };
    const reply = await askHttp2(session, headers);
    assert.equal(reply.status, 200);
    const seen = JSON.parse(reply.body.toString()) as { url: string; headers: Record<string, string> };
    assert.equal(seen.url, '/over-two');
    assert.ok(seen.headers['nullius-assertion']);
    assert.equal((await askHttp2(session, { ...headers, cookie: '' })).status, 401);
  });

  await t.test('a request for another host than the connection was opened for is misdirected', async (t) => {
    const session = await openHttp2(t, installation, 'id.example.test');
    const before = app.requests.length;
    const cookie = cookiesOf(admin, wiki);
    assert.equal((await askHttp2(session, { ':authority': host, ':path': '/', cookie })).status, 421);
    const one = admin.send(wiki, { headers: { host: `console.example.test:${installation.ports.tls}` } });
    assert.equal((await one).status, 421);
    assert.equal(app.requests.length, before);
  });

  await t.test('without a server name there is no certificate to show', async () => {
    await assert.rejects(shakeHands({ ...target, servername: '' }));
  });

  await t.test('WebSockets pass over HTTP/1.1 and over HTTP/2', async (t) => {
    const cookie = cookiesOf(admin, wiki);
    const { servername, ca } = target;
    const socket = new WebSocket(`wss://127.0.0.1:${installation.ports.tls}/live`, {
      agent: new Agent({ servername, ca }),
      headers: { host, cookie, origin: wiki },
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const echoed = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send('one');
    assert.equal(await echoed, 'echo one');
    socket.terminate();

    const session = await openHttp2(t, installation, servername);
    const stream = session.request({
      ':authority': host,
      ':path': '/live',
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      'sec-websocket-version': '13',
      origin: wiki,
      cookie,
    });
    stream.on('error', () => undefined);
    const status = await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
    assert.equal(status, 200);
    // FIN and text, masked with zeros: `two`.
    stream.write(Buffer.from([0x81, 0x83, 0, 0, 0, 0, ...Buffer.from('two')]));
    const answer = '\u0081\u0008echo two';
    let received = '';
    for await (const chunk of stream) {
      received += chunk.toString('latin1');
      if (received.length >= answer.length) break;
    }
    assert.equal(received, answer);
  });

  await t.test('gRPC passes with its trailers, without ours', async (t) => {
    const protect = await installation.cli('protect', await startGrpc(t), '--as', 'greet');
    assert.equal(protect.code, 0, protect.stderr);
    const greet = installation.appOrigin('greet');
    await admin.open(greet);
    const session = await openHttp2(t, installation, 'greet.example.test');
    const reply = await askHttp2(
      session,
      {
        ':authority': new URL(greet).host,
        ':path': '/greet.Greeter/Hello',
        ':method': 'POST',
        'content-type': 'application/grpc',
        te: 'trailers',
        cookie: cookiesOf(admin, greet),
      },
      Uint8Array.of(0, 0, 0, 0, 1, 65),
    );
    assert.equal(reply.status, 200);
    assert.deepEqual([...reply.body], [0, 0, 0, 0, 1, 65]);
    assert.equal(reply.trailers['grpc-status'], '0');
    assert.equal(reply.trailers['set-cookie'], undefined);
    const refused = await askHttp2(session, {
      ':authority': new URL(greet).host,
      ':path': '/greet.Greeter/Hello',
      ':method': 'POST',
      'content-type': 'application/grpc+proto',
      te: 'trailers',
    });
    assert.deepEqual([refused.status, refused.headers['grpc-status'], refused.body.length], [200, '16', 0]);
    assert.match(String(refused.headers['grpc-message']), /^Sign in to do this: .* Reference: [\w-]{22}$/);
  });
});

/** A self-signed certificate in files, as an operator has them. */
function certificateFiles(t: TestContext, domain: string): { folder: string; pem: string } {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-own-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    join(folder, 'key.pem'),
  ];
  const out = ['-out', join(folder, 'chain.pem'), '-days', '2', '-subj', `/CN=${domain}`];
  const names = ['-addext', `subjectAltName=DNS:*.${domain}`];
  execFileSync('openssl', ['req', '-x509', ...key, ...out, ...names], { stdio: 'ignore' });
  execFileSync('chmod', ['600', join(folder, 'key.pem')]);
  return { folder, pem: execFileSync('cat', [join(folder, 'chain.pem')], { encoding: 'utf8' }) };
}

const withOwn = (folder: string) =>
  `domain: example.test\ntls:\n  certificate: ${join(folder, 'chain.pem')}\n  key: ${join(folder, 'key.pem')}\n`;

test('the operator’s own certificate is served instead of one of ours', async (t) => {
  const { folder, pem } = certificateFiles(t, 'example.test');
  const installation: Installation = await installationFor(t, { tls: true, config: withOwn(folder) });
  const target = { ...installation.tlsTo('console.example.test'), ca: pem };
  const { certificate } = await shakeHands(target, { protocols: ['h2'] });
  assert.equal(certificate.fingerprint256, new X509Certificate(pem).fingerprint256);
});

test('a key that others may read, or that is another certificate’s, is refused at start', async (t) => {
  const { folder } = certificateFiles(t, 'example.test');
  execFileSync('chmod', ['644', join(folder, 'key.pem')]);
  await assert.rejects(installationFor(t, { tls: true, config: withOwn(folder) }), /ended with 3[\s\S]*chmod 600/);
  const other = certificateFiles(t, 'example.test');
  execFileSync('cp', ['-p', join(other.folder, 'key.pem'), join(folder, 'key.pem')]);
  await assert.rejects(installationFor(t, { tls: true, config: withOwn(folder) }), /ended with 3[\s\S]*`tls\.key`/);
});
