// A throw-away self-signed certificate for tests.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export const makeKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

/** PEM certificate and key that name these hosts. */
export async function makeCertificate(
  names: readonly string[],
  {
    keys,
    notBefore = new Date('2020-01-01'),
    notAfter = new Date('2120-01-01'),
  }: { keys?: webcrypto.CryptoKeyPair; notBefore?: Date; notAfter?: Date } = {},
): Promise<{ cert: string; key: string }> {
  const pair = keys ?? (await makeKeys());
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=test',
    notBefore,
    notAfter,
    signingAlgorithm: { ...pair.privateKey.algorithm, hash: 'SHA-256' },
    keys: pair,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' : 'dns', value })),
      ),
    ],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey)).toString('base64');
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${der.replaceAll(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`,
  };
}
