// What apps and clients do wrong: always a clear answer or a visible break, never a hang, never a poisoned connection.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { fakeTime, rawApp, startGateway, until } from './test-gateway.ts';

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
    time.pass(121_000);
    await time.swept();
    assert.equal(gateway.outcomes.length, survives ? 0 : 1);
    request.destroy();
  }
});

test('a client that stalls in its upload gets 408, one that stalls in its download is cut', async (t) => {
  const time = fakeTime();
  let reached = 0;
  const gateway = await startGateway(t, {
    clock: time.clock,
    sweepPeriodMs: 5,
    upstream: (request, response) => {
      if (request.method === 'GET') response.end(Buffer.alloc(50e6));
      else request.on('data', () => reached++);
    },
  });
  const upload = connect(gateway.port, '127.0.0.1', () =>
    upload.write('POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 100\r\n\r\nx'),
  );
  await until(() => reached === 1);
  time.pass(61_000);
  const [answer] = await once(upload, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 408 /);
  upload.destroy();
  const download = connect(gateway.port, '127.0.0.1', () =>
    download.write('GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n'),
  );
  await once(download, 'data');
  download.pause();
  while (gateway.outcomes.length < 2) {
    // Until the buffers on the way are full, bytes that move begin the time anew: in steps so small that the app is not taken for slow.
    time.pass(20_000);
    await time.swept();
  }
  assert.deepEqual(
    gateway.outcomes.map(({ ended }) => ended),
    ['client-slow', 'client-slow'],
  );
  download.destroy();
});

test('open streams never starve other requests below the bound, and above it the answer is a 503 at once', async (t) => {
  const gateway = await startGateway(t, {
    exchangesMax: 301,
    upstream: (request, response) =>
      request.url === '/stream' ? void response.write('x') : void response.end('quick'),
  });
  const sockets = Array.from({ length: 300 }, () => {
    const socket = connect(gateway.port, '127.0.0.1', () =>
      socket.write('GET /stream HTTP/1.1\r\nHost: app.localhost\r\n\r\n'),
    );
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'data')));
  assert.equal((await gateway.ask({})).body, 'quick');
  const last = connect(gateway.port, '127.0.0.1', () =>
    last.write('GET /stream HTTP/1.1\r\nHost: app.localhost\r\n\r\n'),
  );
  await once(last, 'data');
  assert.equal((await gateway.ask({})).status, 503);
  for (const handle of gateway.handles) handle.cut('over');
  await until(() => gateway.outcomes.filter(({ ended }) => ended === 'cut').length === 301);
  assert.equal((await gateway.ask({})).body, 'quick');
  for (const socket of [...sockets, last]) socket.destroy();
});
