import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type WebSocket as AppSocket, WebSocket, WebSocketServer } from 'ws';
import { fakeTime, listen, startGateway, type TestGateway, type TestGatewayOptions, until } from './test-gateway.ts';
import { closeFrame, goingAway } from './websocket-frames.ts';
import { websocketAccept } from './websocket-handshake.ts';

const host = 'app.test';
/** So long that a test which waits for it fails. */
const noGraceMs = 600_000;
const farewell = 'the gateway is closing';
const text = (words: string) => Buffer.concat([Buffer.from([0x81, words.length]), Buffer.from(words)]);

/** A real `ws` server behind a gateway. */
async function before(t: TestContext, options: TestGatewayOptions = {}) {
  const server = createServer();
  const app = new WebSocketServer({ server });
  const sockets: AppSocket[] = [];
  const codes: number[] = [];
  app.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('close', (code) => codes.push(code));
  });
  const port = await listen(t, server);
  const gateway = await startGateway(t, { tls: [host], upstreamUrl: `http://127.0.0.1:${port}`, ...options });
  return { gateway, sockets, codes };
}

/** An app whose bytes behind the handshake are the test's own. */
async function beforeRaw(t: TestContext, isHeld = false) {
  const sockets: Socket[] = [];
  const app = createServer();
  const shakeHands: (() => void)[] = [];
  app.on('upgrade', (request, socket: Socket) => {
    socket.on('error', () => {});
    socket.resume();
    sockets.push(socket);
    const accept = websocketAccept(String(request.headers['sec-websocket-key']));
    const head = `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    if (isHeld) shakeHands.push(() => socket.write(head));
    else socket.write(head);
  });
  const port = await listen(t, app);
  const gateway = await startGateway(t, { tls: [host], upstreamUrl: `http://127.0.0.1:${port}` });
  return { gateway, sockets, shakeHands };
}

function open(t: TestContext, { port, tlsPort, ca }: TestGateway, isTls = false): WebSocket {
  const url = isTls ? `wss://127.0.0.1:${tlsPort}/` : `ws://127.0.0.1:${port}/`;
  // The types of `ws` do not know what it hands on to `tls.connect`.
  const socket = new WebSocket(url, [], { headers: { host }, ca, perMessageDeflate: false, ...{ servername: host } });
  socket.on('error', () => {});
  t.after(() => socket.terminate());
  return socket;
}

const closed = (socket: WebSocket) =>
  new Promise<[number, string]>((resolve) => socket.once('close', (code, reason) => resolve([code, String(reason)])));

for (const isTls of [false, true]) {
  test(`a gateway that closes ends a WebSocket ${isTls ? 'over TLS ' : ''}with 1001, and the app hears it from the client`, async (t) => {
    // The time that the client has to close does not pass, however slow this machine is.
    const { gateway, codes } = await before(t, { clock: () => 0 });
    const socket = open(t, gateway, isTls);
    await once(socket, 'open');
    const end = closed(socket);
    await gateway.close(noGraceMs);
    assert.deepEqual(await end, [goingAway, farewell]);
    await until(() => codes.length > 0);
    assert.deepEqual(codes, [goingAway]);
    assert.deepEqual(
      gateway.outcomes.map(({ ended }) => ended),
      ['complete'],
    );
  });
}

test('a gateway that closes ends a WebSocket over HTTP/2 with 1001, and then the connection', async (t) => {
  const { gateway } = await before(t);
  const { tlsPort: port, ca } = gateway;
  const session = connectHttp2(`https://${host}`, {
    createConnection: () => connectTls({ host: '127.0.0.1', port, ca, servername: host, ALPNProtocols: ['h2'] }),
  });
  t.after(() => session.destroy());
  await once(session, 'remoteSettings');
  const stream = session.request(
    {
      ':authority': host,
      ':path': '/',
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      'sec-websocket-version': '13',
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  await once(stream, 'response');
  const [said, gone] = [once(stream, 'data'), once(session, 'close')];
  const ended = gateway.close(noGraceMs);
  assert.deepEqual((await said)[0], closeFrame(goingAway, farewell));
  await Promise.all([gone, ended]);
});

test('the frame on its way is finished first, and nothing behind it is passed on', async (t) => {
  const { gateway, sockets } = await beforeRaw(t);
  const socket = open(t, gateway);
  const messages: string[] = [];
  socket.on('message', (data) => messages.push(String(data)));
  await once(socket, 'open');
  const [app] = sockets;
  const frame = text('one and a half');
  const first = once(socket, 'message');
  app?.write(Buffer.concat([text('whole'), frame.subarray(0, 7)]));
  await first;
  const end = closed(socket);
  const done = gateway.close(noGraceMs);
  // It goes on as before while the frame lasts: the client's bytes reach the app.
  const heard = once(app ?? socket, 'data');
  socket.send('still here');
  await heard;
  assert.equal(socket.readyState, WebSocket.OPEN);
  app?.write(Buffer.concat([frame.subarray(7), text('too late')]));
  assert.deepEqual(await end, [goingAway, farewell]);
  assert.deepEqual(messages, ['whole', 'one and a half']);
  await done;
});

test('a frame that never ends breaks off when the time that was given is over', async (t) => {
  const { gateway, sockets } = await beforeRaw(t);
  const socket = open(t, gateway);
  await once(socket, 'open');
  const first = once(socket, 'message');
  sockets[0]?.write(Buffer.concat([text('whole'), text('half of it').subarray(0, 5)]));
  await first;
  const end = closed(socket);
  await gateway.close(20);
  assert.deepEqual(await end, [1006, '']);
});

test('an app that has said its close frame is not spoken over', async (t) => {
  const { gateway, sockets } = await beforeRaw(t);
  const client = connect(gateway.port, '127.0.0.1');
  t.after(() => client.destroy());
  let received = Buffer.alloc(0);
  client.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
  });
  client.write(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await until(() => received.includes('\r\n\r\n'));
  const frames = () => received.subarray(received.indexOf('\r\n\r\n') + 4);
  const last = closeFrame(4001, 'enough');
  sockets[0]?.write(last);
  await until(() => frames().length >= last.length);
  await Promise.all([gateway.close(noGraceMs), once(client, 'close')]);
  assert.deepEqual(frames(), last);
});

test('a WebSocket that opens while the gateway closes is told at once', async (t) => {
  const { gateway, shakeHands } = await beforeRaw(t, true);
  const socket = open(t, gateway);
  await until(() => shakeHands.length > 0);
  const end = closed(socket);
  const done = gateway.close(noGraceMs);
  shakeHands[0]?.();
  assert.deepEqual(await end, [goingAway, farewell]);
  await done;
});

test('a no that comes while a client is told to go ends it at once', async (t) => {
  const { gateway, sockets } = await beforeRaw(t);
  const socket = open(t, gateway);
  await once(socket, 'open');
  const ended = [once(socket, 'close'), once(sockets[0] ?? socket, 'end')];
  const done = gateway.close(noGraceMs);
  gateway.handles[0]?.cut('session revoked');
  await Promise.all([...ended, done]);
  assert.equal(gateway.outcomes[0]?.ended, 'cut');
});

test('a WebSocket that was silent for an hour is ended with 1001', async (t) => {
  const time = fakeTime();
  const { gateway, codes } = await before(t, { clock: time.clock, sweepPeriodMs: 5 });
  const socket = open(t, gateway);
  await once(socket, 'open');
  const end = closed(socket);
  time.pass(60 * 60_000);
  assert.deepEqual(await end, [goingAway, 'idle for too long']);
  await until(() => codes.length > 0);
  assert.deepEqual(codes, [goingAway]);
});
