import { randomFillSync } from 'node:crypto';
import type { RandomBytes } from '#foundation/model';

const poolBytes = 16_384;

/** Random bytes cut from a pool that is filled at once: a call into OpenSSL for every id would cost more than the id is worth. */
export function pooledRandomBytes(): RandomBytes {
  let pool = new Uint8Array(0);
  let used = 0;
  return (byteCount) => {
    if (byteCount > poolBytes) return randomFillSync(new Uint8Array(byteCount));
    if (used + byteCount > pool.byteLength) {
      pool = randomFillSync(new Uint8Array(poolBytes));
      used = 0;
    }
    used += byteCount;
    return pool.subarray(used - byteCount, used);
  };
}
