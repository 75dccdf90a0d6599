import { type CipherGCM, createCipheriv, timingSafeEqual } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { SubjectKey } from './journal-keys.ts';
import { isNoSpace } from './log-error.ts';
import { quickHkdf } from './quick-hmac.ts';
import { segmentPath } from './segment-file.ts';

const saltBytes = 16;
const tagBytes = 16;
const info = Buffer.from('nullius journal segment 1', 'latin1');
// Every key authenticates one segment only.
const nonce = Buffer.alloc(12);

/** AES-256-GMAC (SP 800-38D) under a key of its own for every salt. */
function gmac({ key }: SubjectKey, salt: Uint8Array): CipherGCM {
  return createCipheriv('aes-256-gcm', quickHkdf(key, { salt, info, length: 32 }), nonce);
}

function tagOf(mac: CipherGCM): Buffer {
  mac.final();
  return mac.getAuthTag();
}

/**
 * Tells readers who hold the key that a whole segment is what its writer wrote, at a fraction of what comparing each record with its tag
 * costs. Made of what is written, while it is written: nothing that was read back from the disk is ever vouched for.
 */
export class SegmentSeal {
  readonly #mac: CipherGCM;
  readonly #salt: Uint8Array;

  constructor(key: SubjectKey, salt: Uint8Array) {
    this.#salt = Uint8Array.from(salt);
    this.#mac = gmac(key, salt);
  }

  /** Takes the next bytes of the segment. */
  update(bytes: Buffer): void {
    this.#mac.setAAD(bytes);
  }

  /** Lays the seal beside the segment, which is full. Without it readers are slower: a full disk is no reason to stop. */
  write(directory: string, first: number): void {
    try {
      const path = segmentPath(directory, { first, kind: 'seal' });
      writeFileSync(path, Buffer.concat([this.#salt, tagOf(this.#mac)]), { mode: 0o600 });
    } catch (error) {
      if (!isNoSpace(error)) throw error;
    }
  }

  static readonly saltBytes = saltBytes;
}

/** The seal that lies beside a segment; undefined when there is none. */
export function readSeal(directory: string, first: number): Buffer | undefined {
  try {
    const seal = readFileSync(segmentPath(directory, { first, kind: 'seal' }));
    return seal.byteLength === saltBytes + tagBytes ? seal : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Are these the bytes of a whole segment that were sealed? */
export function isSealedWith(seal: Buffer, { key, bytes }: { key: SubjectKey; bytes: Buffer }): boolean {
  const mac = gmac(key, seal.subarray(0, saltBytes));
  mac.setAAD(bytes);
  return timingSafeEqual(tagOf(mac), seal.subarray(saltBytes));
}
