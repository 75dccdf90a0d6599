import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import 'reflect-metadata';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { makeKeyAndRequest } from './certificate-request.ts';

for (const names of [
  ['wiki.example.test'],
  ['*.example.test', 'console.example.test'],
  Array.from({ length: 500 }, (_, index) => `app-${index}.localhost`),
]) {
  test(`makeKeyAndRequest() names ${names.length} hosts in a request that another implementation verifies`, async () => {
    const { keyPem, csrPem } = makeKeyAndRequest(names);
    const request = new Pkcs10CertificateRequest(csrPem);
    assert.ok(await request.verify());
    assert.equal(request.subject, '');
    const [extension] = request.extensions;
    assert.ok(extension instanceof SubjectAlternativeNameExtension);
    const found = extension.names.items.map(({ type, value }) => `${type}:${value}`);
    assert.equal(found.join(), names.map((name) => `dns:${name}`).join());
    const spki = createPublicKey(createPrivateKey(keyPem)).export({ format: 'der', type: 'spki' });
    assert.ok(spki.equals(Buffer.from(request.publicKey.rawData)));
  });
}

test('makeKeyAndRequest() makes another key each time', () => {
  assert.notEqual(makeKeyAndRequest(['a.test']).keyPem, makeKeyAndRequest(['a.test']).keyPem);
});
