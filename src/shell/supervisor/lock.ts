import { chmodSync, closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SupervisorError } from './supervisor-error.ts';

/**
 * Locks the data folder for the life of this process. Node has no file locks of its own; SQLite's are the kernel's
 * (fcntl), so they end with the process however it ends and hold across containers that share the folder.
 * Throws SupervisorError when another process has it. Gives what ends the lock.
 */
export function lockDataFolder(path: string): () => void {
  const file = join(path, 'lock');
  // SQLite would make it as the umask says.
  closeSync(openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file);
  const who = join(path, 'run', 'supervisor.pid');
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (error) {
    database.close();
    if ((error as { errcode?: unknown }).errcode !== 5)
      throw new SupervisorError(
        `the lock of \`${path}\` cannot be taken: ${error instanceof Error ? error.message : ''}`,
      );
    throw new SupervisorError(
      `nullius already runs on \`${path}\`${processWords(who)}; stop it first, or choose another --data`,
    );
  }
  writeFileSync(who, `${process.pid}\n`, { mode: 0o600 });
  return () => database.close();
}

function processWords(file: string): string {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isSafeInteger(pid) ? ` (process ${pid})` : '';
  } catch {
    return '';
  }
}
