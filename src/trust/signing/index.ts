export * from './compact-jws.ts';
export * from './sign-assertion.ts';
export * from './sign-statement.ts';
export * from './sign-token.ts';
export * from './signing-error.ts';
export * from './signing-key.ts';
