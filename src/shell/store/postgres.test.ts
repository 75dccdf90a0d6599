import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createSecureContext, TLSSocket } from 'node:tls';
import pg from 'pg';
import { makeCertificate } from '../../../tests/test-certificate.ts';
import { openStore } from './open-store.ts';
import { connectionTo } from './postgres.ts';

/** As the driver will have it. */
const tlsTo = (url: string): unknown => (new pg.Client(connectionTo(url)) as unknown as { ssl: unknown }).ssl;

test('a database on another machine is reached over TLS that is verified, in every way its host can be written', () => {
  for (const url of [
    'postgres://n@db.example.com/n',
    'postgresql://n:secret@10.0.0.5:6432/n',
    'postgres://n@[2001:db8::5]/n',
    'postgres://n@localhost/n?host=db.example.com',
    'postgres://n@localhost.example.com/n',
    'postgres://n@db.example.com/n?application_name=x',
  ])
    assert.deepEqual(tlsTo(url), { rejectUnauthorized: true }, url);
});

test('one on this machine needs no TLS, and what the URL says of it counts', () => {
  for (const url of [
    'postgres://n@localhost/n',
    'postgres://n@127.0.0.1:5433/n',
    'postgres://n@[::1]/n',
    'postgres:///n?host=/var/run/postgresql',
    'postgres://n@db.example.com/n?sslmode=disable',
  ])
    assert.equal(tlsTo(url), false, url);
  assert.deepEqual(tlsTo('postgres://n@127.0.0.1/n?sslmode=verify-full'), {});
});

/** A database server as far as the driver's first words; gives its port. */
async function listening(t: TestContext, onFirst: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => onFirst(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

test('openStore() says what to write when the server wants a password, speaks no TLS, or shows a certificate nobody trusts', async (t) => {
  const open = (url: string) => openStore({ url, clock: () => 0 });
  // AuthenticationSASL, then AuthenticationSASLContinue: the driver looks for its password only then.
  const asksForPassword = await listening(t, (socket) => {
    socket.write(Buffer.from('52000000170000000a534352414d2d5348412d3235360000', 'hex'));
    socket.once('data', () => socket.write(Buffer.from('520000000c0000000b723d782c', 'hex')));
  });
  await assert.rejects(open(`postgres://n@127.0.0.1:${asksForPassword}/n`), {
    code: 'unavailable',
    message: /asks for a password; give it one by `store: \{ url, password/,
  });
  const plain = await listening(t, (socket) => socket.write('N'));
  await assert.rejects(open(`postgres://n@127.0.0.1:${plain}/n?sslmode=verify-full`), {
    code: 'unavailable',
    message: /speaks no TLS; turn it on there \(only over loopback or a socket: `sslmode=disable`\)/,
  });
  const context = createSecureContext(await makeCertificate(['127.0.0.1']));
  const selfSigned = await listening(t, (socket) => {
    socket.write('S');
    new TLSSocket(socket, { isServer: true, secureContext: context }).on('error', () => {});
  });
  await assert.rejects(open(`postgres://n@127.0.0.1:${selfSigned}/n?sslmode=verify-full`), {
    code: 'unavailable',
    message: /is not trusted; name its authority by `\?sslrootcert=FILE`/,
  });
});
