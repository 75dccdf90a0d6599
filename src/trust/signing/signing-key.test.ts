import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { generateSigningKey } from './index.ts';
import { derSignature, rawSignature } from './raw-signature.ts';

const es256 = generateSigningKey('ES256');
const publicKey = createPublicKey({ key: { ...es256.publicJwk }, format: 'jwk' });
const isGoodToOpenSsl = (data: Uint8Array, signature: Uint8Array) =>
  verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);

test('sign() of ES256 gives r || s as OpenSSL itself reads it, and verify() says what OpenSSL says of whatever is shown', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(63),
      fc.nat(255),
      fc.constantFrom(-64, -1, 0, 1),
      (data, at, byte, longer) => {
        const signature = es256.sign(data);
        assert.equal(signature.length, 64);
        assert.ok(isGoodToOpenSsl(data, signature));
        const bent = new Uint8Array(64 + longer);
        bent.set(signature.subarray(0, bent.length));
        if (at < bent.length) bent[at] = byte;
        assert.equal(es256.verify(data, bent), bent.length === 64 && isGoodToOpenSsl(data, bent));
      },
    ),
    { numRuns: 50 },
  );
});

test('rawSignature() gives back every r || s of derSignature(), also one of small or large numbers', () => {
  const number = fc
    .tuple(fc.nat(32), fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff), fc.uint8Array({ minLength: 32, maxLength: 32 }))
    .map(([zeros, lead, digits]) => digits.map((byte, index) => (index < zeros ? 0 : index === zeros ? lead : byte)));
  fc.assert(
    fc.property(number, number, (r, s) => {
      const raw = Uint8Array.from([...r, ...s]);
      assert.deepEqual(rawSignature(derSignature(raw) ?? raw), raw);
    }),
  );
});

test('rawSignature() takes nothing that is no signature of two numbers', () => {
  const der = derSignature(es256.sign(new Uint8Array(3))) ?? new Uint8Array(0);
  const bad = [
    new Uint8Array(0),
    der.subarray(0, -1),
    Uint8Array.from([...der, 0]),
    Uint8Array.from([0x31, ...der.subarray(1)]),
    Uint8Array.from([0x30, 0x06, 0x02, 0x01, 0x01, 0x03, 0x01, 0x01]),
    Uint8Array.from([0x30, 0x04, 0x02, 0x00, 0x02, 0x00]),
    Uint8Array.from([0x30, 0x26, 0x02, 0x21, 0x01, ...new Uint8Array(32), 0x02, 0x01, 0x01]),
  ];
  for (const each of bad) assert.throws(() => rawSignature(each), TypeError);
});

test('sign() of Ed25519 verifies, and not for other data', () => {
  const key = generateSigningKey('Ed25519');
  const signature = key.sign(new Uint8Array([1]));
  assert.ok(key.verify(new Uint8Array([1]), signature));
  assert.ok(!key.verify(new Uint8Array([2]), signature));
});
