import { InventoryError } from '#information/inventory';
import { StoreError } from './store-error.ts';

interface DatabaseError {
  readonly code?: unknown;
  /** SQLite's extended result code; the primary one is its low byte. */
  readonly errcode?: unknown;
  readonly message?: unknown;
}

/** Primary result codes, https://www.sqlite.org/rescode.html */
const sqliteCodes: Record<number, [code: StoreError['code'], words: string]> = {
  5: ['locked', 'another process holds the database file; end it, or try again'],
  6: ['locked', 'another connection holds the database file; end it, or try again'],
  8: ['unavailable', 'the database file cannot be written; check its owner, its mode and the mount'],
  10: ['unavailable', 'the disk answered with an error; look at the system log'],
  11: ['corrupt', 'the database file is damaged; restore a backup'],
  13: ['full', 'no space is left for the database; free some and try again'],
  14: ['unavailable', 'the database file cannot be opened; check that its folder exists and who owns it'],
  19: ['invalid', 'the change breaks a rule of the schema'],
  26: ['corrupt', 'the file is not a database; restore a backup'],
};

/** SQLSTATE classes and codes, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const postgresCodes: [pattern: RegExp, code: StoreError['code'], words: string][] = [
  [/^(40001|40P01|55P03|57014)$/, 'locked', 'the database was busy; try again'],
  [/^53100$/, 'full', 'no space is left on the database server; free some and try again'],
  [/^(22|23)/, 'invalid', 'the change breaks a rule of the schema'],
  [/^(28|3D)/, 'unavailable', 'the database server refused the sign-in; check user, password and database in `store`'],
  [/^XX00[12]$/, 'corrupt', 'the database server reports damaged data; restore a backup'],
  [/^[0-9A-Z]{5}$/, 'unavailable', 'the database server could not do it'],
];

/**
 * Reads an error of either driver into a StoreError. What is not a database's error is a bug or a caller's own throw and
 * is given back as it is.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error)) return error;
  if (error instanceof InventoryError) return new StoreError('invalid', error.message, { cause: error });
  const { code, errcode, message } = error as DatabaseError;
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') {
    const known = sqliteCodes[errcode & 0xff];
    return known === undefined
      ? error
      : new StoreError(known[0], `the store failed: ${known[1]} (${error.message})`, { cause: error });
  }
  if (code === 'ERR_INVALID_STATE' && /database is not open/.test(error.message)) {
    return new StoreError('closed', 'the store is closed', { cause: error });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StoreError('full', `no space is left for the database; free some and try again (${error.message})`, {
      cause: error,
    });
  }
  if (typeof code === 'string' && /^(ENOTDIR|EISDIR|EROFS|EPERM|ELOOP|ENAMETOOLONG|EIO)$/.test(code)) {
    return new StoreError('unavailable', `the database file cannot be opened (${error.message}); check its folder`, {
      cause: error,
    });
  }
  if (typeof code === 'string' && isNetworkCode(code)) return unreachable(error);
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
    const known = postgresCodes.find(([pattern]) => pattern.test(code));
    if (known !== undefined)
      return new StoreError(known[1], `the store failed: ${known[2]} (${error.message})`, { cause: error });
  }
  if (typeof message === 'string' && isLostConnection(message)) return unreachable(error);
  return error;
}

function isNetworkCode(code: string): boolean {
  return /^(ECONN|EPIPE$|ENOENT$|ENOTFOUND$|EAI_|ETIMEDOUT$|EHOSTUNREACH$|ENETUNREACH$|EACCES$)/.test(code);
}

/** `pg` and its pool give these without a code. */
function isLostConnection(message: string): boolean {
  return /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|driver has already been destroyed|Cannot use a pool after calling end)/.test(
    message,
  );
}

function unreachable(error: Error): StoreError {
  return new StoreError('unavailable', `the database cannot be reached (${error.message}); it is tried again`, {
    cause: error,
  });
}
