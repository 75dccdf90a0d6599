import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { readInto } from './read-into.ts';

test('readInto() has what comes on an accepted connection read into the buffer it was given, and nowhere else', async (t) => {
  const buffer = Buffer.alloc(1024);
  const read: string[] = [];
  const pushed: unknown[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('data', (chunk) => pushed.push(chunk));
    const isTaken = readInto(socket, buffer, (byteCount) => {
      read.push(buffer.toString('latin1', 0, byteCount));
      return true;
    });
    // False: this Node keeps `onread` elsewhere than `read-into.ts` looks, and every read costs 64 KiB of memory again.
    assert.ok(isTaken);
    socket.on('end', () => socket.end('end'));
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.end('x'.repeat(3000));
  const answer = await client.toArray();
  assert.equal(Buffer.concat(answer).toString(), 'end');
  assert.equal(read.join(''), 'x'.repeat(3000));
  assert.ok(read.every(({ length }) => length <= 1024));
  assert.deepEqual(pushed, []);
});
