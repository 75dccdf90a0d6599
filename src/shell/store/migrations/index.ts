import { facts } from './0001-facts.ts';
import { identity } from './0002-identity.ts';
import { crossOriginCookie } from './0003-cross-origin-cookie.ts';
import type { Migration } from './migration.ts';

export * from './migration.ts';

/** Every step, oldest first. A landed step is never edited or removed; append. */
export const migrations: readonly Migration[] = [facts, identity, crossOriginCookie];
