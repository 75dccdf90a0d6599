import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateIn } from './certificate-in.ts';

const pem = (label: string, body: string) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

test('certificateIn() takes the first certificate and nothing beside it', () => {
  const certificate = pem('CERTIFICATE', 'AAAA');
  const others = pem('PRIVATE KEY', 'secret') + certificate + pem('CERTIFICATE', 'BBBB');
  assert.equal(certificateIn(certificate), certificate);
  assert.equal(certificateIn(others), certificate);
  assert.equal(certificateIn(`-----BEGIN CERTIFICATE-----\nAA\n${others}`), certificate);
  assert.equal(certificateIn(`notes\n${certificate}`), certificate);
});

test('certificateIn() finds none in a key, in half a certificate, and in nothing', () => {
  assert.equal(certificateIn(pem('PRIVATE KEY', 'secret')), undefined);
  assert.equal(certificateIn('-----BEGIN CERTIFICATE-----\nAAAA'), undefined);
  assert.equal(certificateIn(`${pem('PRIVATE KEY', 'x')}-----END CERTIFICATE-----`), undefined);
  assert.equal(certificateIn(''), undefined);
  assert.equal(
    certificateIn(`-----BEGIN CERTIFICATE-----\nAAAA\n${pem('PRIVATE KEY', 'x')}-----END CERTIFICATE-----`),
    undefined,
  );
});
