import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ControlError, connectControl } from './control-client.ts';

async function start(t: TestContext, onRequest: RequestListener) {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-control-client-'));
  const socketPath = join(folder, 'c.sock');
  const server = createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const control = connectControl({ socketPath, token: 'secret' });
  t.after(() => {
    control.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { control, server };
}

const ask = (control: ReturnType<typeof connectControl>, timeoutMs = 10_000) =>
  control.call('cookie/rotate', { cookieHash: 'h' }, { timeoutMs });

test('connectControl() asks with its token over one connection and gives the answer', async (t) => {
  const seen: string[] = [];
  let connections = 0;
  const { control, server } = await start(t, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
      response.end('{"cookie":"n\u00e9w"}');
    });
  });
  server.on('connection', () => connections++);
  assert.deepEqual(await ask(control), { cookie: 'n\u00e9w' });
  assert.deepEqual(await ask(control), { cookie: 'n\u00e9w' });
  assert.deepEqual(new Set(seen), new Set(['POST /call/cookie/rotate Bearer secret {"cookieHash":"h"}']));
  assert.equal(connections, 1);
});

test('connectControl() throws what control said when it refuses', async (t) => {
  const { control } = await start(t, (_request, response) => response.writeHead(403).end('{"detail":"Not yours."}'));
  await assert.rejects(
    ask(control),
    (error) => error instanceof ControlError && error.message === 'Not yours.' && error.status === 403,
  );
});

test('connectControl() throws `unreachable` when no answer comes in time, or none that is whole, small and JSON', async (t) => {
  const answers: RequestListener[] = [
    () => {},
    (_request, response) => void response.writeHead(200).write('{'),
    (request) => request.socket.destroy(),
    (_request, response) => response.end('{"cookie"'),
    (_request, response) => response.end(JSON.stringify({ cookie: 'x'.repeat(2_000_000) })),
  ];
  for (const answer of answers) {
    const { control } = await start(t, answer);
    await assert.rejects(ask(control, 200), (error) => error instanceof ControlError && error.code === 'unreachable');
  }
});
