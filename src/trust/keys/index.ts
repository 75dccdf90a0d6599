export * from './keyring.ts';
export * from './keys-error.ts';
export * from './root-key-text.ts';
