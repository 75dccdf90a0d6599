// Apps that are dead, slow or lie, behind the running product: a clear answer with a correlation id that finds its event, no
// hang, and others do not notice.
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { freePort } from '../free-port.ts';
import { type Installation, installationFor, startApp } from '../installation.ts';
import type { PasskeyClient } from '../passkey-client.ts';
import { ask, eventually } from './product.ts';

const answer = (head: string, body = '') => `HTTP/1.1 ${head}\r\n\r\n${body}`;

/** What one broken app does once a request's head has arrived. */
const broken: Record<string, (socket: Socket) => void> = {
  'closes-without-a-word': (socket) => socket.end(),
  resets: (socket) => socket.resetAndDestroy(),
  'sends-garbage': (socket) => socket.end('\u0000\u0001garbage\r\n\r\n'),
  'says-two-lengths': (socket) => socket.end(answer('200 OK\r\nContent-Length: 2\r\nContent-Length: 3', 'abc')),
  'says-length-and-chunked': (socket) =>
    socket.end(answer('200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked', '0\r\n\r\n')),
  'never-ends-its-head': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write(`X-Fill: ${'x'.repeat(8_000)}\r\n`), 1);
    socket.on('close', () => clearInterval(timer));
  },
  'speaks-http-2': (socket) => socket.end(Buffer.from('000000040000000000', 'hex')),
};
/** These begin an answer and break it: the client must notice, not take a part for the whole. */
const cutShort: Record<string, (socket: Socket) => void> = {
  'sends-less-than-it-said': (socket) => socket.end(answer('200 OK\r\nContent-Length: 100', 'only this')),
  'resets-within-its-body': (socket) => {
    socket.write(answer('200 OK\r\nContent-Length: 100', 'only this'));
    setTimeout(() => socket.resetAndDestroy(), 50);
  },
  'ends-within-a-chunk': (socket) => socket.end(answer('200 OK\r\nTransfer-Encoding: chunked', '64\r\nonly this')),
  'sends-a-bad-chunk': (socket) => socket.end(answer('200 OK\r\nTransfer-Encoding: chunked', 'zz\r\nnothing\r\n')),
};

async function rawApp(t: TestContext, onHead: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    let head = '';
    socket.on('data', function onData(chunk) {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      socket.resume();
      onHead(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

async function refusalOf(installation: Installation, options: { person: PasskeyClient; app: string; status: number }) {
  const { person, app, status } = options;
  const origin = installation.appOrigin(app);
  const problem = await ask(person, `${origin}/x`);
  assert.equal(problem.status, status, `${app}: ${problem.body}`);
  assert.match(problem.headers['content-type'] ?? '', /application\/problem\+json/);
  const page = await person.send(`${origin}/x`);
  assert.equal(page.status, status);
  assert.match(page.headers['content-type'] ?? '', /text\/html/);
  const { correlationId } = JSON.parse(problem.body) as { correlationId: string };
  const event = await installation.cli('log', 'query', correlationId, '--json');
  assert.equal(event.code, 0, `${app}: ${event.stderr}`);
}

test('broken apps get clear answers and hurt nobody else', async (t) => {
  const good = await startApp(t);
  const all = { ...broken, ...cutShort };
  const origins = new Map<string, string>();
  for (const [name, onHead] of Object.entries(all)) origins.set(name, await rawApp(t, onHead));
  origins.set('dead', `http://127.0.0.1:${await freePort()}`);
  let heldSockets = 0;
  origins.set(
    'silent',
    await rawApp(t, () => {
      heldSockets += 1;
    }),
  );
  const resources = [...origins, ['good', good.origin]].map(
    ([name, origin]) => `  - { name: ${name}, upstream: "${origin}", allowPrivate: true }`,
  );
  const installation = await installationFor(t, { config: `resources:\n${resources.join('\n')}\n` });
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  const goodPage = () => ask(admin, `${installation.appOrigin('good')}/page`);
  assert.equal((await admin.open(installation.appOrigin('good'))).status, 200);
  // Every app has its own host and so its own cookie; the sign-in ends at the broken app itself.
  for (const name of origins.keys()) {
    if (name !== 'silent') await admin.open(installation.appOrigin(name)).catch(() => undefined);
  }

  await t.test('an app that is dead, or breaks before it answers: 502 with words, id and event', async () => {
    for (const app of ['dead', ...Object.keys(broken)]) {
      await refusalOf(installation, { person: admin, app, status: 502 });
      assert.equal((await goodPage()).status, 200);
    }
  });

  await t.test('an answer that is cut short is broken off, never passed on as whole', async () => {
    for (const app of Object.keys(cutShort)) {
      const { status } = await ask(admin, `${installation.appOrigin(app)}/x`);
      assert.ok(status === 0 || status === 502, `${app}: ${status}`);
      assert.equal((await goodPage()).status, 200);
    }
  });

  await t.test('many requests that wait for a silent app keep nobody else waiting', async () => {
    // The callback's redirect leads to the app, which never answers.
    void admin.open(installation.appOrigin('silent')).catch(() => undefined);
    const url = `${installation.appOrigin('silent')}/x`;
    await eventually(() => heldSockets > 0, 'the sign-in reached the silent app');
    const waiting = Array.from({ length: 300 }, () => ask(admin, url));
    await eventually(() => heldSockets > 300, 'all wait');
    assert.equal((await goodPage()).status, 200);
    assert.equal((await admin.open(installation.appOrigin('good'))).status, 200);
    const revoked = await installation.cli('session', 'revoke', '--user', 'ada');
    assert.equal(revoked.code, 0, revoked.stderr);
    // They wait in the name of a session that is over: cut.
    for (const { status } of await Promise.all(waiting)) assert.notEqual(status, 200);
  });
});
