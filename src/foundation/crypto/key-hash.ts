import { createHash, type X509Certificate } from 'node:crypto';

/**
 * SHA-256 (base64url) over the certificate's SubjectPublicKeyInfo: names the key, whoever certifies it and however often. Throws for a key
 * that OpenSSL cannot read.
 */
export function keyHashOf(certificate: X509Certificate): string {
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}
