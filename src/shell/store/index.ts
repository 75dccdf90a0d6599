export * from './live-facts.ts';
export * from './migrations/migration.ts';
export { type OpenStoreOptions, openStore } from './open-store.ts';
export type { DataKeys } from './secrets.ts';
export * from './store.ts';
export * from './store-error.ts';
export type * from './tables.ts';
export type { FactWrite, FactWriteOf, WriteTransaction } from './write-transaction.ts';
