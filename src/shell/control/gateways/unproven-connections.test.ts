import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { UnprovenConnections } from './unproven-connections.ts';

class FakeConnection extends EventEmitter {
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort: number;
  isDestroyed = false;

  constructor(port: number) {
    super();
    this.remotePort = port;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

test('of too many connections that prove nothing the oldest make room, and none that a gateway proved', () => {
  const unproven = new UnprovenConnections();
  const all = Array.from({ length: 300 }, (_, at) => new FakeConnection(at + 1));
  const [gateway = new FakeConnection(0)] = all;
  for (const each of all) {
    unproven.add(each);
    if (each === gateway) unproven.prove(new FakeConnection(1));
  }
  const gone = all.flatMap(({ isDestroyed }, at) => (isDestroyed ? [at] : []));
  assert.deepEqual([gone[0], gone.at(-1), gone.length], [1, 43, 43]);
});

test('a connection that closed by itself frees its place, also when another has come from the same end', () => {
  const unproven = new UnprovenConnections();
  const first = new FakeConnection(1);
  unproven.add(first);
  const again = new FakeConnection(1);
  unproven.add(again);
  first.emit('close');
  const others = Array.from({ length: 256 }, (_, at) => new FakeConnection(at + 2));
  for (const each of others) unproven.add(each);
  assert.deepEqual([again.isDestroyed, others.some(({ isDestroyed }) => isDestroyed)], [true, false]);
});
