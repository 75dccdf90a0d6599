export * from './authority.ts';
export * from './ca-error.ts';
export * from './dns-name.ts';
