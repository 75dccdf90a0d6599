import { hash } from 'node:crypto';

/** SHA-256 (FIPS 180-4), 32 bytes. Text is hashed as UTF-8. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return hash('sha256', data, 'buffer');
}

/** SHA-256 as 43 characters of unpadded base64url. */
export function sha256Base64url(data: Uint8Array | string): string {
  return hash('sha256', data, 'base64url');
}
