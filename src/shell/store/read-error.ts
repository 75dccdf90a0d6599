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
  const terms = connectionTerms(error.message, code);
  if (terms !== undefined)
    return new StoreError('unavailable', `the store failed: ${terms} (${error.message})`, { cause: error });
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

/** Whom the driver will not, or cannot, speak to as `store` says. It gives no SQLSTATE for these. */
function connectionTerms(message: string, code: unknown): string | undefined {
  if (/client password must be/.test(message))
    return 'the database server asks for a password; give it one by `store: { url, password: { file } }`';
  if (/^The server does not support SSL connections/.test(message))
    return 'the database server speaks no TLS; turn it on there (only over loopback or a socket: `sslmode=disable`)';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'the certificate of the database server is for another name than the one in `store`';
  if (typeof code === 'string' && certificateCodes.test(code))
    return 'the certificate of the database server is not trusted; name its authority by `?sslrootcert=FILE` behind the URL in `store`';
  return undefined;
}

/** Node's codes for a certificate that does not verify, as OpenSSL names them. */
const certificateCodes =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER_CERT(_LOCALLY)?|VERIFY_LEAF_SIGNATURE)|CERT_(HAS_EXPIRED|NOT_YET_VALID|UNTRUSTED|SIGNATURE_FAILURE|REJECTED)|INVALID_CA|INVALID_PURPOSE)$/;

function unreachable(error: Error): StoreError {
  const words = `the database cannot be reached (${error.message}); see that it runs, and where \`store\` says it is`;
  return new StoreError('unavailable', words, { cause: error });
}
