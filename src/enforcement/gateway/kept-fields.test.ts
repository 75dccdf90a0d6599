import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { KeptFields } from './http1/kept-fields.ts';
import { MessageError } from './http1/message-error.ts';
import { startGateway } from './test-gateway.ts';

const kept = new KeptFields('nullius-assertion', 'ours');
const forged = { 'nullius-assertion': 'forged' };

test('a field that is kept reaches apps of HTTP/1.1, and takes the place of what the client says', async (t) => {
  const gateway = await startGateway(t, {
    kept,
    upstream: (request, response) => response.end(JSON.stringify(request.rawHeaders)),
  });
  const sent: string[] = JSON.parse((await gateway.ask({ headers: forged })).body);
  assert.deepEqual(sent.slice(-2), ['nullius-assertion', 'ours']);
  assert.equal(sent.filter((name) => name.toLowerCase() === 'nullius-assertion').length, 1);
});

test('and apps of HTTP/2', async (t) => {
  const app: Http2Server = createServer((request, response) => response.end(`${request.headers['nullius-assertion']}`));
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  t.after(() => app.close());
  const gateway = await startGateway(t, {
    kept,
    upstreamUrl: `h2c://127.0.0.1:${(app.address() as AddressInfo).port}`,
  });
  assert.equal((await gateway.ask({ headers: forged })).body, 'ours');
});

test('and apps that speak WebSocket', async (t) => {
  const app = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(app, 'listening');
  t.after(() => app.close());
  app.on('connection', (socket, request) => socket.send(`${request.headers['nullius-assertion']}`));
  const gateway = await startGateway(t, {
    kept,
    upstreamUrl: `http://127.0.0.1:${(app.address() as AddressInfo).port}`,
  });
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { headers: { host: 'app.localhost', ...forged } });
  const [data] = await once(socket, 'message');
  assert.equal(String(data), 'ours');
  socket.terminate();
});

test('no field can be made that a server could read as two', () => {
  for (const [name, value] of [
    ['x', 'a\r\nY: z'],
    ['x', 'a\n'],
    ['x', '\u010d\u010a'],
    ['x: y\r\nz', 'a'],
    ['', 'a'],
  ] as const) {
    assert.throws(() => new KeptFields(name, value), MessageError, JSON.stringify([name, value]));
  }
  assert.equal(new KeptFields('x', 'caf\xe9').lines, '\r\nx: caf\xe9');
  assert.deepEqual(new KeptFields('x', 'caf\xe9: 1', 'y', '').pairs, ['x', 'caf\xe9: 1', 'y', '']);
  assert.deepEqual(new KeptFields().pairs, []);
});
