import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readUpstream, suggestName } from './read-upstream.ts';

const placeOf = (text: string) => {
  const reading = readUpstream(text);
  return reading.state === 'good' ? reading.place : reading.state;
};

test('readUpstream() tells where an address lies, in every spelling of it', () => {
  for (const text of [
    'http://localhost:3000',
    '127.0.0.1:3000',
    'http://127.1',
    'http://0x7f000001',
    'h2c://127.1:50051',
    'http://[::1]:80',
    'http://[::ffff:127.0.0.1]',
    'http://LOCALHOST.',
  ]) {
    assert.equal(placeOf(text), 'this-machine', text);
  }
  for (const text of [
    'http://10.0.0.5',
    'https://192.168.1.1',
    '172.16.0.1:80',
    'http://100.64.0.1',
    'http://[fd00::1]',
  ]) {
    assert.equal(placeOf(text), 'private', text);
  }
  for (const text of [
    'http://169.254.169.254',
    'http://[fe80::1]',
    'http://[::ffff:169.254.169.254]',
    'http://2852039166',
  ]) {
    assert.equal(placeOf(text), 'never', text);
  }
  for (const text of ['https://93.184.216.34', 'http://172.32.0.1', 'http://[2606:2800::1]']) {
    assert.equal(placeOf(text), 'public', text);
  }
  assert.equal(placeOf('https://wiki.example.com'), 'name');
});

test('readUpstream() refuses what an upstream is not', () => {
  for (const text of [
    'ftp://x',
    'javascript://x',
    'http://a b',
    'http://user:secret@host',
    'http://host/path',
    'http://host?x',
    'http://',
  ]) {
    assert.equal(placeOf(text), 'bad', text);
  }
  assert.equal(placeOf('  '), 'empty');
});

test('readUpstream() gives back an origin that reads the same', () => {
  const reading = readUpstream('HTTP://Wiki.Internal:3000/');
  assert.equal(reading.state === 'good' && reading.upstream, 'http://wiki.internal:3000');
});

test('suggestName() is a host label or empty for any text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.match(suggestName(text), /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?$/);
    }),
  );
  assert.equal(suggestName('  The Wiki! '), 'the-wiki');
});
