import { BlockList, isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import pg from 'pg';
import type { Database } from './database.ts';
import { toStoreError } from './read-error.ts';
import type { StoreTables } from './tables.ts';
import { notifyChannel } from './write-transaction.ts';

const connectionsMax = 10;
const connectTimeoutMs = 5_000;
/** No statement of ours takes longer than this unless the server is in trouble. */
const statementTimeoutMs = 30_000;
const lockTimeoutMs = 10_000;
const closeMsMax = 2_000;
const relistenDelayMs = 1_000;

const int8Oid = 20;

/** The column types are parsed here, not globally: `bigint` columns hold integers below 2^53 only. */
function typeParser(oid: number, format?: 'text' | 'binary') {
  if (oid !== int8Oid) return pg.types.getTypeParser(oid, format as 'text');
  return (text: string) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new RangeError('an integer of 2^53 or more came from the database');
    return value;
  };
}

/**
 * How a database is reached: on another machine over TLS whose certificate is verified, unless the URL itself says otherwise (`sslmode`).
 * Who can change what comes from the store says who may do what, and the driver would ask for no TLS by itself.
 */
export function connectionTo(url: string): Pick<pg.ClientConfig, 'connectionString' | 'ssl'> {
  // As the driver reads the URL, whatever form the host has in it.
  const { host } = new pg.Client({ connectionString: url });
  const isHere = host.startsWith('/') || host === 'localhost' || isLoopback(host);
  return isHere ? { connectionString: url } : { connectionString: url, ssl: { rejectUnauthorized: true } };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(bare);
  return family !== 0 && loopback.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

/** Opens a PostgreSQL database through a pool, and a connection of its own that listens for other writers' commits. */
export function openPostgres(url: string): Database {
  const config: pg.PoolConfig = {
    ...connectionTo(url),
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    application_name: 'nullius',
    keepAlive: true,
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
  };
  const pool = new pg.Pool(config);
  // A connection that breaks is replaced by the pool and fails the query that runs on it; the event comes besides, idle or
  // not, and unheard it would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const rows = new Kysely<StoreTables>({ dialect: new PostgresDialect({ pool: inWords(pool) }) });
  const ear = new CommitListener(config);
  return {
    dialect: 'postgres',
    rows,
    assertInPlace: () => {},
    readTogether: (work) =>
      rows.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
    onForeignCommit: (listener) => ear.start(listener),
    close: async () => {
      await ear.close();
      await rows.destroy();
    },
  };
}

/** The same pool, whose failures to connect are StoreErrors, also where rows are read without the store's own guard. */
function inWords(pool: pg.Pool): PostgresPool {
  const connect = () =>
    pool.connect().catch((error: unknown) => {
      throw toStoreError(error);
    });
  return { options: pool.options, connect, end: () => pool.end() };
}

/** LISTEN on a connection of its own, made anew when it breaks. What it misses, polling finds. */
class CommitListener {
  readonly #config: pg.ClientConfig;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #hint: () => void = () => {};

  constructor(config: pg.ClientConfig) {
    this.#config = config;
  }

  start(hint: () => void): void {
    this.#hint = hint;
    void this.#listen();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    // A connection that was never made, or broke, may not say that it ended.
    const ended = this.#client?.end().catch(() => {});
    await Promise.race([ended, sleep(closeMsMax, undefined, { ref: false })]);
  }

  async #listen(): Promise<void> {
    const client = new pg.Client(this.#config);
    this.#client = client;
    let ended = false;
    const again = () => {
      if (ended) return;
      ended = true;
      client.end().catch(() => {});
      if (!this.#closed) this.#timer = setTimeout(() => void this.#listen(), relistenDelayMs).unref();
    };
    client.on('error', again);
    client.on('end', again);
    client.on('notification', () => this.#hint());
    try {
      await client.connect();
      await client.query(`listen ${notifyChannel}`);
      // Commits between two connections of ours went unheard.
      this.#hint();
    } catch {
      again();
    }
  }
}
