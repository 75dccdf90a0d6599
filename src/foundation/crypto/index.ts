export * from './crypto-error.ts';
export * from './derive-key.ts';
export * from './digest.ts';
export * from './equal-secrets.ts';
export * from './key-hash.ts';
export * from './seal.ts';
