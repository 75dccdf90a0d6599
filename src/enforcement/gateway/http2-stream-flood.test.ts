// Streams that a client opens without being let: written frame by frame, because no library does it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { http2ConcurrentStreamsMax, http2ResetsPerWindowMax } from './limits.ts';
import { startGateway, until } from './test-gateway.ts';
import {
  code,
  endHeaders,
  endStream,
  type Frame,
  field,
  frame,
  headersFrame,
  onFrames,
  preface,
  resetFrame,
  settingsFrame,
} from './test-http2-wire.ts';

const host = 'app.example.test';
const refusedStream = 7;
const cancel = 8;
/** `GET https /` of HPACK's static table (RFC 7541 A). */
const request = Buffer.concat([Buffer.from([0x82, 0x87, 0x84]), field(':authority', host)]);

const open = (stream: number) => frame(headersFrame, { flags: endHeaders | endStream, stream, payload: request });
const ids = (count: number) => Array.from({ length: count }, (_, at) => 2 * at + 1);

async function begin(t: TestContext) {
  const gateway = await startGateway(t, { tls: [host], upstream: () => {} });
  const target = { host: '127.0.0.1', port: gateway.tlsPort, servername: host, ca: gateway.ca };
  const socket = connect({ ...target, ALPNProtocols: ['h2'] });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return { gateway, socket };
}

test('a client that resets stream after stream loses its connection', async (t) => {
  const { gateway, socket } = await begin(t);
  socket.on('error', () => {});
  socket.resume();
  const reset = (stream: number) => frame(resetFrame, { stream, payload: code(cancel) });
  const streams = ids(20 * http2ResetsPerWindowMax).flatMap((stream) => [open(stream), reset(stream)]);
  socket.write(Buffer.concat([preface, frame(settingsFrame, {}), ...streams]));
  if (!socket.closed) await once(socket, 'close');
  // What was open when there were too many resets comes on top.
  const begunMax = http2ResetsPerWindowMax + http2ConcurrentStreamsMax;
  assert.ok(gateway.requests.length <= begunMax, `${gateway.requests.length} requests were begun`);
  assert.ok(gateway.troubles.includes('http2-rapid-reset'));
});

test('streams beyond those that run at once are refused, and none of them reaches the app', async (t) => {
  const { gateway, socket } = await begin(t);
  const resets: Frame[] = [];
  onFrames(socket, {
    prefaceBytes: 0,
    take: (taken) => {
      if (taken.type === resetFrame) resets.push(taken);
    },
  });
  const tooMany = 20;
  const streams = ids(http2ConcurrentStreamsMax + tooMany);
  socket.write(Buffer.concat([preface, frame(settingsFrame, {}), ...streams.map(open)]));
  await until(() => resets.length === tooMany || gateway.requests.length > http2ConcurrentStreamsMax);
  assert.deepEqual(
    resets.map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]),
    streams.slice(http2ConcurrentStreamsMax).map((stream) => [stream, refusedStream]),
  );
  await until(() => gateway.requests.length >= http2ConcurrentStreamsMax);
  assert.equal(gateway.requests.length, http2ConcurrentStreamsMax);
});
