// Streams that a client opens without being let: written frame by frame, because no library does it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { http2ConcurrentStreamsMax } from './limits.ts';
import { startGateway, until } from './test-gateway.ts';
import {
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
/** `GET https /` of HPACK's static table (RFC 7541 A). */
const request = Buffer.concat([Buffer.from([0x82, 0x87, 0x84]), field(':authority', host)]);

test('streams beyond those that run at once are refused, and none of them reaches the app', async (t) => {
  const gateway = await startGateway(t, { tls: [host], upstream: () => {} });
  const target = { host: '127.0.0.1', port: gateway.tlsPort, servername: host, ca: gateway.ca };
  const socket = connect({ ...target, ALPNProtocols: ['h2'] });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  const resets: Frame[] = [];
  onFrames(socket, {
    prefaceBytes: 0,
    take: (taken) => {
      if (taken.type === resetFrame) resets.push(taken);
    },
  });
  const tooMany = 20;
  const streams = Array.from({ length: http2ConcurrentStreamsMax + tooMany }, (_, at) => 2 * at + 1);
  const open = (stream: number) => frame(headersFrame, { flags: endHeaders | endStream, stream, payload: request });
  socket.write(Buffer.concat([preface, frame(settingsFrame, {}), ...streams.map(open)]));
  await until(() => resets.length === tooMany || gateway.requests.length > http2ConcurrentStreamsMax);
  assert.deepEqual(
    resets.map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]),
    streams.slice(http2ConcurrentStreamsMax).map((stream) => [stream, refusedStream]),
  );
  await until(() => gateway.requests.length >= http2ConcurrentStreamsMax);
  assert.equal(gateway.requests.length, http2ConcurrentStreamsMax);
});
