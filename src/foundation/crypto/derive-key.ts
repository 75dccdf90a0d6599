import { hkdfSync } from 'node:crypto';

export interface DeriveOptions {
  /** What the derived key is for (HKDF `info`): other words give an unrelated key. */
  readonly info: string;
  readonly salt?: Uint8Array;
  readonly byteCount?: number;
}

/** HKDF-SHA-256, RFC 5869: an independent key (32 bytes unless told) from key material that is already uniformly random. */
export function deriveKey(key: Uint8Array, options: DeriveOptions): Uint8Array {
  const { info, salt = new Uint8Array(), byteCount = 32 } = options;
  return new Uint8Array(hkdfSync('sha256', key, salt, info, byteCount));
}
