import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import {
  type Authority,
  CaError,
  certificateNames,
  createAuthorityCertificate,
  isAuthorityCurrent,
  issueServerCertificate,
  isUnder,
} from './index.ts';
import * as x509 from './x509.ts';

const now = Date.now();
const lifetimeMs = 24 * 3_600_000;
const refused = (error: unknown) => error instanceof CaError && error.code === 'refused';

async function authorityFor(...domains: string[]): Promise<Authority> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  return { pkcs8, domains, certificatePem: await createAuthorityCertificate(pkcs8, { domains, now }) };
}

async function request(curve: 'P-256' | 'P-384' = 'P-256') {
  const algorithm = { name: 'ECDSA', namedCurve: curve, hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=evil.test',
    keys,
    signingAlgorithm: algorithm,
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { csrPem: csr.toString('pem'), keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n` };
}

/** What a TLS client that trusts the CA says to a server with this chain under this name: undefined when content. */
async function handshake(options: { chainPem: string; keyPem: string; caPem: string; servername: string }) {
  const server = createServer({ cert: options.chainPem, key: options.keyPem });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', servername: options.servername, ca: options.caPem });
  try {
    await once(client, 'secureConnect');
    return undefined;
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}: ${(error as Error).message}`;
  } finally {
    client.destroy();
    server.close();
  }
}

test('issueServerCertificate() issues a chain that TLS clients accept for its names and for no other', async () => {
  const authority = await authorityFor('example.com');
  const { csrPem, keyPem } = await request();
  const names = ['example.com', '*.example.com'];
  const { chainPem, notAfter } = await issueServerCertificate({ csrPem, names, lifetimeMs }, { authority, now });
  assert.equal(notAfter, now + lifetimeMs);
  const caPem = authority.certificatePem;
  assert.equal(await handshake({ chainPem, keyPem, caPem, servername: 'wiki.example.com' }), undefined);
  assert.match(String(await handshake({ chainPem, keyPem, caPem, servername: 'wiki.other.com' })), /ALTNAME_INVALID/);
});

test('the CA certificate can issue for its domains only: name constraints hold against its own key', async () => {
  const honest = await authorityFor('example.com');
  // Whoever stole the CA key drops our checks, but not the constraints that clients read in the CA certificate.
  const stolen: Authority = { ...honest, domains: ['bank.test'] };
  const { csrPem, keyPem } = await request();
  const { chainPem } = await issueServerCertificate(
    { csrPem, names: ['bank.test'], lifetimeMs },
    { authority: stolen, now },
  );
  const refusal = await handshake({ chainPem, keyPem, caPem: honest.certificatePem, servername: 'bank.test' });
  assert.match(String(refusal), /permitted subtree violation/);
});

test('the CA certificate is a CA of path length 0 and says so critically', async () => {
  const certificate = new x509.X509Certificate((await authorityFor('localhost')).certificatePem);
  const basic = certificate.getExtension(x509.BasicConstraintsExtension);
  assert.deepEqual([basic?.ca, basic?.pathLength, basic?.critical], [true, 0, true]);
  assert.equal(certificate.getExtension('2.5.29.30')?.critical, true);
});

test('issueServerCertificate() takes nothing but the public key from the request', async () => {
  const authority = await authorityFor('example.com');
  const { csrPem } = await request();
  const { chainPem } = await issueServerCertificate(
    { csrPem, names: ['a.example.com'], lifetimeMs },
    { authority, now },
  );
  const leaf = new X509Certificate(chainPem);
  assert.ok(!leaf.raw.includes('evil.test'));
  assert.equal(leaf.subjectAltName, 'DNS:a.example.com');
  assert.equal(leaf.ca, false);
});

test('issueServerCertificate() refuses names outside its domains, malformed names and wildcards that clients refuse', async () => {
  const authority = await authorityFor('example.com', 'localhost');
  const { csrPem } = await request();
  const bad = [
    'evilexample.com',
    'com',
    'example.com.evil.test',
    'EXAMPLE.com',
    'a..example.com',
    '*',
    '*.com',
    '*.localhost',
  ];
  bad.push(
    'a.*.example.com',
    '127.0.0.1',
    'a.example.com\0.evil.test',
    'a.example.com.',
    '-a.example.com',
    '',
    'a.example.com, DNS:evil.test',
  );
  for (const name of bad)
    await assert.rejects(
      issueServerCertificate({ csrPem, names: [name], lifetimeMs }, { authority, now }),
      refused,
      name,
    );
  await assert.rejects(issueServerCertificate({ csrPem, names: [], lifetimeMs }, { authority, now }), refused);
});

test('issueServerCertificate() refuses lifetimes over its maximum', async () => {
  const authority = await authorityFor('example.com');
  const { csrPem } = await request();
  for (const ms of [0, -1, 366 * 86_400_000, Number.NaN])
    await assert.rejects(
      issueServerCertificate({ csrPem, names: ['example.com'], lifetimeMs: ms }, { authority, now }),
      refused,
    );
});

test('issueServerCertificate() refuses a request whose signature was changed, another curve, and rubbish', async () => {
  const authority = await authorityFor('example.com');
  const der = Buffer.from(new x509.Pkcs10CertificateRequest((await request()).csrPem).rawData);
  const last = der.length - 1;
  der[last] = (der[last] ?? 0) ^ 1;
  const tampered = new x509.Pkcs10CertificateRequest(der).toString('pem');
  for (const csrPem of [tampered, (await request('P-384')).csrPem, 'rubbish', ''])
    await assert.rejects(
      issueServerCertificate({ csrPem, names: ['example.com'], lifetimeMs }, { authority, now }),
      (error: unknown) => error instanceof CaError && error.code === 'bad-request',
    );
});

test('isAuthorityCurrent() asks for a new CA when the domains changed or its end is near', async () => {
  const { certificatePem } = await authorityFor('example.com');
  assert.ok(isAuthorityCurrent(certificatePem, { domains: ['example.com'], now }));
  assert.ok(!isAuthorityCurrent(certificatePem, { domains: ['example.com', 'apps.test'], now }));
  assert.ok(!isAuthorityCurrent(certificatePem, { domains: ['ample.com'], now }));
  assert.ok(!isAuthorityCurrent(certificatePem, { domains: ['example.com'], now: now + 5 * 365 * 86_400_000 }));
});

test('isUnder() compares whole labels', () => {
  assert.ok(isUnder('a.b.example.com', ['example.com']));
  assert.ok(isUnder('example.com', ['example.com']));
  assert.ok(!isUnder('notexample.com', ['example.com']));
  assert.ok(!isUnder('com', ['example.com']));
});

test('certificateNames() uses a wildcard for a multi-label domain and single hosts for localhost', () => {
  assert.deepEqual(certificateNames('example.com', ['wiki']), ['example.com', '*.example.com']);
  assert.deepEqual(certificateNames('localhost', ['id', 'wiki', 'id']), [
    'localhost',
    'id.localhost',
    'wiki.localhost',
  ]);
});
