import assert from 'node:assert/strict';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { makeCertificate } from '../../../tests/test-certificate.ts';
import { BackOff } from './back-off.ts';
import { upstreamRestMsMax, upstreamRestMsMin } from './limits.ts';
import { listen, startGateway } from './test-gateway.ts';

test('BackOff rests twice as long from failure to failure, up to a bound, and begins anew when something worked', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const backOff = new BackOff();
  const restOf = () => {
    backOff.failed(new Error('down'));
    let ms = 0;
    while (backOff.error !== null) {
      t.mock.timers.tick(10);
      ms += 10;
    }
    return ms;
  };
  assert.deepEqual([restOf(), restOf(), restOf()], [upstreamRestMsMin, 2 * upstreamRestMsMin, 4 * upstreamRestMsMin]);
  for (let times = 0; times < 10; times++) restOf();
  assert.equal(restOf(), upstreamRestMsMax);
  backOff.worked();
  assert.equal(restOf(), upstreamRestMsMin);
});

/** What accepts connections and ends them at once, until it is told to pass them to `app`. */
function flapping(give: (socket: Socket) => void) {
  const state = { isUp: false, connections: 0 };
  const server = createServer((socket) => {
    state.connections++;
    socket.on('error', () => {});
    if (state.isUp) give(socket);
    else socket.destroy();
  });
  return { server, state };
}

for (const kind of ['h2c', 'https'] as const) {
  test(`an app over ${kind} that ends every connection is dialled once while it rests, requests fail at once, and it is back when it is`, async (t) => {
    const name = 'localhost';
    const certificate = await makeCertificate([name]);
    const http2 = createHttp2Server((_request, response) => void response.end('back'));
    const tls = createTlsServer({ ...certificate, ALPNProtocols: ['h2'] }, (socket) =>
      http2.emit('connection', socket),
    );
    const { server, state } = flapping((socket) => (kind === 'h2c' ? http2 : tls).emit('connection', socket));
    const port = await listen(t, server);
    const upstreamUrl = `${kind}://${name}:${port}`;
    const gateway = await startGateway(t, { upstreamUrl, upstreamCa: certificate.cert });
    t.mock.timers.enable({ apis: ['setTimeout'] });
    for (let times = 0; times < 20; times++) assert.equal((await gateway.ask({})).status, 502);
    assert.equal(state.connections, 1);
    t.mock.timers.tick(upstreamRestMsMin);
    for (let times = 0; times < 20; times++) assert.equal((await gateway.ask({})).status, 502);
    assert.equal(state.connections, 2);
    state.isUp = true;
    assert.equal((await gateway.ask({})).status, 502);
    t.mock.timers.tick(2 * upstreamRestMsMin);
    assert.equal((await gateway.ask({})).body, 'back');
    assert.equal((await gateway.ask({ method: 'POST', body: 'x' })).body, 'back');
  });
}
