/**
 * What stands for the secret's hash of a caller that shows a certificate, by the SHA-256 (base64url) of its SubjectPublicKeyInfo. The hash of
 * a token's value has no colon: showing a public key as a token finds nobody.
 */
export function hashForKey(keyHash: string): string {
  return `spki:${keyHash}`;
}
