import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type WebSocket as AppSocket, WebSocket, WebSocketServer } from 'ws';
import { listen, rawApp, startGateway, type TestGatewayOptions } from './test-gateway.ts';
import { websocketAccept } from './websocket-handshake.ts';

/** A real `ws` server behind the gateway. */
async function startApp(
  t: TestContext,
  onSocket: (socket: AppSocket, request: IncomingMessage) => void,
): Promise<TestGatewayOptions> {
  const server = createServer((_request, response) => response.writeHead(404).end('no page'));
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  sockets.on('connection', onSocket);
  const port = await listen(t, server);
  return { upstreamUrl: `http://127.0.0.1:${port}` };
}

const opened = (socket: WebSocket) =>
  new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
const message = (socket: WebSocket) =>
  new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
const closed = (socket: WebSocket) =>
  new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
  );

test('forwardRequest() carries a WebSocket both ways, with protocol and compression as the two ends agree', async (t) => {
  const gateway = await startGateway(
    t,
    await startApp(t, (socket, request) =>
      socket.on('message', (data) => socket.send(`${request.url} ${request.headers.cookie} ${data}`)),
    ),
  );
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/live?room=1`, ['chat', 'other'], {
    headers: { host: 'app.localhost', cookie: 'a=1; __Host-nullius_app=secret' },
  });
  await opened(socket);
  assert.equal(socket.protocol, 'chat');
  assert.match(socket.extensions, /permessage-deflate/);
  const answer = message(socket);
  socket.send('hello');
  assert.equal(await answer, '/live?room=1 a=1 hello');
  const end = closed(socket);
  socket.close(4000, 'done');
  assert.equal((await end).code, 4000);
  assert.equal(gateway.requests[0]?.action, 'connect');
});

test('forwardRequest() refuses a WebSocket that a page of another origin opens with our cookie', async (t) => {
  let connected = 0;
  const gateway = await startGateway(t, await startApp(t, () => connected++));
  const status = (headers: Record<string, string>) =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
        headers: { host: 'app.localhost', ...headers },
      });
      socket.on('error', () => {});
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('open', () => {
        socket.terminate();
        resolve(101);
      });
    });
  const cookie = '__Host-nullius_app=secret';
  assert.equal(await status({ cookie, origin: 'http://sibling.localhost' }), 403);
  assert.equal(await status({ cookie, origin: 'null' }), 403);
  assert.equal(connected, 0);
  assert.equal(await status({ cookie, origin: 'http://app.localhost' }), 101);
  assert.equal(await status({ origin: 'http://sibling.localhost' }), 101);
});

test('forwardRequest() carries large WebSocket messages whole', async (t) => {
  const gateway = await startGateway(
    t,
    await startApp(t, (socket) => socket.on('message', (data) => socket.send(data))),
  );
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
    headers: { host: 'app.localhost' },
    perMessageDeflate: false,
  });
  await opened(socket);
  const answer = message(socket);
  socket.send('x'.repeat(3_000_000));
  assert.equal((await answer).length, 3_000_000);
  socket.terminate();
});

test('cut() closes an open WebSocket with code 1008 and breaks the app side', async (t) => {
  const appClosed = Promise.withResolvers<number>();
  const gateway = await startGateway(
    t,
    await startApp(t, (socket) => socket.on('close', (code) => appClosed.resolve(code))),
  );
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { headers: { host: 'app.localhost' } });
  await opened(socket);
  const end = closed(socket);
  gateway.handles[0]?.cut('session revoked');
  assert.deepEqual(await end, { code: 1008, reason: 'session revoked' });
  assert.equal(await appClosed.promise, 1006);
  assert.equal(gateway.outcomes[0]?.ended, 'cut');
  assert.equal(gateway.outcomes[0]?.cutReason, 'session revoked');
});

test('forwardRequest() passes on an answer that declines the upgrade and ends the connection', async (t) => {
  const gateway = await startGateway(t, { upstream: (_request, response) => response.writeHead(403).end('no') });
  const answer = await rawExchange(gateway.port, `${handshake()}GET /smuggled HTTP/1.1\r\nHost: app.localhost\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, 'bytes behind the handshake are not answered as a request');
});

test('forwardRequest() answers 502 when an app declines the upgrade in a way that cannot be passed on', async (t) => {
  for (const head of [
    'HTTP/1.1 999 Denied\r\ncontent-length: 0',
    'HTTP/1.1 099 Early\r\ncontent-length: 0',
    'HTTP/1.1 403 Forbidden\r\ncontent-length: 1000000000000000',
  ]) {
    const upstreamUrl = await rawApp(t, (socket) => socket.on('data', () => socket.write(`${head}\r\n\r\n`)));
    const gateway = await startGateway(t, { upstreamUrl });
    assert.match(await rawExchange(gateway.port, handshake()), /^HTTP\/1\.1 502 /, head);
    assert.equal(gateway.outcomes[0]?.ended, 'upstream-failed');
  }
});

test('forwardRequest() never tunnels when the app did not validly switch', async (t) => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const wrongs = {
    'another accept value': (accept: string) =>
      `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}x\r\n\r\n`,
    "the accept value of the client's own key": () =>
      `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${websocketAccept(key)}\r\n\r\n`,
    'another protocol': (accept: string) =>
      `HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    'a subprotocol nobody offered': (accept: string) =>
      `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: evil\r\n\r\n`,
  };
  for (const [name, answerFor] of Object.entries(wrongs)) {
    await t.test(name, async (inner) => {
      const received: string[] = [];
      const app = createServer();
      app.on('upgrade', (request, socket) => {
        socket.on('error', () => {});
        socket.on('data', (data: Buffer) => received.push(String(data)));
        socket.write(answerFor(websocketAccept(String(request.headers['sec-websocket-key']))));
      });
      const port = await listen(inner, app);
      const gateway = await startGateway(inner, { upstreamUrl: `http://127.0.0.1:${port}` });
      const answer = await rawExchange(gateway.port, `${handshake(key)}GET /admin HTTP/1.1\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 502 /);
      assert.deepEqual(received, []);
    });
  }
});

test('readRequest() refuses every upgrade that is not a WebSocket GET without a body', async (t) => {
  let seen = 0;
  const gateway = await startGateway(t, {
    upstream: (_request, response) => {
      seen++;
      response.end();
    },
  });
  const rest =
    'Host: app.localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n';
  for (const request of [
    `GET / HTTP/1.1\r\n${rest}Upgrade: h2c\r\n\r\n`,
    `GET / HTTP/1.1\r\n${rest}Upgrade: websocket, h2c\r\n\r\n`,
    `GET / HTTP/1.1\r\n${rest}Upgrade: TLS/1.0\r\n\r\n`,
    `POST / HTTP/1.1\r\n${rest}Upgrade: websocket\r\nContent-Length: 4\r\n\r\nabcd`,
    `GET / HTTP/1.1\r\n${rest}Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n`,
    `GET / HTTP/1.1\r\n${rest}Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  ]) {
    assert.match(await rawExchange(gateway.port, request), /^HTTP\/1\.1 400 /, request);
  }
  assert.equal(seen, 0);
});

function handshake(key = 'dGhlIHNhbXBsZSBub25jZQ=='): string {
  return `GET /live HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
}

/** Sends bytes as they are; everything that comes back until the other side closes. */
function rawExchange(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}
