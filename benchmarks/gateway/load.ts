// Load on loopback: wrk for throughput, h2load for latency at a fixed rate (its log has every request's time).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer } from './peers.ts';

export const connections = 64;
const script = fileURLToPath(new URL('./spread.lua', import.meta.url));

const headerArgs = (headers: Peer['headers']) =>
  Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);

/** Runs a load generator; where the peer goes by a name, in a mount namespace of its own whose hosts file knows that name. */
function run(peer: Peer, command: readonly string[]): string {
  const { hostname } = new URL(peer.url);
  if (isIP(hostname) !== 0) return spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' }).stdout;
  const folder = mkdtempSync(join(tmpdir(), 'nullius-hosts-'));
  try {
    const hosts = join(folder, 'hosts');
    writeFileSync(hosts, `127.0.0.1 localhost ${hostname}\n`);
    const script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
    const args = ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', hosts, ...command];
    const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command[0]} in its own mount namespace: ${stderr}`);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is asked: `cookies` are the people's, and each request has one of them, whoever the peer is. */
interface Load {
  readonly seconds: number;
  readonly cookies: readonly string[];
}

/** A peer's own cookie stands before a person's. */
const cookieFor = ({ headers }: Peer, cookie: string) =>
  headers['cookie'] === undefined ? cookie : `${headers['cookie']}; ${cookie}`;

/** Requests per second at full speed and the 99th percentile, milliseconds. Throws when any answer was not 2xx. */
export function fullSpeed(peer: Peer, { seconds, cookies }: Load): { perSecond: number; p99Ms: number } {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-load-'));
  const file = join(folder, 'cookies');
  writeFileSync(file, cookies.map((cookie) => cookieFor(peer, cookie)).join('\n'));
  const { cookie: _, ...headers } = peer.headers;
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    '-s',
    script,
    ...headerArgs(headers),
    peer.url,
  ];
  const stdout = run(peer, ['wrk', ...args, '--', file]);
  rmSync(folder, { recursive: true });
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? /Socket errors: (.*)/.exec(stdout)?.[1];
  if (failed !== undefined) throw new Error(`${peer.name}: ${failed} failed answers`);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  if (!(perSecond > 0) || value === undefined) throw new Error(`${peer.name}: no figures from wrk\n${stdout}`);
  return { perSecond, p99Ms: Number(value) * (unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1) };
}

/** Not all of the requests were answered in their time. */
export class RateMissed extends Error {}

/**
 * The 99th percentile at a fixed rate, milliseconds; all requests are the first person's, because h2load knows one cookie. Throws when
 * any answer was not 2xx, and RateMissed when the rate was not reached.
 */
export function atRate(peer: Peer, options: Load & { readonly perSecond: number }): number {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-load-'));
  const log = join(folder, 'requests.log');
  const rate = Math.max(1, Math.round(options.perSecond / connections));
  // Its HTTP/1.1 requests take `Host` from `:authority`, and a second Host field is an attack to us.
  const { Host: host, ...others } = peer.headers;
  const cookie = cookieFor(peer, options.cookies[0] ?? '');
  const headers = { ...others, ...(host === undefined ? {} : { ':authority': host }), cookie };
  const args = [
    '--h1',
    '-t1',
    `-c${connections}`,
    `--rps=${rate}`,
    `--duration=${options.seconds}`,
    `--log-file=${log}`,
    ...headerArgs(headers),
    peer.url,
  ];
  const stdout = run(peer, ['h2load', ...args]);
  const rows = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('\t').map(Number));
  rmSync(folder, { recursive: true });
  const failed = rows.filter(([, status]) => !(status !== undefined && status >= 200 && status < 300));
  const done = rows.length / options.seconds;
  const words = `${peer.name}: ${failed.length} failed answers, ${done.toFixed(0)} of ${options.perSecond.toFixed(0)} a second`;
  if (failed.length > 0) throw new Error(`${words}\n${stdout}`);
  if (done < options.perSecond * 0.8) throw new RateMissed(words);
  const micros = rows.map(([, , time]) => time ?? Number.NaN).sort((a, b) => a - b);
  return (micros[Math.floor(micros.length * 0.99)] ?? Number.NaN) / 1000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
