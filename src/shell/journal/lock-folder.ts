import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LogError } from '#evidence/log';

/** Lets the folder go. The kernel does so too when the process ends, however it ends. */
export type Unlock = () => void;

/**
 * Takes the folder for this process alone, across processes, threads and containers on one machine. Node has no file locks
 * of its own; SQLite takes a real one (fcntl) and knows how to hold it from several threads of one process.
 * Throws LogError `locked` when somebody holds it.
 */
export function lockFolder(directory: string): Unlock {
  const path = join(directory, 'lock');
  closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy) {
      throw new LogError('locked', `another process writes the journal in \`${directory}\`: stop it first`, { cause });
    }
    throw cause;
  }
  return () => database.close();
}

const sqliteBusy = 5;
