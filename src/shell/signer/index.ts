export * from '#shell/private-file';
export { rootKeysOfSigner } from './key-store.ts';
export * from './rotate-root-key.ts';
export * from './start-signer.ts';
