export { rootKeysOfSigner } from './key-store.ts';
export * from './private-file.ts';
export * from './rotate-root-key.ts';
export * from './start-signer.ts';
