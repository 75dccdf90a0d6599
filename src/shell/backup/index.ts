export * from './backup.ts';
export * from './backup-error.ts';
export { type Manifest, verifyBackup } from './manifest.ts';
export * from './restore.ts';
export * from './upgrade.ts';
