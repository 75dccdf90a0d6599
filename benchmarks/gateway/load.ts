// Load on loopback: wrk for throughput, h2load for latency at a fixed rate (its log has every request's time).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Peer } from './peers.ts';

export const connections = 64;

const headerArgs = (peer: Peer) => Object.entries(peer.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);

/** Requests per second at full speed and the 99th percentile, milliseconds. Throws when any answer was not 2xx. */
export function fullSpeed(peer: Peer, seconds: number): { perSecond: number; p99Ms: number } {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...headerArgs(peer), peer.url];
  const { stdout } = spawnSync('wrk', args, { encoding: 'utf8' });
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? /Socket errors: (.*)/.exec(stdout)?.[1];
  if (failed !== undefined) throw new Error(`${peer.name}: ${failed} failed answers`);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  if (!(perSecond > 0) || value === undefined) throw new Error(`${peer.name}: no figures from wrk\n${stdout}`);
  return { perSecond, p99Ms: Number(value) * (unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1) };
}

/** The 99th percentile at a fixed rate, milliseconds. */
export function atRate(peer: Peer, options: { perSecond: number; seconds: number }): number {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-load-'));
  const log = join(folder, 'requests.log');
  const rate = Math.max(1, Math.round(options.perSecond / connections));
  const args = [
    '--h1',
    '-t1',
    `-c${connections}`,
    `--rps=${rate}`,
    `--duration=${options.seconds}`,
    `--log-file=${log}`,
    ...headerArgs(peer),
    peer.url,
  ];
  spawnSync('h2load', args, { encoding: 'utf8' });
  const micros = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => Number(line.split('\t')[2]))
    .sort((a, b) => a - b);
  rmSync(folder, { recursive: true });
  return (micros[Math.floor(micros.length * 0.99)] ?? Number.NaN) / 1000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
