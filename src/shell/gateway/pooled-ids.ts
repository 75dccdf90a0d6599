import type { RandomBytes } from '#foundation/model';

const idBytes = 16;
const poolIds = 1_024;

/**
 * Correlation ids: 16 random bytes, base64url. Drawn for many at once, and each written straight from where its bytes lie; no
 * bytes are given twice. None begins with a hyphen, so that people can give them to commands.
 */
export function pooledIds(random: RandomBytes): () => string {
  let pool = Buffer.alloc(0);
  let used = 0;
  const next = () => {
    if (used >= pool.byteLength) {
      pool = Buffer.from(random(poolIds * idBytes));
      used = 0;
    }
    used += idBytes;
    return pool.toString('base64url', used - idBytes, used);
  };
  return () => {
    for (;;) {
      const id = next();
      if (!id.startsWith('-')) return id;
    }
  };
}
