// The server's side of HTTP/1.1 connections over real sockets: order, bounds, patience, closing.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSide } from '../client-side.ts';
import { createFrontServers } from '../front-servers.ts';
import { type GatewayRequest, isRefusal } from '../index.ts';
import {
  clientBodyIdleMsMax,
  clientHeadersMsMax,
  clientKeepAliveMs,
  clientLingerMs,
  clientReadAheadBytesMax,
} from '../limits.ts';
import { createSweep } from '../sweep.ts';
import { fakeTime, listen, until } from '../test-gateway.ts';

/** So long that a test which waits for it fails. */
const noGraceMs = 600_000;

interface Seen {
  readonly request: GatewayRequest;
  readonly client: ClientSide;
}

/** A front server on loopback whose exchanges a test answers itself, under a clock that it moves. */
async function startFront(t: TestContext, onRequest: (seen: Seen) => void = () => {}) {
  const { clock, pass, swept } = fakeTime();
  const sweep = createSweep(clock, 5);
  const seen: Seen[] = [];
  const troubles: string[] = [];
  const accepted: Socket[] = [];
  const front = createFrontServers({
    contextFor: null,
    sweep,
    clock: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    onTrouble: (code) => troubles.push(code),
    onExchange: ({ request, client }) => {
      if (isRefusal(request)) {
        client.start(request.status, ['content-length', '0']);
        client.end();
        return;
      }
      const one = { request, client };
      seen.push(one);
      onRequest(one);
    },
  });
  front.plain.on('connection', (socket) => accepted.push(socket));
  const port = await listen(t, front.plain);
  t.after(() => sweep.stop());
  /** Waits until all that these clients have sent was read. */
  const heard = async (...clients: readonly { readonly socket: Socket }[]) => {
    const sent = clients.reduce((sum, { socket }) => sum + socket.bytesWritten, 0);
    const read = () => accepted.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
    await until(() => accepted.length === clients.length && read() === sent);
  };
  return { front, port, pass, swept, accepted, heard, seen, troubles };
}

/** A client that sends what it is told and keeps what it gets. */
function raw(t: TestContext, port: number) {
  const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const state = { text: '', ended: false, closed: false };
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    state.text += chunk;
  });
  socket.on('end', () => {
    state.ended = true;
  });
  socket.on('close', () => {
    state.closed = true;
  });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  return Object.assign(state, { socket, send: (text: string) => socket.write(text, 'latin1') });
}

const get = (path: string, ...fields: string[]) =>
  `GET ${path} HTTP/1.1\r\nHost: a.localhost\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
const ok = ({ client }: Seen, body = 'ok') => {
  client.start(200, ['content-length', `${body.length}`]);
  client.write(Buffer.from(body));
  client.end();
};
const statusesOf = (text: string) => text.match(/HTTP\/1\.1 \d{3}/g)?.map((line) => Number(line.slice(-3))) ?? [];

test('a connection that cannot be accepted is counted and does not end the process', async (t) => {
  const { front, port, troubles } = await startFront(t, ({ client }) => {
    client.start(204, []);
    client.end();
  });
  front.plain.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' }));
  assert.deepEqual(troubles, ['accept']);
  const one = raw(t, port);
  one.send(get('/'));
  await until(() => one.text.startsWith('HTTP/1.1 204 '));
});

test('an answer is one write: head, date and body', async (t) => {
  const { port } = await startFront(t, (seen) => ok(seen));
  const client = raw(t, port);
  client.send(get('/'));
  await until(() => client.text !== '');
  assert.equal(client.text, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndate: Fri, 02 Jan 2026 03:04:05 GMT\r\n\r\nok');
});

test('pipelined requests are begun one after the other, and answered in their order', async (t) => {
  const { port, seen } = await startFront(t);
  const client = raw(t, port);
  client.send(get('/1') + get('/2') + get('/3'));
  for (const [index, path] of ['/1', '/2', '/3'].entries()) {
    await until(() => seen.length > index);
    await sleep(20);
    assert.equal(seen.length, index + 1, 'the next request waits for the answer');
    assert.equal(seen[index]?.request.target, path);
    ok(seen[index] as Seen, path);
  }
  await until(() => statusesOf(client.text).length === 3);
  assert.match(client.text, /\/1HTTP\/1\.1 200[\s\S]*\/2HTTP\/1\.1 200[\s\S]*\/3$/);
});

test('what a connection has not used yet is not touched by what others read meanwhile', async (t) => {
  const { port, seen } = await startFront(t);
  const others = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      const before = seen.length;
      const other = raw(t, port);
      other.send(get('/other', `x-fill: ${'z'.repeat(8_000)}`));
      await until(() => seen.length > before);
      other.socket.destroy();
    }
  };
  const pipelining = raw(t, port);
  pipelining.send(get('/1') + get('/2', 'x-mine: 2'));
  await until(() => seen.length === 1);
  const cut = raw(t, port);
  cut.send('GET /cut HTTP/1.1\r\nHost: a.localhost\r\nx-mi');
  const posting = raw(t, port);
  posting.send('POST /body HTTP/1.1\r\nHost: a.localhost\r\ncontent-length: 10\r\n\r\n01234');
  await until(() => seen.length === 2);
  await others(2);
  const pieces: Buffer[] = [];
  seen[1]?.client.body.start({ onBodyData: (chunk) => pieces.push(chunk), onBodyEnd: () => {}, onBodyError: () => {} });
  await others(1);
  posting.send('56789');
  cut.send('ne: 3\r\n\r\n');
  ok(seen[0] as Seen);
  await until(() => pieces.length === 2 && seen.length === 7);
  await others(1);
  assert.equal(Buffer.concat(pieces).toString(), '0123456789');
  const own = seen.filter(({ request }) => request.target === '/2' || request.target === '/cut');
  assert.deepEqual(own.map(({ request }) => request.headers.slice(-2)).sort(), [
    ['x-mine', '2'],
    ['x-mine', '3'],
  ]);
});

test('a client that sends far ahead of the answers is held back', async (t) => {
  const { port, seen } = await startFront(t);
  const client = raw(t, port);
  client.send(get('/'));
  await until(() => seen.length === 1);
  const block = get('/next').repeat(1000);
  let before = -1;
  while (before !== client.socket.bytesWritten - client.socket.writableLength || before < clientReadAheadBytesMax) {
    before = client.socket.bytesWritten - client.socket.writableLength;
    while (client.socket.writableLength < 1e6) client.send(block);
    await sleep(150);
  }
  // Kernel buffers of both ends and the bound, not whatever a client likes to send.
  assert.ok(before < 20e6, `${before} bytes were taken`);
  assert.equal(seen.length, 1);
});

test('a body whose taker stops and goes on again and again comes whole and in order, and so does the next request', async (t) => {
  const sent = randomBytes(4 * 1024 * 1024);
  const { port, seen } = await startFront(t);
  const client = raw(t, port);
  client.socket.write(`POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: ${sent.length}\r\n\r\n`);
  client.socket.write(sent);
  client.send(get('/next'));
  await until(() => seen.length === 1);
  const first = seen[0] as Seen;
  const { body } = first.client;
  const chunks: Buffer[] = [];
  let isWhole = false;
  let pauses = 0;
  body.start({
    onBodyData: (chunk) => {
      chunks.push(Buffer.from(chunk));
      body.pause();
      pauses += 1;
      // At once, in a later turn, or so late that the socket itself has been stopped.
      if (pauses % 3 === 0) body.resume();
      else if (pauses % 3 === 1) setImmediate(() => body.resume());
      else setTimeout(() => body.resume(), 2);
    },
    onBodyEnd: () => {
      isWhole = true;
    },
    onBodyError: () => assert.fail('the body broke'),
  });
  await until(() => isWhole);
  assert.ok(pauses > 10, `${pauses}`);
  assert.ok(Buffer.concat(chunks).equals(sent));
  ok(first, 'taken');
  await until(() => seen.length === 2);
  assert.equal(seen[1]?.request.target, '/next');
  ok(seen[1] as Seen, 'next');
  await until(() => client.text.endsWith('next'));
});

test('HEAD, 204 and 304 have no body whatever the app wrote, and the next answer stands where it should', async (t) => {
  const { port } = await startFront(t, ({ request, client }) => {
    const status = request.method === 'HEAD' ? 200 : Number(request.target.slice(1));
    client.start(status, status === 204 ? [] : ['content-length', '4']);
    client.write(Buffer.from('body'));
    client.end();
  });
  const client = raw(t, port);
  client.send(get('/').replace('GET', 'HEAD') + get('/204') + get('/304') + get('/200'));
  await until(() => statusesOf(client.text).length === 4 && client.text.endsWith('body'));
  assert.deepEqual(statusesOf(client.text), [200, 204, 304, 200]);
  assert.equal(client.text.split('body').length, 2);
});

test('an answer without a length is chunked, to an HTTP/1.0 client ended by the connection', async (t) => {
  const { port } = await startFront(t, ({ client }) => {
    client.start(200, []);
    client.write(Buffer.from('one'));
    client.write(Buffer.alloc(20_000, 'x'));
    client.end(['x-sum', '1']);
  });
  const new11 = raw(t, port);
  new11.send(get('/'));
  await until(() => new11.text.endsWith('\r\n0\r\nx-sum: 1\r\n\r\n'));
  assert.ok(new11.text.includes('transfer-encoding: chunked\r\n'));
  assert.ok(new11.text.includes(`\r\n\r\n3\r\none\r\n4e20\r\n${'x'.repeat(20_000)}\r\n0\r\n`));
  const old10 = raw(t, port);
  old10.send('GET / HTTP/1.0\r\nHost: a.localhost\r\n\r\n');
  await until(() => old10.ended);
  assert.ok(old10.text.includes('connection: close\r\n') && !old10.text.includes('chunked'));
  assert.ok(old10.text.endsWith(`one${'x'.repeat(20_000)}`));
});

test('an answer longer or shorter than it said breaks the connection instead of becoming the next answer', async (t) => {
  for (const body of ['short', 'far too long a body']) {
    const { port } = await startFront(t, ({ client }) => {
      client.start(200, ['content-length', '10']);
      client.write(Buffer.from(body));
      client.end();
    });
    const client = raw(t, port);
    client.send(get('/') + get('/2'));
    await until(() => client.ended || client.closed);
    assert.ok(statusesOf(client.text).length <= 1);
    assert.ok(!client.text.includes('too long'));
  }
});

test('an answer cannot say its own framing, nor a field that is two lines', async (t) => {
  const { port, seen } = await startFront(t);
  const client = raw(t, port);
  client.send(get('/'));
  await until(() => seen.length === 1);
  const start = (...headers: string[]) => seen[0]?.client.start(200, headers);
  assert.throws(() => start('x', 'a\r\nset-cookie: b'), /malformed/);
  assert.throws(() => start('x\r\ny', 'a'), /malformed/);
  assert.throws(() => start('x', 'a\0'), /malformed/);
  assert.throws(() => start('x', '\u0142'), /malformed/);
  assert.throws(() => start('transfer-encoding', 'chunked'), /may not say/);
  assert.throws(() => start('connection', 'x-secret'), /may not say/);
  assert.throws(() => start('content-length', '1', 'content-length', '2'), /length/);
  assert.throws(() => start('content-length', '0x1'), /length/);
  assert.throws(() => seen[0]?.client.start(101, []), /final/);
  start('x', 'a');
  assert.throws(() => start(), /final/);
});

test('a client that is slow with its head gets 408, one that sends nothing is closed', async (t) => {
  const { port, pass, swept, accepted, heard, troubles } = await startFront(t, (seen) => ok(seen));
  const silent = raw(t, port);
  const late = raw(t, port);
  const slow = raw(t, port);
  slow.send('GET / HTTP/1.1\r\nHost: ');
  const second = raw(t, port);
  second.send(get('/'));
  await until(() => second.text.endsWith('ok'));
  second.send('G');
  await heard(silent, late, slow, second);
  pass(clientHeadersMsMax - 10);
  slow.send('a');
  late.send('GET ');
  await heard(silent, late, slow, second);
  await swept();
  assert.ok(
    accepted.every(({ writable }) => writable),
    'a byte now and then does not buy more time, but nobody is early',
  );
  pass(20);
  await until(() => silent.ended && slow.ended && late.ended && second.ended);
  assert.equal(silent.text, '');
  assert.deepEqual(statusesOf(slow.text), [408]);
  assert.deepEqual(statusesOf(late.text), [408], 'the first head has its time from the connection on');
  assert.deepEqual(statusesOf(second.text), [200, 408]);
  assert.deepEqual(troubles.sort(), ['head-timeout', 'head-timeout', 'head-timeout']);
});

test('an idle connection is kept for its time and then closed', async (t) => {
  const { port, pass, swept, accepted } = await startFront(t, (seen) => ok(seen));
  const client = raw(t, port);
  client.send(get('/'));
  await until(() => client.text.endsWith('ok'));
  pass(clientKeepAliveMs - 10);
  await swept();
  assert.equal(accepted[0]?.writable, true);
  client.send(get('/'));
  await until(() => statusesOf(client.text).length === 2);
  pass(clientKeepAliveMs - 10);
  await swept();
  assert.equal(accepted[0]?.writable, true, 'each request begins the time anew');
  pass(20);
  await until(() => client.ended);
});

test('a client that does not take the end of its answer is closed in the end', async (t) => {
  const { port, pass, swept, accepted, seen } = await startFront(t, (one) => ok(one, 'x'.repeat(30_000_000)));
  const client = raw(t, port);
  client.socket.pause();
  client.send(get('/'));
  await until(() => seen.length === 1);
  while (accepted[0]?.destroyed === false) {
    // Until the buffers on the way are full, bytes that move begin the time anew.
    pass(clientBodyIdleMsMax + 1);
    await swept();
  }
  client.socket.resume();
  await until(() => client.closed || client.ended);
  assert.ok(client.text.length < 30_000_000, 'the answer was broken off');
});

test('the rest of a body nobody wanted is read for a moment: then the connection goes on, or ends', async (t) => {
  const { port, pass, seen } = await startFront(t, (one) => ok(one));
  const head = 'POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 10\r\n\r\n';
  const quick = raw(t, port);
  quick.send(`${head}01234`);
  await until(() => quick.text.endsWith('ok'));
  quick.send(`56789${get('/next')}`);
  await until(() => statusesOf(quick.text).length === 2);
  assert.deepEqual(
    seen.map(({ request }) => request.target),
    ['/', '/next'],
  );
  const stalled = raw(t, port);
  stalled.send(`${head}01234`);
  await until(() => stalled.text.endsWith('ok'));
  pass(clientLingerMs + 1);
  await until(() => stalled.ended);
});

test('a body that is paused is not read, and goes on where it stopped', async (t) => {
  const chunks: Buffer[] = [];
  const { port, seen } = await startFront(t);
  const client = raw(t, port);
  const size = 4_000_000;
  client.send(
    `POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}${get('/next')}`,
  );
  await until(() => seen.length === 1);
  const { client: side } = seen[0] as Seen;
  await sleep(50);
  assert.equal(chunks.length, 0);
  let ended = false;
  let total = 0;
  side.body.start({
    onBodyData: (chunk) => {
      chunks.push(chunk);
      total += chunk.length;
      side.body.pause();
      setImmediate(() => side.body.resume());
    },
    onBodyEnd: () => {
      ended = true;
      ok(seen[0] as Seen);
    },
    onBodyError: () => assert.fail(),
  });
  await until(() => ended);
  assert.equal(total, size);
  await until(() => seen.length === 2);
});

test('a client that waits for 100 and gets a final answer loses its connection: its body may follow or not', async (t) => {
  const { port, seen } = await startFront(t, (one) => ok(one));
  const client = raw(t, port);
  client.send(
    `POST / HTTP/1.1\r\nHost: a.localhost\r\nExpect: 100-continue\r\nContent-Length: ${get('/smuggled').length}\r\n\r\n`,
  );
  await until(() => client.ended);
  client.send(get('/smuggled'));
  await sleep(30);
  assert.ok(client.text.includes('connection: close'));
  assert.deepEqual(statusesOf(client.text), [200]);
  assert.equal(seen.length, 1);
});

test('nothing behind a request that closes, is refused or is malformed is read', async (t) => {
  const { port, seen } = await startFront(t, (one) => ok(one));
  for (const [bytes, status] of [
    [get('/', 'Connection: x, close'), 200],
    [get('/%00'), 400],
    [get('/').replace('GET', 'BREW'), 501],
    ['GET / HTTP/1.1\nHost: a\n\n', 400],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
  ] as const) {
    const before = seen.length;
    const client = raw(t, port);
    client.send(bytes + get('/smuggled'));
    await until(() => client.ended);
    assert.deepEqual(statusesOf(client.text), [status], bytes.slice(0, 40));
    assert.equal(seen.length - before, status === 200 ? 1 : 0);
  }
});

test('an answer is taken whole by a client that has sent more than anybody read', async (t) => {
  const { port } = await startFront(t, (one) => ok(one, 'x'.repeat(100_000)));
  const client = raw(t, port);
  client.send(
    `POST / HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\nContent-Length: 500000\r\n\r\n${'y'.repeat(400_000)}`,
  );
  await until(() => client.ended);
  assert.ok(client.text.endsWith('x'.repeat(100_000)));
});

test('what an answer has begun goes out at once, though the rest lets itself be waited for', async (t) => {
  const { port, seen } = await startFront(t);
  const client = raw(t, port);
  client.send(get('/'));
  await until(() => seen.length === 1);
  const side = seen[0]?.client as ClientSide;
  side.start(200, ['content-type', 'text/event-stream']);
  await until(() => client.text.endsWith('\r\n\r\n'));
  side.write(Buffer.from('data: 1\n\n'));
  await until(() => client.text.endsWith('data: 1\n\n\r\n'));
});

test('a client that goes away ends its exchange and its body, once each', async (t) => {
  const { port, seen } = await startFront(t);
  const client = raw(t, port);
  client.send('POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 10\r\n\r\n12345');
  await until(() => seen.length === 1);
  const told: string[] = [];
  const side = seen[0]?.client as ClientSide;
  side.onClose(() => told.push('close'));
  side.body.start({
    onBodyData: () => {},
    onBodyEnd: () => told.push('end'),
    onBodyError: () => told.push('error'),
  });
  client.socket.end();
  await until(() => told.length > 0);
  await sleep(30);
  assert.deepEqual(told, ['close', 'error']);
  assert.equal(side.closed, true);
  side.start(200, []);
  side.write(Buffer.from('x'));
  side.end();
});

test('close() lets an answer in progress end, and closes idle connections at once', async (t) => {
  const { front, port, seen } = await startFront(t, (one) => {
    if (one.request.target === '/quick') ok(one);
  });
  const [idle, busy] = [raw(t, port), raw(t, port)];
  idle.send(get('/quick'));
  await until(() => idle.text.endsWith('ok'));
  busy.send(get('/busy'));
  await until(() => seen.length === 2);
  const closed = front.close(noGraceMs);
  await until(() => idle.ended);
  ok(seen[1] as Seen);
  await until(() => busy.ended);
  assert.match(busy.text, /connection: close[\s\S]*ok$/);
  for (const { socket } of [idle, busy]) socket.end();
  await closed;
});

test('close() ends what still runs when its grace is over', async (t) => {
  const { front, port, seen } = await startFront(t);
  const stuck = raw(t, port);
  stuck.send(get('/stuck'));
  await until(() => seen.length === 1);
  await front.close(20);
  await until(() => stuck.closed || stuck.ended);
});
