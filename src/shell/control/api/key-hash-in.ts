import { X509Certificate } from 'node:crypto';
import { keyHashOf } from '#foundation/crypto';
import { parsePdpScope } from '#foundation/model';
import { problem } from './problem.ts';

export const certificateLengthMax = 16_384;
const rsaBitsMin = 2_048;

/**
 * Names the key of a caller's certificate (SHA-256 of its SubjectPublicKeyInfo, base64url), whoever issued it. `scopes`: what the caller
 * shall do. Throws ApiProblem for scopes that are not for the PDP, what is no certificate, has run out, or has a key too weak.
 */
export function keyHashIn(pem: string, { scopes, now }: { scopes: readonly string[]; now: number }): string {
  const stray = scopes.find((scope) => parsePdpScope(scope) === undefined);
  if (stray !== undefined)
    throw problem(
      400,
      'pdp-only',
      `\`${stray}\`: a certificate is taken by the PDP only; use scopes such as \`pdp:app:<name>\``,
    );
  let certificate: X509Certificate;
  let keyHash: string;
  try {
    certificate = new X509Certificate(pem);
    keyHash = keyHashOf(certificate);
  } catch {
    throw problem(400, 'no-certificate', '`certificate` must be an X.509 certificate in PEM');
  }
  const end = certificate.validToDate;
  if (end.getTime() < now)
    throw problem(400, 'certificate-ended', `the certificate ended at ${end.toISOString()}; make a new one`);
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  const isStrong =
    asymmetricKeyType === 'ec' ||
    asymmetricKeyType === 'ed25519' ||
    (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= rsaBitsMin);
  if (!isStrong)
    throw problem(400, 'weak-key', `the key must be one of an elliptic curve, Ed25519, or RSA of ${rsaBitsMin} bits`);
  return keyHash;
}
