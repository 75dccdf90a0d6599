export * from './private-file.ts';
export * from './start-signer.ts';
