import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CryptoError,
  deriveKey,
  equalSecrets,
  open,
  seal,
  sealOverheadBytes,
  sha256,
  sha256Base64url,
} from './index.ts';

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = fc.uint8Array({ maxLength: 300 });
const words = fc.string({ minLength: 1 });
const codeIs = (code: string) => (error: unknown) => error instanceof CryptoError && error.code === code;

test('open() gives back what seal() took', () => {
  fc.assert(
    fc.property(keys, bytes, words, (key, plaintext, associatedData) => {
      const sealed = seal(key, plaintext, { associatedData });
      assert.equal(sealed.length, plaintext.length + sealOverheadBytes);
      assert.deepEqual(new Uint8Array(open(key, sealed, { associatedData })), plaintext);
    }),
  );
});

test('open() refuses when any single byte was changed', () => {
  fc.assert(
    fc.property(keys, bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (key, plaintext, at, flip) => {
      const sealed = Uint8Array.from(seal(key, plaintext, { associatedData: 'x' }));
      const index = at % sealed.length;
      sealed[index] = (sealed[index] ?? 0) ^ flip;
      assert.throws(
        () => open(key, sealed, { associatedData: 'x' }),
        codeIs(index === 0 ? 'unsupported-version' : 'not-authentic'),
      );
    }),
  );
});

test('open() refuses what is cut short', () => {
  fc.assert(
    fc.property(keys, bytes, fc.nat(), (key, plaintext, at) => {
      const sealed = seal(key, plaintext, { associatedData: 'x' });
      assert.throws(() => open(key, sealed.subarray(0, at % sealed.length), { associatedData: 'x' }), CryptoError);
    }),
  );
});

test('open() refuses another key or other associated data', () => {
  fc.assert(
    fc.property(keys, keys, words, words, (key, otherKey, purpose, otherPurpose) => {
      const sealed = seal(key, Buffer.from('secret'), { associatedData: purpose });
      if (Buffer.compare(key, otherKey) !== 0)
        assert.throws(() => open(otherKey, sealed, { associatedData: purpose }), codeIs('not-authentic'));
      if (purpose !== otherPurpose)
        assert.throws(() => open(key, sealed, { associatedData: otherPurpose }), codeIs('not-authentic'));
    }),
  );
});

test('seal() never repeats a nonce for the same text', () => {
  const key = new Uint8Array(32);
  const seen = new Set(
    Array.from({ length: 500 }, () => Buffer.from(seal(key, key, { associatedData: 'x' })).toString('hex')),
  );
  assert.equal(seen.size, 500);
});

test('seal() refuses keys of a wrong size and empty associated data', () => {
  assert.throws(() => seal(new Uint8Array(16), new Uint8Array(), { associatedData: 'x' }), codeIs('bad-key'));
  assert.throws(() => seal(new Uint8Array(32), new Uint8Array(), { associatedData: '' }), TypeError);
});

test('sha256() gives the FIPS 180-4 example digest', () => {
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(Buffer.from(sha256('abc')).toString('hex'), digest);
  assert.equal(sha256Base64url(Buffer.from('abc')), Buffer.from(digest, 'hex').toString('base64url'));
});

test('equalSecrets() is equality of bytes, whatever the lengths', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => equalSecrets(a, b) === Buffer.from(a).equals(Buffer.from(b))),
  );
  assert.ok(equalSecrets('token', Buffer.from('token')));
  assert.ok(!equalSecrets('token', 'token '));
});

test('deriveKey() gives the key of RFC 5869 test case 3, and others for other words', () => {
  const key = Buffer.alloc(22, 0x0b);
  const salt = Buffer.from('000102030405060708090a0b0c', 'hex');
  const info = Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex').toString('latin1');
  // The RFC's info is not text; deriveKey takes words only, so the case with an empty info (test case 3) is compared.
  const empty = deriveKey(key, { info: '', byteCount: 42 });
  assert.equal(
    Buffer.from(empty).toString('hex'),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  );
  assert.notDeepEqual(deriveKey(key, { info, salt }), deriveKey(key, { info }));
});
