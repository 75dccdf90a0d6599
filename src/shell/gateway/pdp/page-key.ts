import { sealKeyBytes } from '#foundation/crypto';
import { fromBase64url } from '#foundation/encoding';
import type { RandomBytes } from '#foundation/model';
import type { CallControl } from '../control-client.ts';

/**
 * The key that seals page tokens. Control has one for the whole installation, so that a search goes on after a restart and at another gateway. It is
 * asked for when the first page is sealed or opened; while control is away, tokens are this process's own and end with it.
 */
export function sharedPageKey(call: CallControl, randomBytes: RandomBytes): () => Promise<Uint8Array> {
  const own = randomBytes(sealKeyBytes);
  let asked: Promise<Uint8Array | undefined> | undefined;
  const ask = async () => {
    try {
      const key = fromBase64url((await call('pdp/page-key', {})).key);
      return key?.length === sealKeyBytes ? key : undefined;
    } catch {
      return undefined;
    }
  };
  return async () => {
    asked ??= ask();
    const key = await asked;
    if (key === undefined) asked = undefined;
    return key ?? own;
  };
}
