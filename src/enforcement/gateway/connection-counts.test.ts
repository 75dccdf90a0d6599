import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { makeCertificate } from '../../../tests/test-certificate.ts';
import { addressBlocksOf } from './address-words.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { createFrontServers, createSweep } from './index.ts';
import { listen, until } from './test-gateway.ts';

const host = 'app.test';

test('addressBlocksOf() takes an IPv6 client by its /64 and an IPv4 client as one, however it is written', () => {
  const clientOf = (address: string) => addressBlocksOf(address).client;
  assert.equal(clientOf('2001:db8:1:2:3:4:5:6'), clientOf('2001:db8:1:2:ffff::1'));
  assert.equal(clientOf('2001:db8:1:2::'), clientOf('2001:0db8:0001:0002::9'));
  assert.notEqual(clientOf('2001:db8:1:2::1'), clientOf('2001:db8:1:3::1'));
  assert.equal(clientOf('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(clientOf('::ffff:c000:207'), '192.0.2.7');
  assert.notEqual(clientOf('192.0.2.7'), clientOf('192.0.2.8'));
  assert.equal(clientOf('fe80::1%eth0'), clientOf('fe80::2%eth1'));
});

test('addressBlocksOf() takes a site by its IPv6 /48 or IPv4 /24, and writes no network as a client', () => {
  const networkOf = (address: string) => addressBlocksOf(address).network;
  assert.equal(networkOf('2001:db8:1:2::1'), networkOf('2001:0db8:0001:ffff:1::'));
  assert.notEqual(networkOf('2001:db8:1::1'), networkOf('2001:db8:2::1'));
  assert.equal(networkOf('::ffff:192.0.2.7'), networkOf('192.0.2.200'));
  assert.notEqual(networkOf('192.0.2.7'), networkOf('192.0.3.7'));
  for (const address of ['192.0.2.0', '2001:db8:1::', '::', '', 'unix']) {
    const { client, network } = addressBlocksOf(address);
    assert.notEqual(client, network);
  }
});

test('ConnectionCounts holds a site with a /48 or a /24 to four times what one client may have, whichever addresses it takes', () => {
  for (const [own, addressOf] of [
    ['2001:db8:7:ffff::1', (at: number) => `2001:db8:7:${at.toString(16)}::${at}`],
    ['192.0.2.255', (at: number) => `192.0.2.${at}`],
  ] as const) {
    const counts = new ConnectionCounts(3);
    const leaves = Array.from({ length: 200 }, (_, at) => counts.enter(addressOf(at)));
    const taken = leaves.filter((leave) => leave !== null);
    assert.equal(taken.length, 12);
    // What was refused leaves nothing behind, and neighbours are served.
    assert.equal(counts.size, 13);
    for (const neighbour of ['2001:db8:8::1', '192.0.3.1']) assert.notEqual(counts.enter(neighbour), null);
    taken[0]?.();
    assert.notEqual(counts.enter(own), null);
    assert.equal(counts.enter(own), null);
  }
});

test('ConnectionCounts holds one client to the maximum, forgets who is gone, and does not count this machine', () => {
  const counts = new ConnectionCounts(2);
  const first = counts.enter('2001:db8::1');
  assert.notEqual(first, null);
  assert.notEqual(counts.enter('2001:db8::2'), null);
  assert.equal(counts.enter('2001:db8::3'), null);
  assert.notEqual(counts.enter('2001:db8:0:1::3'), null);
  first?.();
  assert.notEqual(counts.enter('2001:db8::3'), null);
  for (const own of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])
    for (let times = 0; times < 3; times++) assert.notEqual(counts.enter(own), null, own);
  // Addresses that only carry one of ours, as anybody on the internet may have: 6to4 and NAT64.
  for (const foreign of ['2002:7f00:1::1', '64:ff9b::7f00:1']) {
    for (let times = 0; times < 2; times++) assert.notEqual(counts.enter(foreign), null, foreign);
    assert.equal(counts.enter(foreign), null, foreign);
  }
  const leave = counts.enter('198.51.100.1');
  const before = counts.size;
  leave?.();
  assert.equal(counts.size, before - 2);
});

/** Servers whose clients seem to come from where the test says: connections are taken in by a relay and handed on. */
async function serve(t: TestContext, connectionsPerAddressMax: number) {
  const certificate = await makeCertificate([host]);
  const context = createSecureContext(certificate);
  const sweep = createSweep(() => performance.now());
  const troubles: string[] = [];
  const servers = createFrontServers({
    contextFor: () => context,
    connectionsPerAddressMax,
    sweep,
    clock: Date.now,
    onTrouble: (code) => troubles.push(code),
    onExchange: ({ client }) => {
      client.start(200, []);
      client.write(Buffer.from('served'));
      client.end();
    },
  });
  t.after(async () => {
    sweep.stop();
    await servers.close(0);
  });
  const from = { address: '' };
  const relayTo = async (server: typeof servers.plain | null) => {
    const relay = createServer((socket) => {
      Object.defineProperty(socket, 'remoteAddress', { value: from.address });
      server?.emit('connection', socket);
    });
    return await listen(t, relay);
  };
  return { plain: await relayTo(servers.plain), tls: await relayTo(servers.tls), from, troubles, ca: certificate.cert };
}

/** A connection that stands, or that was reset before it was known to. */
function open(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(socket));
    socket.on('error', () => resolve(socket));
  });
}

/** Asks over HTTP/1.1; gives what comes first, empty when the connection goes instead. */
function ask(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (chunk) => resolve(String(chunk)));
    socket.once('close', () => resolve(''));
    if (socket.destroyed) resolve('');
    else socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  });
}

test('a client that opens connection after connection is reset beyond the maximum, while others are served, over HTTP/1.1 and HTTP/2', async (t) => {
  const gateway = await serve(t, 3);
  gateway.from.address = '203.0.113.9';
  const first = await open(t, gateway.plain);
  const second = await open(t, gateway.tls);
  const third = await open(t, gateway.plain);
  // An answer shows that each was taken in.
  for (const socket of [first, third]) assert.match(await ask(socket), /^HTTP\/1\.1 200 /);
  const flood = await Promise.all(Array.from({ length: 50 }, (_, at) => open(t, at % 2 ? gateway.tls : gateway.plain)));
  await until(() => flood.every((socket) => socket.destroyed));
  assert.equal(gateway.troubles.filter((code) => code === 'address-connections').length, 50);

  // TLS clients of it get no handshake either.
  const { tls: port, ca } = gateway;
  const refused = connectTls({ host: '127.0.0.1', port, ca, servername: host, ALPNProtocols: ['h2'] });
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');

  gateway.from.address = '203.0.113.10';
  const session = connectHttp2(`https://${host}`, {
    createConnection: () => connectTls({ host: '127.0.0.1', port, ca, servername: host, ALPNProtocols: ['h2'] }),
  });
  t.after(() => session.destroy());
  const stream = session.request({ ':path': '/', ':authority': host }).setEncoding('utf8');
  assert.equal((await once(stream, 'data'))[0], 'served');

  // Whoever closes a connection may open another.
  gateway.from.address = '203.0.113.9';
  assert.equal(
    [first, second, third].some((socket) => socket.destroyed),
    false,
  );
  first.destroy();
  let answer = '';
  while (answer === '') answer = await ask(await open(t, gateway.plain));
  assert.match(answer, /^HTTP\/1\.1 200 /);
});
