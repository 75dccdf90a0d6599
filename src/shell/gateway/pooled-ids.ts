import { asIdentifier } from '#foundation/encoding';
import type { RandomBytes } from '#foundation/model';

const idBytes = 16;
const poolIds = 1_024;

/**
 * Correlation ids: identifiers of 16 random bytes, as toIdentifier() makes them. Drawn for many at once, and each written straight from where
 * its bytes lie; no bytes are given twice.
 */
export function pooledIds(random: RandomBytes): () => string {
  let pool = Buffer.alloc(0);
  let used = 0;
  return () => {
    if (used >= pool.byteLength) {
      pool = Buffer.from(random(poolIds * idBytes));
      used = 0;
    }
    used += idBytes;
    return asIdentifier(pool.toString('base64url', used - idBytes, used));
  };
}
