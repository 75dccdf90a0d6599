// ACME against Debian's `pebble`, the test server of the protocol's authors, over loopback with its own DNS.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { Agent } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import { startPebble } from '../../../tests/pebble.ts';
import { type AcmeChallenge, type AcmeNeeds, CaError, createAcmeAccountKey, orderCertificate } from './index.ts';
import * as x509 from './x509.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function csr(names: readonly string[]) {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value })))],
  });
  const keyPem = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { csrPem: request.toString('pem'), keyPem };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Challenges shown by a real TLS server and a real HTTP server, as a gateway does. */
async function startResponder(t: TestContext) {
  const shown = new Map<string, AcmeChallenge>();
  const tls = createTlsServer({
    ALPNProtocols: ['acme-tls/1'],
    SNICallback: (name, done) => {
      const challenge = shown.get(name);
      if (challenge?.type !== 'tls-alpn-01') return done(new Error('no such host'));
      done(null, createSecureContext({ cert: challenge.certificatePem, key: challenge.keyPem }));
    },
  });
  tls.on('tlsClientError', () => undefined);
  const http = createHttpServer((request, response) => {
    const challenge = shown.get((request.headers.host ?? '').split(':')[0] ?? '');
    if (challenge?.type === 'http-01' && request.url === `/.well-known/acme-challenge/${challenge.token}`)
      response.end(challenge.keyAuthorization);
    else response.writeHead(404).end();
  });
  t.after(() => {
    tls.close();
    http.close();
  });
  const publish: AcmeNeeds['publish'] = async (challenge) => {
    shown.set(challenge.host, challenge);
    return async () => void shown.delete(challenge.host);
  };
  return { tlsPort: await listen(tls), httpPort: await listen(http), publish, shown };
}

for (const type of ['tls-alpn-01', 'http-01'] as const) {
  test(`orderCertificate() gets a certificate that verifies, by ${type}`, { timeout: 240_000 }, async (t) => {
    const { publish, shown, ...ports } = await startResponder(t);
    const { directoryUrl, httpsAgent, rootPem } = await startPebble(t, ports);
    const names = ['wiki.example.test', 'console.example.test'];
    const { csrPem } = await csr(names);
    const needs = {
      directoryUrl,
      httpsAgent,
      email: 'admin@example.test',
      challengeTypes: [type],
      publish,
      pollMs: 200,
    };
    const { chainPem, notAfter } = await orderCertificate(
      { csrPem, names },
      { ...needs, accountKeyPem: createAcmeAccountKey() },
    );
    const [leaf, intermediate] = chainPem
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .filter((part) => part.includes('BEGIN'))
      .map((pem) => new X509Certificate(pem));
    assert.ok(leaf && intermediate);
    assert.deepEqual([...(leaf.subjectAltName ?? '').split(', ')].sort(), [
      'DNS:console.example.test',
      'DNS:wiki.example.test',
    ]);
    assert.ok(leaf.verify(intermediate.publicKey) && intermediate.verify(new X509Certificate(rootPem).publicKey));
    assert.ok(notAfter > Date.now());
    assert.equal(shown.size, 0);
  });
}

test('orderCertificate() says so when the challenge cannot be met, and takes the challenge away', {
  timeout: 240_000,
}, async (t) => {
  const { shown, ...ports } = await startResponder(t);
  const { directoryUrl, httpsAgent } = await startPebble(t, ports);
  const { csrPem } = await csr(['wiki.example.test']);
  let removed = 0;
  const needs: AcmeNeeds = {
    directoryUrl,
    httpsAgent,
    accountKeyPem: createAcmeAccountKey(),
    email: 'admin@example.test',
    challengeTypes: ['tls-alpn-01'],
    publish: async () => async () => {
      removed += 1;
    },
    pollMs: 100,
  };
  await assert.rejects(
    orderCertificate({ csrPem, names: ['wiki.example.test'] }, needs),
    (error: unknown) => error instanceof CaError && error.code === 'acme' && /did not issue/.test(error.message),
  );
  assert.equal(removed, 1);
  assert.equal(shown.size, 0);
});

test('orderCertificate() refuses a directory whose TLS certificate it does not trust', {
  timeout: 240_000,
}, async (t) => {
  const { publish, shown: _shown, ...ports } = await startResponder(t);
  const { directoryUrl } = await startPebble(t, ports);
  const { csrPem } = await csr(['wiki.example.test']);
  const needs: AcmeNeeds = {
    directoryUrl,
    httpsAgent: new Agent(),
    accountKeyPem: createAcmeAccountKey(),
    email: 'admin@example.test',
    challengeTypes: ['tls-alpn-01'],
    publish,
    pollMs: 100,
  };
  await assert.rejects(orderCertificate({ csrPem, names: ['wiki.example.test'] }, needs), /did not issue/);
});
