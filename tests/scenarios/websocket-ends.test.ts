// What an open WebSocket hears in the end, through the program as started by a user: a no, and a stop.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { installationFor } from '../installation.ts';

test('a WebSocket hears 1008 when its session is revoked, and 1001 when the program is stopped', async (t) => {
  const app = createServer((_request, response) => response.end('a page'));
  const server = new WebSocketServer({ server: app });
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    app.close();
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  const installation = await installationFor(t);
  const ada = installation.person();
  await ada.enrol(installation.firstAdministrator, { name: 'ada' });
  const upstream = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  assert.equal((await installation.cli('protect', upstream, '--as', 'wiki')).code, 0);
  const origin = installation.appOrigin('wiki');
  const { host } = new URL(origin);
  const open = async () => {
    assert.equal((await ada.open(origin)).status, 200);
    const cookie = [...ada.cookies(host)].map(([name, value]) => `${name}=${value}`).join('; ');
    const socket = new WebSocket(`ws://127.0.0.1:${installation.port}/live`, { headers: { host, origin, cookie } });
    await once(socket, 'open');
    return socket;
  };

  const revoked = once(await open(), 'close');
  assert.equal((await installation.cli('session', 'revoke', '--user', 'ada')).code, 0);
  const [no, words] = await revoked;
  assert.equal(no, 1008);
  assert.match(String(words), /session/);

  const stopped = once(await open(), 'close');
  assert.equal(await installation.stop(), 0);
  const [gone, farewell] = await stopped;
  assert.deepEqual([gone, String(farewell)], [1001, 'the gateway is closing']);
});
