import type { DataKeys } from '#shell/store';

/** Keys kept in memory, wrapped by a number: what the signer does, without a signer. */
export function fakeDataKeys(): DataKeys {
  const keys: string[] = [];
  return {
    createDataKey: async () => {
      const key = Buffer.alloc(32, keys.length + 1).toString('base64url');
      keys.push(key);
      return { key, wrapped: String(keys.length - 1) };
    },
    unwrapDataKey: async (_purpose, wrapped) => ({ key: keys[Number(wrapped)] ?? '' }),
  };
}
