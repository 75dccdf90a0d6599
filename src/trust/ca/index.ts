export * from './acme.ts';
export * from './authority.ts';
export * from './ca-error.ts';
export { csrLengthMax } from './csr.ts';
export * from './dns-name.ts';
