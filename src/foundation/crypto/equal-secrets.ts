import { timingSafeEqual } from 'node:crypto';
import { sha256 } from './digest.ts';

/**
 * Compares two secrets in time that does not depend on where they differ, nor on how long the wrong one is matched:
 * both are hashed first. Text is compared by its UTF-8 bytes.
 */
export function equalSecrets(a: Uint8Array | string, b: Uint8Array | string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}
