import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createSecureServer } from 'node:http2';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeCertificate } from './test-certificate.ts';
import { listen, startGateway } from './test-gateway.ts';

/** An app that is nothing but a TCP server: it can break every rule. */
async function rawApp(t: TestContext, onConnection: (socket: Socket, index: number) => void): Promise<string> {
  let index = 0;
  const server = createNetServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket, index++);
  });
  return `http://127.0.0.1:${await listen(t, server)}`;
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

test('forwardRequest() sends what was asked and streams the answer back', async (t) => {
  const gateway = await startGateway(t, {
    own: ['nullius-assertion', 'jwt', 'nullius-decision', 'd1'],
    upstream: (request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () =>
        response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers, body })),
      );
    },
  });
  const answer = await gateway.ask({
    method: 'POST',
    path: '/a/b?x=1',
    body: 'hello',
    headers: {
      cookie: 'a=1; __Host-nullius=secret; b=2',
      nullius_assertion: 'forged',
      'Nullius-Assertion': 'forged',
      'X-Forwarded-For': '1.2.3.4',
    },
  });
  const seen = JSON.parse(answer.body);
  assert.equal(answer.status, 200);
  assert.equal(seen.url, '/a/b?x=1');
  assert.equal(seen.body, 'hello');
  assert.equal(seen.headers.cookie, 'a=1; b=2');
  assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(seen.headers['nullius-assertion'], 'jwt');
  assert.equal(seen.headers.nullius_assertion, undefined);
  assert.deepEqual(gateway.outcomes[0], {
    ended: 'complete',
    status: 200,
    bytesUp: 5,
    bytesDown: answer.body.length,
    refusal: null,
    cutReason: null,
  });
});

test('server-sent events arrive one by one while the answer is open', async (t) => {
  const gateway = await startGateway(t, {
    upstream: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      response.on('close', () => {});
    },
  });
  const request = httpRequest({ port: gateway.port, host: '127.0.0.1', headers: { host: 'app.localhost' } }).end();
  const [response] = await once(request, 'response');
  const [chunk] = await once(response, 'data');
  assert.equal(String(chunk), 'data: 1\n\n');
  const broken = once(response, 'error');
  gateway.handles[0]?.cut('revoked');
  await broken;
  assert.equal(gateway.outcomes[0]?.ended, 'cut');
});

test('trailers of an HTTP/1.1 app reach an HTTP/1.1 client, without what only headers may say', async (t) => {
  const gateway = await startGateway(t, {
    upstream: (_request, response) => {
      response.writeHead(200, { trailer: 'x-checksum, set-cookie' });
      response.write('body');
      response.addTrailers({ 'x-checksum': 'abc', 'set-cookie': '__Host-nullius_app=x', 'nullius-decision': 'x' });
      response.end();
    },
  });
  const answer = await gateway.ask({});
  assert.deepEqual({ ...answer.trailers }, { 'x-checksum': 'abc' });
});

test('early hints are passed on; other interim answers are not', async (t) => {
  const url = await rawApp(t, (socket) =>
    socket.once('data', () =>
      socket.end(
        'HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload; as=style\r\nSet-Cookie: __Host-nullius_app=x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    ),
  );
  const gateway = await startGateway(t, { upstreamUrl: url });
  const interim: { statusCode: number; headers: object }[] = [];
  const request = httpRequest({ port: gateway.port, host: '127.0.0.1', headers: { host: 'app.localhost' } }).end();
  request.on('information', (info) => interim.push(info));
  const [response] = await once(request, 'response');
  response.resume();
  assert.equal(response.statusCode, 200);
  assert.deepEqual(
    interim.map(({ statusCode, headers }) => ({ statusCode, headers })),
    [{ statusCode: 103, headers: { link: '</s.css>; rel=preload; as=style' } }],
  );
});

test('`Expect: 100-continue` is answered once the request is allowed, and not sent to the app', async (t) => {
  let expected: string | undefined;
  const gateway = await startGateway(t, {
    upstream: (request, response) => {
      expected = request.headers.expect;
      request.pipe(response);
    },
  });
  const request = httpRequest({
    port: gateway.port,
    host: '127.0.0.1',
    method: 'PUT',
    headers: { host: 'app.localhost', expect: '100-continue', 'content-length': '4' },
  });
  request.flushHeaders();
  await once(request, 'continue');
  request.end('body');
  const [response] = await once(request, 'response');
  const [chunk] = await once(response, 'data');
  assert.equal(String(chunk), 'body');
  assert.equal(expected, undefined);
});

test('a large upload and download pass unchanged without being held in memory', async (t) => {
  const size = 64 * 1024 * 1024;
  const gateway = await startGateway(t, { upstream: (request, response) => void request.pipe(response) });
  const block = Buffer.alloc(64 * 1024, 'x');
  const request = httpRequest({
    port: gateway.port,
    host: '127.0.0.1',
    method: 'POST',
    headers: { host: 'app.localhost' },
  });
  let sent = 0;
  let received = 0;
  const pump = () => {
    while (sent < size) {
      sent += block.length;
      if (!request.write(block)) {
        request.once('drain', pump);
        return;
      }
    }
    request.end();
  };
  pump();
  const [response] = await once(request, 'response');
  for await (const chunk of response) received += chunk.length;
  assert.equal(received, size);
  assert.equal(gateway.outcomes[0]?.bytesUp, size);
});

test('a client that does not read holds the app back instead of filling memory', async (t) => {
  let written = 0;
  const gateway = await startGateway(t, {
    upstream: (_request, response) => {
      const block = Buffer.alloc(64 * 1024);
      const pump = () => {
        do written += block.length;
        while (response.write(block) && written < 1e9);
        response.once('drain', pump);
      };
      pump();
    },
  });
  const socket = connect(gateway.port, '127.0.0.1', () =>
    socket.write('GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n'),
  );
  socket.pause();
  let before = -1;
  while (before !== written || written === 0) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  // Kernel buffers of two loopback connections and the streams' own: far from a gigabyte.
  assert.ok(written < 40e6, `${written} bytes were taken from the app`);
  socket.destroy();
  await until(() => gateway.outcomes.length === 1);
  assert.equal(gateway.outcomes[0]?.ended, 'client-gone');
});

test('an app that does not read holds the client back', async (t) => {
  const url = await rawApp(t, (socket) => socket.pause());
  const gateway = await startGateway(t, { upstreamUrl: url });
  const socket = connect(gateway.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 1000000000\r\n\r\n');
  const block = Buffer.alloc(64 * 1024);
  let before = -1;
  while (before !== socket.bytesWritten - socket.writableLength || before < 1000) {
    before = socket.bytesWritten - socket.writableLength;
    while (socket.writableLength < 1e6) socket.write(block);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(before < 40e6, `${before} bytes were taken from the client`);
  socket.destroy();
});

test('an app that answers before the upload ended is heard, and its connection is not used again', async (t) => {
  let connections = 0;
  const url = await rawApp(t, (socket) => {
    connections++;
    socket.once('data', () => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig'));
  });
  const gateway = await startGateway(t, { upstreamUrl: url });
  const request = httpRequest({
    port: gateway.port,
    host: '127.0.0.1',
    method: 'POST',
    headers: { host: 'app.localhost', 'content-length': '1000000' },
    agent: false,
  });
  request.on('error', () => {});
  request.write('x');
  const [response] = await once(request, 'response');
  assert.equal(response.statusCode, 413);
  response.resume();
  await until(() => gateway.outcomes.length === 1);
  request.destroy();
  assert.equal((await gateway.ask({})).status, 413);
  assert.equal(connections, 2);
});

test('a client that goes away ends the request to the app, in either direction', async (t) => {
  for (const head of [
    'GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 100\r\n\r\nx',
  ]) {
    const appClosed = Promise.withResolvers<void>();
    const appReached = Promise.withResolvers<void>();
    const url = await rawApp(t, (socket) => {
      socket.once('data', () => appReached.resolve());
      socket.on('close', () => appClosed.resolve());
    });
    const gateway = await startGateway(t, { upstreamUrl: url });
    const socket = connect(gateway.port, '127.0.0.1', () => socket.write(head));
    await appReached.promise;
    socket.destroy();
    await appClosed.promise;
    await until(() => gateway.outcomes.length === 1);
    assert.equal(gateway.outcomes[0]?.ended, 'client-gone');
  }
});

const failures: Record<string, { app: (socket: Socket) => void; status: number }> = {
  'closes without an answer': { app: (socket) => socket.once('data', () => socket.end()), status: 502 },
  'resets without an answer': { app: (socket) => socket.once('data', () => socket.resetAndDestroy()), status: 502 },
  'answers in no known protocol': {
    app: (socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n')),
    status: 502,
  },
  'splits its answer by bare line feeds and control bytes': {
    app: (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\x00c\r\n\r\n')),
    status: 502,
  },
  'declares length and chunks at once': {
    app: (socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
      ),
    status: 502,
  },
  'declares two lengths': {
    app: (socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc')),
    status: 502,
  },
  'sends headers without end': {
    app: (socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${'X-Many: abcdefgh\r\n'.repeat(5000)}`)),
    status: 502,
  },
};
for (const [name, { app, status }] of Object.entries(failures)) {
  test(`an app that ${name} becomes a ${status} with a correlation id`, async (t) => {
    const gateway = await startGateway(t, { upstreamUrl: await rawApp(t, app) });
    const answer = await gateway.ask({ headers: { accept: 'application/json' } });
    assert.equal(answer.status, status);
    assert.equal(JSON.parse(answer.body).correlationId, 'c');
    assert.equal(gateway.outcomes[0]?.ended, 'upstream-failed');
  });
}

test('an app that is not there becomes a 502', async (t) => {
  const gateway = await startGateway(t, { upstreamUrl: 'http://127.0.0.1:1' });
  const answer = await gateway.ask({});
  assert.equal(answer.status, 502);
  assert.equal(gateway.outcomes[0]?.refusal?.code, 'upstream-unreachable');
});

test('an app that breaks off inside its answer leaves the client with a visible break, not with a short file', async (t) => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nbad\r\n',
  ]) {
    const gateway = await startGateway(t, {
      upstreamUrl: await rawApp(t, (socket) => socket.once('data', () => socket.end(answer))),
    });
    await assert.rejects(gateway.ask({}));
    assert.equal(gateway.outcomes[0]?.ended, 'upstream-failed');
  }
});

test('bytes behind an answer never become the answer to the next request', async (t) => {
  const url = await rawApp(t, (socket) =>
    socket.on('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
    ),
  );
  const gateway = await startGateway(t, { upstreamUrl: url });
  for (let count = 0; count < 5; count++) {
    const answer = await gateway.ask({});
    assert.ok(answer.body === 'good' || answer.status === 502, answer.body);
  }
});

test('a request without a body is repeated once when a kept-alive connection had died, others are not', async (t) => {
  const methods: string[] = [];
  const url = await rawApp(t, (socket, index) => {
    let answered = 0;
    socket.on('data', (data) => {
      methods.push(`${index} ${String(data).split(' ')[0]}`);
      // Each connection answers one GET and dies on whatever comes next.
      if (answered++ === 0 && String(data).startsWith('GET'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else socket.destroy();
    });
  });
  const gateway = await startGateway(t, { upstreamUrl: url });
  assert.equal((await gateway.ask({})).status, 200);
  assert.equal((await gateway.ask({})).status, 200);
  assert.equal((await gateway.ask({ method: 'POST', body: 'x' })).status, 502);
  assert.deepEqual(
    methods.map((line) => line.slice(2)),
    ['GET', 'GET', 'GET', 'POST'],
  );
});

/** A clock that stands still until told; the sweep looks every few milliseconds. */
function fakeTime() {
  let now = 0;
  return {
    clock: () => now,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('an app that never answers becomes a 504', async (t) => {
  const time = fakeTime();
  const reached = Promise.withResolvers<void>();
  const url = await rawApp(t, (socket) => socket.once('data', () => reached.resolve()));
  const gateway = await startGateway(t, { upstreamUrl: url, clock: time.clock, sweepPeriodMs: 5 });
  const answer = gateway.ask({});
  await reached.promise;
  time.pass(61_000);
  assert.equal((await answer).status, 504);
});

test('an app that stops in the middle of an answer is cut, an event stream may be silent for long', async (t) => {
  for (const [type, survives] of [
    ['text/plain', false],
    ['text/event-stream; charset=utf-8', true],
  ] as const) {
    const time = fakeTime();
    const url = await rawApp(t, (socket) =>
      socket.once('data', () =>
        socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: 100\r\n\r\nx`),
      ),
    );
    const gateway = await startGateway(t, { upstreamUrl: url, clock: time.clock, sweepPeriodMs: 5 });
    const request = httpRequest({
      port: gateway.port,
      host: '127.0.0.1',
      headers: { host: 'app.localhost' },
      agent: false,
    }).end();
    const [response] = await once(request, 'response');
    response.on('error', () => {});
    await once(response, 'data');
    await new Promise((resolve) => setTimeout(resolve, 20));
    time.pass(121_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(gateway.outcomes.length, survives ? 0 : 1);
    request.destroy();
  }
});

test('a client that stalls in its upload gets 408, one that stalls in its download is cut', async (t) => {
  const time = fakeTime();
  const gateway = await startGateway(t, {
    clock: time.clock,
    sweepPeriodMs: 5,
    upstream: (request, response) =>
      request.method === 'GET' ? void response.end(Buffer.alloc(50e6)) : void request.resume(),
  });
  const upload = connect(gateway.port, '127.0.0.1', () =>
    upload.write('POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 100\r\n\r\nx'),
  );
  await until(() => gateway.handles.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  time.pass(61_000);
  const [answer] = await once(upload, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 408 /);
  upload.destroy();
  const download = connect(gateway.port, '127.0.0.1', () =>
    download.write('GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n'),
  );
  download.pause();
  await until(() => gateway.handles.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  time.pass(61_000);
  await until(() => gateway.outcomes.length === 2);
  assert.deepEqual(
    gateway.outcomes.map(({ ended }) => ended),
    ['client-slow', 'client-slow'],
  );
  download.destroy();
});

test('redirects are passed on, never followed', async (t) => {
  const gateway = await startGateway(t, {
    upstream: (_request, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
  });
  const answer = await gateway.ask({});
  assert.equal(answer.status, 302);
});

test('a body larger than the route takes is refused, declared or not', async (t) => {
  const gateway = await startGateway(t, {
    bodyBytesMax: 10,
    upstream: (request, response) => void request.resume().on('end', () => response.end()),
  });
  assert.equal((await gateway.ask({ method: 'POST', body: 'x'.repeat(11) })).status, 413);
  assert.equal(
    (await gateway.ask({ method: 'POST', body: 'x'.repeat(11), headers: { 'transfer-encoding': 'chunked' } })).status,
    413,
  );
  assert.equal((await gateway.ask({ method: 'POST', body: 'x'.repeat(10) })).status, 200);
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
    { upstreamUrl: `http://127.0.0.1:${port}`, ownListeners: () => [{ host: '127.0.0.1', port }] },
    { upstreamUrl: `http://localhost:${port}`, ownListeners: () => [{ host: '0.0.0.0', port }] },
  ]) {
    const gateway = await startGateway(t, options);
    assert.equal((await gateway.ask({})).status, 502, JSON.stringify(options));
    assert.equal(gateway.outcomes[0]?.refusal?.code, 'upstream-forbidden', JSON.stringify(options));
  }
  assert.equal(seen, 0);
});
