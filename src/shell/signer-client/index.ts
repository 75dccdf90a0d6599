export * from './connect-signer.ts';
