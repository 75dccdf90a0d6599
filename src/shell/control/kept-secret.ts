import { randomBytes } from 'node:crypto';
import type { Store } from '../store/index.ts';

/** A secret of this installation: drawn once, sealed in the store. */
export async function keptSecret(
  store: Pick<Store, 'openSecret' | 'sealSecret'>,
  name: string,
  bytes: number,
): Promise<Uint8Array> {
  const existing = await store.openSecret(name);
  if (existing !== undefined) return existing;
  const drawn = randomBytes(bytes);
  await store.sealSecret(name, drawn);
  return drawn;
}
