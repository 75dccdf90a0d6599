import { hash } from 'node:crypto';

/**
 * SHA-256. By way of a string, whose characters go into the Buffer pool: memory of its own for 32 bytes, which Node would
 * give otherwise, costs more than hashing a record.
 */
export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');
}
