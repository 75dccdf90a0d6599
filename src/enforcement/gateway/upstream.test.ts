import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createNetServer, type LookupFunction, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { makeCertificate } from '../../../tests/test-certificate.ts';
import { dialler, UpstreamForbiddenError } from './dial.ts';
import { parseUpstream } from './parse-upstream.ts';
import { listen, startGateway } from './test-gateway.ts';

test('redirects are passed on, never followed', async (t) => {
  const gateway = await startGateway(t, {
    upstream: (_request, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
  });
  const answer = await gateway.ask({});
  assert.equal(answer.status, 302);
});

test('an app behind a Unix socket is reached', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-gateway-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'app.sock');
  const app = createServer((_request, response) => response.end('by socket'));
  app.listen(path);
  await once(app, 'listening');
  t.after(() => app.close());
  const gateway = await startGateway(t, { upstreamUrl: `unix:${path}` });
  assert.equal((await gateway.ask({})).body, 'by socket');
});

test('an app with a certificate nobody vouches for, or for another name, is not talked to', async (t) => {
  const certificate = await makeCertificate(['other.test']);
  let seen = 0;
  const app = createSecureServer({ ...certificate, allowHTTP1: true }, (_request, response) => {
    seen++;
    response.end();
  });
  const port = await listen(t, app);
  for (const ca of [undefined, certificate.cert]) {
    const gateway = await startGateway(t, {
      upstreamUrl: `https://127.0.0.1:${port}`,
      ...(ca === undefined ? {} : { upstreamCa: ca }),
    });
    assert.equal((await gateway.ask({})).status, 502);
  }
  assert.equal(seen, 0);
});

for (const protocols of [['http/1.1'], undefined, ['h2']] as const) {
  const words = protocols === undefined ? 'no protocol by name' : protocols[0];
  test(`an app over TLS that speaks ${words} is asked once what it speaks, then served over kept-alive connections`, async (t) => {
    const certificate = await makeCertificate(['localhost']);
    const size = 20 * 1024 * 1024;
    const answer: RequestListener = (request, response) => {
      if (request.url === '/large') response.end(Buffer.alloc(size, 'x'));
      else if (request.method === 'POST') request.pipe(response);
      else response.end(`${request.httpVersion} ${request.url}`);
    };
    const app =
      protocols?.[0] === 'h2'
        ? createSecureServer(certificate, answer as never)
        : createHttpsServer(
            { ...certificate, ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }) },
            answer,
          );
    let handshakes = 0;
    app.on('secureConnection', () => handshakes++);
    const port = await listen(t, app);
    const gateway = await startGateway(t, {
      upstreamUrl: `https://localhost:${port}`,
      upstreamCa: certificate.cert,
    });
    const version = protocols?.[0] === 'h2' ? '2.0' : '1.1';
    for (const path of ['/1', '/2', '/3']) assert.equal((await gateway.ask({ path })).body, `${version} ${path}`);
    assert.equal(handshakes, 2);
    assert.equal((await gateway.ask({ method: 'POST', body: 'echo' })).body, 'echo');
    assert.equal((await gateway.ask({ path: '/large' })).body.length, size);
    assert.ok(gateway.outcomes.every(({ ended }) => ended === 'complete'));
  });
}

test('an app over TLS that breaks off is told from one that ends its answer by closing', async (t) => {
  const certificate = await makeCertificate(['localhost']);
  const app = createTlsServer(certificate, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) =>
      String(data).includes('/half')
        ? socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
        : socket.end('HTTP/1.1 200 OK\r\n\r\nto the end'),
    );
  });
  const upstreamUrl = `https://localhost:${await listen(t, app)}`;
  const gateway = await startGateway(t, { upstreamUrl, upstreamCa: certificate.cert });
  assert.equal((await gateway.ask({})).body, 'to the end');
  await assert.rejects(gateway.ask({ path: '/half' }));
  assert.deepEqual(
    gateway.outcomes.map(({ ended }) => ended),
    ['complete', 'upstream-failed'],
  );
});

test('an app over TLS that comes back with another certificate or protocol is asked again', async (t) => {
  const certificate = await makeCertificate(['localhost']);
  const first = createHttpsServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, (_request, response) =>
    response.setHeader('connection', 'close').end('one'),
  );
  const second = createSecureServer(certificate, (_request, response) => void response.end('two'));
  let app: NetServer | null = first;
  // Its port is held meanwhile: nobody else can get it.
  const place = createNetServer((socket) => {
    socket.on('error', () => {});
    if (app === null) socket.destroy();
    else app.emit('connection', socket);
  });
  const upstreamUrl = `https://localhost:${await listen(t, place)}`;
  const gateway = await startGateway(t, { upstreamUrl, upstreamCa: certificate.cert });
  assert.equal((await gateway.ask({})).body, 'one');
  app = null;
  assert.equal((await gateway.ask({})).status, 502);
  app = second;
  assert.equal((await gateway.ask({})).body, 'two');
});

test('private, metadata and own addresses are refused at connect time', async (t) => {
  let seen = 0;
  const app = createServer((_request, response) => {
    seen++;
    response.end();
  });
  const port = await listen(t, app);
  for (const options of [
    { upstreamUrl: `http://127.0.0.1:${port}`, allowPrivate: false },
    { upstreamUrl: `http://localhost:${port}`, allowPrivate: false },
    { upstreamUrl: `http://[::ffff:127.0.0.1]:${port}`, allowPrivate: false },
    { upstreamUrl: 'http://169.254.169.254' },
    { upstreamUrl: `http://0.0.0.0:${port}` },
    // Other spellings of 127.0.0.1 and of the metadata service, which URL parsers turn into the address.
    { upstreamUrl: `http://2130706433:${port}`, allowPrivate: false },
    { upstreamUrl: `http://0x7f.1:${port}`, allowPrivate: false },
    { upstreamUrl: `http://127.1:${port}`, ownListeners: () => [{ host: '127.0.0.1', port }] },
    { upstreamUrl: 'http://2852039166' },
    { upstreamUrl: 'http://0251.0376.0251.0376' },
    { upstreamUrl: `http://127.0.0.1:${port}`, ownListeners: () => [{ host: '127.0.0.1', port }] },
    { upstreamUrl: `http://localhost:${port}`, ownListeners: () => [{ host: '0.0.0.0', port }] },
  ]) {
    const gateway = await startGateway(t, options);
    assert.equal((await gateway.ask({})).status, 502, JSON.stringify(options));
    assert.equal(gateway.outcomes[0]?.refusal?.code, 'upstream-forbidden', JSON.stringify(options));
  }
  assert.equal(seen, 0);
});

test('a name that leads to a forbidden address among others is not connected to, in whichever place it stands', async (t) => {
  let seen = 0;
  const app = createServer(() => {
    seen++;
  });
  const port = await listen(t, app);
  const target = parseUpstream(`http://app.example.test:${port}`);
  assert.ok(target !== undefined);
  const good = { address: '127.0.0.1', family: 4 };
  const bad = { address: '169.254.169.254', family: 4 };
  for (const answers of [
    [bad, good],
    [good, bad],
    [good, { address: '::ffff:169.254.169.254', family: 6 }],
  ]) {
    const lookup: LookupFunction = (_name, _options, done) => done(null, answers);
    const dial = dialler(target, { guard: { lookup, isOwn: () => false }, allowPrivate: true, ca: undefined });
    const error = await new Promise((resolve) => dial({}, (problem, socket) => resolve(problem ?? socket)));
    assert.ok(error instanceof UpstreamForbiddenError, JSON.stringify(answers));
  }
  assert.equal(seen, 0);
});
