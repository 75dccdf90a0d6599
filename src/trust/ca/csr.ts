import type { webcrypto } from 'node:crypto';
import { CaError } from './ca-error.ts';

/** Loaded at the first certificate: most of the time the signer does without it. */
export const library = () => import('./x509.ts');

export const ecdsaP256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
export const csrLengthMax = 16_384;

/** Reads a PKCS#10 request and proves that the asker holds the key (RFC 2986). Gives the public key, P-256 only. */
export async function readCsr(csrPem: string): Promise<{ publicKey: webcrypto.CryptoKey; spki: Uint8Array }> {
  if (csrPem.length > csrLengthMax) throw new CaError('bad-request', 'the certificate request is too long');
  const x509 = await library();
  let publicKey: webcrypto.CryptoKey;
  let spki: Uint8Array;
  let isProven: boolean;
  try {
    const csr = new x509.Pkcs10CertificateRequest(csrPem);
    spki = new Uint8Array(csr.publicKey.rawData);
    publicKey = await csr.publicKey.export(ecdsaP256, ['verify']);
    isProven = await csr.verify();
  } catch {
    throw new CaError('bad-request', 'the certificate request is not PKCS#10 with an ECDSA P-256 key');
  }
  if (!isProven) throw new CaError('bad-request', 'the certificate request is not signed by its own key');
  return { publicKey, spki };
}
