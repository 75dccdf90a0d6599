// Processor time of the upstream half alone, ours beside undici: `node --conditions=nullius-source <this file>`.
// The app is a child process, so that only the client's time is counted.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { dialler } from '../dial.ts';
import { parseUpstream } from '../parse-upstream.ts';
import { UndiciUpstream } from '../undici-upstream.ts';
import type { UpstreamRequest, UpstreamSender } from '../upstream-request.ts';
import { Http1Pool } from './pool.ts';

const concurrency = 64;
const rounds = 40_000;
const headers = [
  'host',
  '10.0.0.5:3000',
  'user-agent',
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
];
headers.push('accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'accept-language', 'en');
headers.push(
  'accept-encoding',
  'gzip, deflate, br, zstd',
  'x-forwarded-for',
  '127.0.0.1',
  'x-forwarded-host',
  'app.localhost',
);
headers.push('x-forwarded-proto', 'http', 'x-real-ip', '127.0.0.1', 'nullius-decision', 'd'.repeat(22));
headers.push('nullius-assertion', 'a'.repeat(500));

/** Answers every request that comes in one piece, as fast as Node can. */
async function serve(): Promise<void> {
  const body = 'x'.repeat(1024);
  const fields =
    'Server: nginx\r\nDate: Sun, 22 Nov 2026 08:00:00 GMT\r\nContent-Type: application/octet-stream\r\nConnection: keep-alive\r\n';
  const answer = `HTTP/1.1 200 OK\r\n${fields}Last-Modified: Sun, 22 Nov 2026 07:00:00 GMT\r\nETag: "6921-400"\r\nAccept-Ranges: bytes\r\nContent-Length: 1024\r\n\r\n${body}`;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write(answer, 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.(server.address());
}

async function measure(sender: UpstreamSender, count: number): Promise<number> {
  const request: UpstreamRequest = {
    method: 'GET',
    target: '/spaces/team/pages/12345?view=full',
    headers,
    body: null,
    contentLength: null,
    takesTrailers: false,
    cleaning: { strictTransportSecurity: null, ownService: false },
    onNewConnection: false,
  };
  let sent = 0;
  let done = 0;
  const finished = Promise.withResolvers<void>();
  const next = () => {
    if (sent++ >= count) return;
    let bytes = 0;
    sender.send(request, {
      onEarlyHints: () => {},
      onHead: () => {},
      onData: (chunk) => {
        bytes += chunk.byteLength;
      },
      onBodySent: () => {},
      onBodyBroken: () => {},
      onAnswerEnd: () => {
        if (bytes !== 1024) throw new Error(`${bytes} bytes`);
        if (++done === count) finished.resolve();
        else next();
      },
      onUpstreamError: (error) => finished.reject(error),
    });
  };
  const before = process.cpuUsage();
  for (let index = 0; index < concurrency; index++) next();
  await finished.promise;
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

if (process.send !== undefined) await serve();
else {
  const app = fork(fileURLToPath(import.meta.url));
  const [{ port }] = (await once(app, 'message')) as [{ port: number }];
  const target = parseUpstream(`http://127.0.0.1:${port}`);
  if (target === undefined) throw new Error('no target');
  const guard = { lookup: () => {}, isOwn: () => false };
  const dial = dialler(target, { guard, allowPrivate: true, ca: undefined });
  const senders = { ours: new Http1Pool(dial), undici: new UndiciUpstream(target, dial) };
  for (const sender of Object.values(senders)) await measure(sender, rounds / 4);
  const figures: Record<string, number[]> = { ours: [], undici: [] };
  for (let run = 0; run < 5; run++) {
    for (const [name, sender] of Object.entries(senders)) figures[name]?.push(await measure(sender, rounds));
  }
  for (const [name, samples] of Object.entries(figures)) {
    const median = samples.sort((a, b) => a - b)[2] ?? Number.NaN;
    console.log(`${name.padEnd(8)} ${median.toFixed(1)} µs of processor time a request (median of 5 × ${rounds})`);
  }
  for (const sender of Object.values(senders)) await sender.close();
  app.kill();
}
