// Run by http2-refused-blocks.test.ts in a process of its own: an app whose header blocks HTTP/2 refuses, asked for some seconds.
import { request } from 'node:http';
import { startGateway } from './test-gateway.ts';
import { endHeaders, endStream, field, frame, headersFrame, rawHttp2App, status200 } from './test-http2-wire.ts';

const askedMs = 6_000;
/** Asked for longer where that was too few. */
const answersMin = 100;
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
    return frame(headersFrame, {
      flags: endHeaders | (below(4) > 0 ? 0 : endStream),
      stream: to,
      payload: Buffer.concat([status200, ...fields]),
    });
  });
  return Buffer.concat(frames);
}

let turn = 0;
const forever = { after: () => undefined };
const upstreamUrl = await rawHttp2App(forever, (stream, socket) => {
  turn += 1;
  const answer = oddAnswer(stream);
  if (below(4) === 0) setTimeout(() => socket.destroy(), below(6));
  if (below(3) > 0) return answer;
  setTimeout(() => (below(2) > 0 ? socket.destroy() : socket.write(answer)), below(5));
  return answer.subarray(0, below(answer.byteLength));
});
const gateway = await startGateway(forever, { upstreamUrl });

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
while (performance.now() < end || turn < answersMin) await Promise.all(Array.from({ length: 40 }, ask));
process.stdout.write(`still here after ${turn} answers\n`);
process.exit(0);
