// Run by http2-refused-blocks.test.ts in a process of its own: an app whose header blocks HTTP/2 refuses, asked for some seconds.
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { startGateway } from './test-gateway.ts';

const askedMs = 6_000;
const status200 = Buffer.from([0x88]);

function frame(type: number, { flags, stream, payload }: { flags: number; stream: number; payload: Buffer }): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field as a literal that is not indexed (RFC 7541 6.2.2). */
const field = (name: string, value: string) =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
const nothing = Buffer.alloc(0);

let state = 42;
/** Repeatable, and random enough. */
function below(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return (state >>> 8) % limit;
}

const names = ['etag', 'content-length', 'content-type', 'link', 'connection', 'set-cookie', 'te', 'transfer-encoding'];
const values = [
  '',
  '0',
  '5',
  '4,4',
  '-1',
  'a',
  'text/event-stream',
  ' v ',
  'chunked',
  'trailers',
  'close',
  'a'.repeat(120),
];

/** One to six header blocks of which HTTP/2 refuses many, most on the stream that was asked on. */
function oddAnswer(stream: number): Buffer {
  const frames = Array.from({ length: 1 + below(6) }, () => {
    const fields = Array.from({ length: below(6) }, () =>
      field(names[below(names.length)] ?? '', values[below(values.length)] ?? ''),
    );
    const to = below(12) > 0 ? stream : ([0, 2, stream + 2, 0x7fffffff][below(4)] ?? 0);
    return frame(1, { flags: 4 | (below(4) > 0 ? 0 : 1), stream: to, payload: Buffer.concat([status200, ...fields]) });
  });
  return Buffer.concat(frames);
}

let turn = 0;
const app = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.write(frame(4, { flags: 0, stream: 0, payload: nothing }));
  let held = nothing as Buffer;
  let hasPreface = false;
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    if (!hasPreface) {
      held = held.subarray(24);
      hasPreface = true;
    }
    while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
      const [type, stream] = [held[3], held.readUInt32BE(5)];
      held = held.subarray(9 + held.readUIntBE(0, 3));
      if (type !== 1) continue;
      turn += 1;
      const answer = oddAnswer(stream);
      if (below(3) > 0) socket.write(answer);
      else {
        socket.write(answer.subarray(0, below(answer.byteLength)));
        setTimeout(() => (below(2) > 0 ? socket.destroy() : socket.write(answer)), below(5));
      }
      if (below(4) === 0) setTimeout(() => socket.destroy(), below(6));
    }
  });
});
app.listen(0, '127.0.0.1');
await once(app, 'listening');
const forever = { after: () => undefined } as unknown as TestContext;
const gateway = await startGateway(forever, {
  upstreamUrl: `h2c://127.0.0.1:${(app.address() as AddressInfo).port}`,
});

const ask = () =>
  new Promise<void>((resolve) => {
    const method = ['GET', 'POST', 'HEAD', 'GET'][below(4)] ?? 'GET';
    const headers = { host: 'app.test', te: 'trailers' };
    const asked = request({ host: '127.0.0.1', port: gateway.port, method, headers, agent: false });
    asked.on('response', (answer) => {
      answer.on('close', () => resolve());
      answer.on('error', () => undefined);
      answer.resume();
      if (below(10) === 0) answer.destroy();
    });
    asked.on('error', () => resolve());
    asked.setTimeout(300, () => asked.destroy());
    if (method === 'POST') asked.write('x'.repeat(below(70_000)));
    asked.end();
  });
const end = performance.now() + askedMs;
while (performance.now() < end) await Promise.all(Array.from({ length: 40 }, ask));
process.stdout.write(`still here after ${turn} answers\n`);
process.exit(0);
