import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KnownBytes, readable } from './known-bytes.ts';

const said = (text: Uint8Array) => Buffer.from(text).toString('latin1');
const text = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.constantFrom('', 'a', 'aaaa', 'aaaaa', 'aaab').map(Buffer.from),
);

test('KnownBytes says of every text what its bytes say, wherever it stands and whatever was asked before', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.nat(5)), { maxLength: 60 }), (texts) => {
      const known = new KnownBytes(said);
      for (const [each, before] of texts) {
        const from = readable(Buffer.concat([Buffer.alloc(before, 1), each, Buffer.alloc(3, 2)]));
        assert.equal(known.of(from, before, before + each.byteLength), said(each));
      }
    }),
  );
});

test('KnownBytes makes what it knows once, and stays right when there are more texts than it keeps', () => {
  let made = 0;
  const known = new KnownBytes((bytes) => {
    made += 1;
    return bytes.toString('latin1');
  });
  const ask = (each: string) => known.of(readable(Buffer.from(each)), 0, each.length);
  assert.deepEqual([ask('once'), ask('once'), made], ['once', 'once', 1]);
  for (let at = 0; at < 50_000; at += 1) assert.equal(ask(`text ${at}`), `text ${at}`);
  for (let at = 49_990; at < 50_000; at += 1) assert.equal(ask(`text ${at}`), `text ${at}`);
  const large = 'x'.repeat(5 * 1024 * 1024);
  for (const end of ['a', 'b', 'c', 'd']) assert.equal(ask(large + end), large + end);
  assert.equal(ask('once'), 'once');
});
