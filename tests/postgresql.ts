// A private PostgreSQL for system tests: its own cluster in a temporary folder, ended and removed with it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.ts';

const binFolders = ['17', '16', '15'].map((version) => `/usr/lib/postgresql/${version}/bin`);
const startMsMax = 120_000;

export interface PostgresServer {
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>;
  /** SIGKILL to the postmaster: what the server does when its machine dies, but for the disk's caches. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root: root hands over to the user `postgres` that Debian's package makes. */
function identity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Starts a fresh cluster on loopback, durable as in production. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = binFolders.find((folder) => existsSync(join(folder, 'postgres')));
  if (bin === undefined) throw new Error('PostgreSQL is missing: apt-get install -y postgresql');
  const owner = identity();
  const folder = mkdtempSync(join(tmpdir(), 'nullius-postgres-'));
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const run = { ...owner, cwd: folder, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' } };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'nullius', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
    {
      ...run,
      stdio: 'ignore',
    },
  );
  const port = await freePort();
  const url = (database: string) => `postgres://nullius@127.0.0.1:${port}/${database}`;
  let server: ChildProcess | undefined;
  let databases = 0;

  async function query(text: string): Promise<void> {
    const client = new pg.Client(url('postgres'));
    client.on('error', () => {});
    await client.connect();
    await client.query(text).finally(() => client.end());
  }

  async function start(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      `unix_socket_directories=${folder}`,
      'max_connections=100',
    ];
    const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
    const launch = () => spawn(join(bin ?? '', 'postgres'), args, { ...run, stdio: 'ignore' });
    const giveUpAt = Date.now() + startMsMax;
    server = launch();
    for (;;) {
      try {
        return await query('select 1');
      } catch (error) {
        if (Date.now() > giveUpAt) throw error;
        await sleep(50);
        // It refuses to start while backends of a killed postmaster still hold the shared memory.
        if (server.exitCode !== null) server = launch();
      }
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server === undefined) return;
    const ended = server.exitCode !== null || server.signalCode !== null ? undefined : once(server, 'exit');
    server.kill(signal);
    await ended;
    server = undefined;
  }

  await start();
  return {
    start,
    createDatabase: async () => {
      databases += 1;
      await query(`create database test${databases}`);
      return url(`test${databases}`);
    },
    // Backends notice that their postmaster is gone and end by themselves.
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
