export * from './admin-token-file.ts';
export * from './gateway-control.ts';
export * from './handoff.ts';
export * from './peer-names.ts';
export * from './public-urls.ts';
export * from './signer.ts';
