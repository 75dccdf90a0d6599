import { closeSync, fchmodSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DatabaseConnection,
  type Driver,
  Kysely,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import type { Database } from './database.ts';
import { StoreError } from './store-error.ts';
import type { StoreTables } from './tables.ts';

const busyTimeoutMs = 5_000;
const retryDelayMs = 3;
/** https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5;
const statementsMax = 500;

/**
 * Opens an SQLite file: WAL, every commit synced to disk, freed content overwritten (an erased key must not linger in a
 * free page). The file is made 0600. Throws what `node:sqlite` throws; `toStoreError` reads it.
 */
export function openSqlite(path: string, options: { busyTimeoutMs?: number } = {}): Database {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Made here, so that it is never open to others for a moment; the files SQLite puts beside it take over its mode.
  const file = openSync(path, 'a', 0o600);
  fchmodSync(file, 0o600);
  closeSync(file);
  const database = new DatabaseSync(path, {
    timeout: options.busyTimeoutMs ?? busyTimeoutMs,
    enableForeignKeyConstraints: true,
  });
  setUp(database);
  const opened = statSync(path);
  const dialect = new PatientSqliteDialect(database, {
    begin: 'begin immediate',
    patienceMs: options.busyTimeoutMs ?? busyTimeoutMs,
  });
  const rows = new Kysely<StoreTables>({ dialect });
  return {
    dialect: 'sqlite',
    rows,
    assertInPlace: () => {
      // SQLite goes on writing into a file that was deleted or replaced under it, and says nothing.
      const now = statSync(path, { throwIfNoEntry: false });
      if (now?.ino === opened.ino && now.dev === opened.dev) return;
      throw new StoreError(
        'unavailable',
        `the database file \`${path}\` was ${now === undefined ? 'deleted' : 'replaced'} while it was open; put it back or restore a backup, then start again`,
      );
    },
    // One connection: a transaction keeps all other queries of this process out.
    readTogether: (work) => rows.transaction().execute(work),
    onForeignCommit: () => {},
    close: () => rows.destroy(),
  };
}

function setUp(database: DatabaseSync): void {
  try {
    database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma secure_delete = on;
      pragma trusted_schema = off;
      pragma busy_timeout = 0;
    `);
  } catch (error) {
    database.close();
    throw error;
  }
}

interface Manners {
  /** Taking the write lock at once keeps a transaction from failing halfway because another process wrote meanwhile. */
  readonly begin: 'begin' | 'begin immediate';
  /** How long to wait for another process. */
  readonly patienceMs: number;
}

class PatientSqliteDialect extends SqliteDialect {
  readonly #database: DatabaseSync;
  readonly #manners: Manners;

  constructor(database: DatabaseSync, manners: Manners) {
    super({ database: adapt(database, manners.begin) });
    this.#database = database;
    this.#manners = manners;
  }

  override createDriver(): Driver {
    return new PatientSqliteDriver(this.#database, this.#manners);
  }
}

/** Waits for another process without holding up this one, which SQLite's own busy timeout would. */
class PatientSqliteDriver extends SqliteDriver {
  readonly #database: DatabaseSync;
  readonly #patienceMs: number;

  constructor(database: DatabaseSync, manners: Manners) {
    super({ database: adapt(database, manners.begin) });
    this.#database = database;
    this.#patienceMs = manners.patienceMs;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const inner = await super.acquireConnection();
    return {
      executeQuery: (query) => retryWhileBusy(() => inner.executeQuery(query), this.#patienceMs),
      streamQuery: (query, chunkSize) => inner.streamQuery(query, chunkSize),
    };
  }

  /** A full disk makes SQLite roll back by itself; asking again would hide that error behind another. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection);
  }
}

async function retryWhileBusy<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const busy = error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === sqliteBusy;
      if (!busy || performance.now() >= giveUpAt) throw error;
      await sleep(retryDelayMs);
    }
  }
}

/**
 * Opens an SQLite file beside the process that writes it, for reading only: a transaction sees one state and holds nobody
 * up.
 */
export function openSqliteForReading(path: string): Kysely<StoreTables> {
  const database = new DatabaseSync(path, { readOnly: true });
  return new Kysely<StoreTables>({
    dialect: new PatientSqliteDialect(database, { begin: 'begin', patienceMs: busyTimeoutMs }),
  });
}

/** Kysely speaks better-sqlite3's form of the same interface. */
function adapt(database: DatabaseSync, begin: 'begin' | 'begin immediate'): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare: (text) => {
      const known = statements.get(text);
      if (known !== undefined) return known;
      const statement = adaptStatement(database.prepare(text === 'begin' ? begin : text));
      if (statements.size >= statementsMax) statements.clear();
      statements.set(text, statement);
      return statement;
    },
  };
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
