import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
} from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as connectNet } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { makeCertificate } from '../../../tests/test-certificate.ts';
import { listen, rawApp, startGateway, type TestGateway } from './test-gateway.ts';
import { closeFrame, policyViolation } from './websocket-frames.ts';

const host = 'app.example.test';

function openSession(t: TestContext, gateway: TestGateway, servername = host): Promise<ClientHttp2Session> {
  const session = connect(`https://${host}:${gateway.tlsPort}`, {
    ca: gateway.ca,
    servername,
    lookup: (_name: string, _options: object, done: (error: null, addresses: object[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]),
    // The attacks need a client that says what it is told to.
    strictSingleValueFields: false,
  } as never);
  session.on('error', () => {});
  t.after(() => session.destroy());
  return new Promise((resolve, reject) => session.once('remoteSettings', () => resolve(session)).once('error', reject));
}

interface Http2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
  readonly resetCode: number;
}

function collect(stream: ClientHttp2Stream): Promise<Http2Answer> {
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (received) => {
      headers = received;
    });
    stream.on('trailers', (received) => {
      trailers = received;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    stream.on('close', () =>
      resolve({ headers, trailers, body: Buffer.concat(chunks).toString(), resetCode: stream.rstCode }),
    );
  });
}

const ask = (session: ClientHttp2Session, headers: Record<string, string | string[]>, body?: string) => {
  const stream = session.request({ ':authority': host, ':path': '/', ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return collect(stream);
};

test('an HTTP/2 client reaches an HTTP/1.1 app, with crumbled cookies joined and ours taken out', async (t) => {
  const gateway = await startGateway(t, {
    tls: [host],
    upstream: (request, response) => {
      request.resume();
      request.on('end', () =>
        response
          .setHeader('set-cookie', ['a=1', 'b=2; Domain=example.test', '__Host-nullius_app=x'])
          .end(JSON.stringify({ ...request.headers, url: request.url })),
      );
    },
  });
  const session = await openSession(t, gateway);
  const answer = await ask(
    session,
    { ':path': '/x?y', ':method': 'POST', cookie: ['a=1', '__Host-nullius_app=secret', 'b=2'] },
    'body',
  );
  const seen = JSON.parse(answer.body);
  assert.equal(answer.headers[':status'], 200);
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
  assert.equal(seen.cookie, 'a=1; b=2');
  assert.equal(seen.url, '/x?y');
  assert.equal(seen['x-forwarded-host'], host);
  assert.equal(seen['x-forwarded-proto'], 'https');
});

test('a HEAD over HTTP/2 is answered like a GET without a body, by the app and by the gateway itself', async (t) => {
  const gateway = await startGateway(t, {
    tls: [host],
    upstream: (_request, response) => response.setHeader('content-length', '5').end('hello'),
  });
  const session = await openSession(t, gateway);
  const fromApp = await ask(session, { ':method': 'HEAD' });
  assert.equal(fromApp.headers[':status'], 200);
  assert.equal(fromApp.headers['content-length'], '5');
  assert.equal(fromApp.body, '');
  assert.equal(fromApp.resetCode, constants.NGHTTP2_NO_ERROR);
  const refused = await ask(session, { ':method': 'HEAD', ':path': '/a//b' });
  assert.equal(refused.headers[':status'], 400);
  assert.equal(refused.body, '');
  assert.equal((await ask(session, {})).body, 'hello');
});

test('an app may repeat what node:http2 takes for a single field, in its head and in its trailers', async (t) => {
  const answer =
    'HTTP/1.1 200 OK\r\nx-content-type-options: nosniff\r\nx-content-type-options: nosniff\r\n' +
    'transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\netag: "a"\r\netag: "b"\r\n\r\n';
  const upstreamUrl = await rawApp(t, (socket) => socket.on('data', () => socket.end(answer)));
  const session = await openSession(t, await startGateway(t, { tls: [host], upstreamUrl }));
  const { headers, trailers, body } = await ask(session, {});
  assert.equal(headers[':status'], 200);
  assert.equal(body, 'ok');
  assert.equal(trailers['etag'], '"a"');
});

test('HTTP/1.1 over TLS is served on the same port', async (t) => {
  const gateway = await startGateway(t, { tls: [host], upstream: (_request, response) => response.end('one') });
  const body = await new Promise<string>((resolve, reject) => {
    httpsRequest(
      { host: '127.0.0.1', port: gateway.tlsPort, servername: host, headers: { host }, ca: gateway.ca, agent: false },
      (response) => {
        response.setEncoding('utf8');
        response.on('data', resolve);
      },
    )
      .on('error', reject)
      .end();
  });
  assert.equal(body, 'one');
});

test('readRequest() answers 421 when server name and authority differ, as when a browser coalesces connections', async (t) => {
  let seen = 0;
  const gateway = await startGateway(t, {
    tls: [host, 'other.example.test'],
    upstream: (_request, response) => {
      seen++;
      response.end();
    },
  });
  const session = await openSession(t, gateway, 'other.example.test');
  assert.equal((await ask(session, {})).headers[':status'], 421);
  assert.equal((await ask(session, { ':authority': 'other.example.test', host })).headers[':status'], 400);
  assert.equal((await ask(session, { ':authority': 'other.example.test' })).headers[':status'], 200);
  assert.equal(seen, 1);
});

test('the TLS listener ends handshakes for names it does not serve', async (t) => {
  const gateway = await startGateway(t, { tls: [host] });
  await assert.rejects(openSession(t, gateway, 'unknown.example.test'));
});

test('HTTP/2 requests with HTTP/1 framing, folded values or confused pseudo-headers never reach the app', async (t) => {
  const seen: string[] = [];
  const gateway = await startGateway(t, {
    tls: [host],
    upstream: (request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end();
    },
  });
  const attacks: Record<string, string | string[]>[] = [
    { 'transfer-encoding': 'chunked' },
    { connection: 'nullius-assertion' },
    { upgrade: 'websocket' },
    { 'keep-alive': '1' },
    { te: 'gzip' },
    { ':path': '/a b' },
    { ':path': '/a\r\nx: y' },
    { ':path': '' },
    { ':path': '*' },
    { ':path': 'http://other.example.test/' },
    { ':path': '/ok HTTP/1.1\r\nhost: evil\r\n\r\nGET /admin' },
    { ':authority': `${host}@evil` },
    { ':authority': '' },
    { ':scheme': 'https', ':method': 'GET /admin HTTP/1.1\r\nx:' },
    { ':method': 'TRACE' },
    { 'content-length': ['1', '2'] },
    { 'x-http-method-override': 'DELETE' },
  ];
  for (const attack of attacks) {
    const session = await openSession(t, gateway);
    let status: unknown;
    try {
      const answer = await ask(session, attack);
      status = answer.headers[':status'];
    } catch {
      status = 'refused by the client library';
    }
    assert.ok(
      status === undefined || status === 'refused by the client library' || Number(status) >= 400,
      `${JSON.stringify(attack)} got ${status}`,
    );
    session.destroy();
  }
  assert.deepEqual(seen, []);
});

test('a body whose length is not what was declared is not passed on as a whole request', async (t) => {
  const bodies: string[] = [];
  const gateway = await startGateway(t, {
    tls: [host],
    upstream: (request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        bodies.push(body);
        response.end();
      });
    },
  });
  for (const length of ['3', '30']) {
    const session = await openSession(t, gateway);
    await ask(session, { ':method': 'POST', 'content-length': length }, 'GET /admin HTTP/1.1\r\n\r\n').catch(() => {});
    session.destroy();
  }
  // The frame of the headers says that nothing follows.
  const session = await openSession(t, gateway);
  await ask(session, { ':method': 'POST', 'content-length': '5' }).catch(() => {});
  session.destroy();
  assert.deepEqual(bodies, []);
  assert.equal(gateway.outcomes.filter(({ ended }) => ended === 'complete').length, 0);
});

/** A gRPC-like server: length-prefixed messages echoed one by one, status in trailers. */
function grpcServer(server: Http2Server): void {
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers['te'] !== 'trailers') {
      stream.respond({ ':status': 400 }, { endStream: true });
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () =>
      stream.sendTrailers({
        'grpc-status': '0',
        'grpc-message': 'fine',
        'set-cookie': '__Host-nullius_app=x',
        'nullius-decision': 'x',
      }),
    );
    stream.on('data', (chunk: Buffer) => stream.write(chunk));
    stream.on('end', () => stream.end());
  });
}

test('a gRPC call that fails at once keeps its one frame: status and END_STREAM together', async (t) => {
  const app = createServer();
  app.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '9', 'grpc-message': 'no' },
      { endStream: true },
    );
  });
  const gateway = await startGateway(t, { tls: [host], upstreamUrl: `h2c://127.0.0.1:${await listen(t, app)}` });
  const session = await openSession(t, gateway);
  const stream = session.request({
    ':authority': host,
    ':path': '/',
    ':method': 'POST',
    'content-type': 'application/grpc',
  });
  const answer = collect(stream);
  const endsWithHead = new Promise<boolean>((resolve) =>
    stream.on('response', (_fields, flags) => resolve((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0)),
  );
  stream.write(Buffer.from([0, 0, 0, 0, 1, 65]));
  assert.equal(await endsWithHead, true);
  assert.equal((await answer).headers['grpc-status'], '9');
  assert.equal((await answer).resetCode, constants.NGHTTP2_NO_ERROR);
});

for (const kind of ['h2c', 'https'] as const) {
  test(`gRPC, unary and streaming, passes with its trailers over ${kind} HTTP/2`, async (t) => {
    const certificate = await makeCertificate(['127.0.0.1']);
    const app = kind === 'h2c' ? createServer() : (createSecureServer({ ...certificate }) as unknown as Http2Server);
    grpcServer(app);
    const port = await listen(t, app);
    const gateway = await startGateway(t, {
      tls: [host],
      upstreamUrl: `${kind}://127.0.0.1:${port}`,
      upstreamCa: certificate.cert,
    });
    const session = await openSession(t, gateway);
    const headers = {
      ':authority': host,
      ':path': '/greet.Greeter/Hello',
      ':method': 'POST',
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    const unary = session.request(headers);
    const unaryAnswer = collect(unary);
    unary.end(Buffer.from([0, 0, 0, 0, 1, 65]));
    const answer = await unaryAnswer;
    assert.equal(answer.headers[':status'], 200);
    assert.deepEqual(Buffer.from(answer.body), Buffer.from([0, 0, 0, 0, 1, 65]));
    assert.equal(answer.trailers['grpc-status'], '0');
    assert.equal(answer.trailers['set-cookie'], undefined);
    assert.equal(answer.trailers['nullius-decision'], undefined);

    const stream = session.request(headers);
    const ended = collect(stream);
    const echoes: string[] = [];
    stream.on('data', (chunk: Buffer) => echoes.push(chunk.toString()));
    for (const word of ['one', 'two', 'three']) {
      const echoed = new Promise((resolve) => stream.once('data', resolve));
      stream.write(word);
      await echoed;
    }
    stream.end();
    assert.equal((await ended).trailers['grpc-status'], '0');
    assert.deepEqual(echoes, ['one', 'two', 'three']);
  });
}

test('trailers of a request reach no app, whichever HTTP client and app speak', async (t) => {
  const seen: unknown[] = [];
  const app = createServer();
  app.on('stream', (stream, headers) => {
    stream.on('trailers', (trailers) => seen.push(trailers));
    stream.resume().on('end', () => {
      seen.push(headers['nullius-assertion'], headers['trailer']);
      stream.respond({ ':status': 200 });
      stream.end('fine');
    });
  });
  const gateway = await startGateway(t, { tls: [host], upstreamUrl: `h2c://127.0.0.1:${await listen(t, app)}` });
  const session = await openSession(t, gateway);
  const stream = session.request(
    { ':authority': host, ':path': '/', ':method': 'POST', trailer: 'nullius-assertion' },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'nullius-assertion': 'forged', 'x-checksum': 'abc' }));
  stream.end('body');
  assert.equal((await collect(stream)).body, 'fine');
  const socket = connectNet(gateway.port, '127.0.0.1');
  t.after(() => socket.destroy());
  const head = 'POST / HTTP/1.1\r\nhost: app.localhost\r\ntransfer-encoding: chunked\r\n\r\n';
  socket.write(`${head}4\r\nbody\r\n0\r\nnullius-assertion: forged\r\nx-checksum: abc\r\n\r\n`);
  await once(socket, 'data');
  assert.deepEqual(seen, [undefined, undefined, undefined, undefined]);
});

test('an app that fails a gRPC stream early gets its trailers through, and the client is told to stop sending', async (t) => {
  const app = createServer();
  app.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '8' }));
    stream.end();
  });
  const port = await listen(t, app);
  const gateway = await startGateway(t, { tls: [host], upstreamUrl: `h2c://127.0.0.1:${port}` });
  const session = await openSession(t, gateway);
  const stream = session.request({ ':authority': host, ':path': '/s/m', ':method': 'POST', te: 'trailers' });
  const ended = collect(stream);
  stream.write('more to come');
  const answer = await ended;
  assert.equal(answer.trailers['grpc-status'], '8');
  assert.equal(answer.resetCode, constants.NGHTTP2_NO_ERROR);
});

test('cut() resets one HTTP/2 stream and leaves the connection to the others', async (t) => {
  const gateway = await startGateway(t, {
    tls: [host],
    upstream: (request, response) => (request.url === '/stream' ? void response.write('event') : response.end('fine')),
  });
  const session = await openSession(t, gateway);
  const stream = session.request({ ':authority': host, ':path': '/stream' });
  const ended = collect(stream);
  await new Promise((resolve) => stream.once('data', resolve));
  gateway.handles[0]?.cut('revoked');
  assert.equal((await ended).resetCode, constants.NGHTTP2_CANCEL);
  assert.equal((await ask(session, {})).body, 'fine');
  assert.equal(gateway.outcomes[0]?.ended, 'cut');
});

test('a client that resets its stream ends the request to the app', async (t) => {
  const appClosed = Promise.withResolvers<void>();
  const gateway = await startGateway(t, {
    tls: [host],
    upstream: (_request, response) => {
      response.on('close', () => appClosed.resolve());
      response.write('x');
    },
  });
  const session = await openSession(t, gateway);
  const stream = session.request({ ':authority': host, ':path': '/' });
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('data', resolve));
  stream.close(constants.NGHTTP2_CANCEL);
  await appClosed.promise;
  assert.equal(gateway.outcomes[0]?.ended, 'client-gone');
});

test('a WebSocket over HTTP/2 (RFC 8441) reaches an HTTP/1.1 app', async (t) => {
  const app = createHttpServer();
  const sockets = new WebSocketServer({ server: app });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
  const port = await listen(t, app);
  const gateway = await startGateway(t, { tls: [host], upstreamUrl: `http://127.0.0.1:${port}` });
  const session = await openSession(t, gateway);
  const stream = session.request({
    ':authority': host,
    ':path': '/live',
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'https',
    'sec-websocket-version': '13',
  });
  stream.on('error', () => {});
  const status = await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
  assert.equal(status, 200);
  const echoed = new Promise<Buffer>((resolve) => stream.once('data', resolve));
  // FIN + text, masked with zeros, `hi`.
  stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  assert.equal((await echoed).subarray(2).toString(), 'echo hi');
  const closing = new Promise<Buffer>((resolve) => stream.once('data', resolve));
  gateway.handles[0]?.cut('revoked');
  assert.deepEqual(await closing, closeFrame(policyViolation, 'revoked'));
});

test('an app that declines a WebSocket with 200 does not look like one that took it, over HTTP/2', async (t) => {
  const gateway = await startGateway(t, {
    tls: [host],
    upstream: (_request, response) => response.end('not a socket'),
  });
  const session = await openSession(t, gateway);
  const answer = await collect(
    session.request({
      ':authority': host,
      ':path': '/',
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      'sec-websocket-version': '13',
    }),
  );
  assert.equal(answer.headers[':status'], 502);
});

test('plain CONNECT is refused over HTTP/2', async (t) => {
  const gateway = await startGateway(t, { tls: [host] });
  const session = await openSession(t, gateway);
  const answer = await collect(session.request({ ':authority': `${host}:443`, ':method': 'CONNECT' }));
  assert.equal(answer.headers[':status'], 405);
});
