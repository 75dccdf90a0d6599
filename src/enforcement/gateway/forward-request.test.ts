import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { rawApp, startGateway, until } from './test-gateway.ts';

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

for (const [name, byteCount] of [
  ['short', 1024],
  ['longer', 40_000],
] as const) {
  test(`a ${name} body of known length arrives byte for byte, on a connection that goes on`, async (t) => {
    const body = Buffer.from(Array.from({ length: byteCount }, (_, index) => (index * 7) % 256));
    const gateway = await startGateway(t, {
      upstream: (_request, response) => {
        response.writeHead(200, { 'content-length': byteCount, 'x-name': 'caf\u00e9' });
        response.end(body);
      },
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    for (let round = 0; round < 3; round += 1) {
      const options = { port: gateway.port, host: '127.0.0.1', agent, headers: { host: 'app.localhost' } };
      const [response] = await once(httpRequest(options).end(), 'response');
      const received = Buffer.concat(await response.toArray());
      assert.equal(response.headers['x-name'], 'caf\u00e9');
      assert.deepEqual(received, body);
    }
    assert.deepEqual(
      gateway.outcomes.map(({ bytesDown }) => bytesDown),
      [byteCount, byteCount, byteCount],
    );
  });
}

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

test('a service worker script at the root of an app is not served', async (t) => {
  let seen = 0;
  const gateway = await startGateway(t, {
    upstream: (_request, response) => {
      seen++;
      response.end('self');
    },
  });
  const headers = { 'service-worker': 'script' };
  assert.equal((await gateway.ask({ path: '/sw.js', headers })).status, 403);
  assert.equal(seen, 0);
  assert.equal((await gateway.ask({ path: '/app/sw.js', headers })).status, 200);
});
