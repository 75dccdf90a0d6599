// A gateway on another machine, as a data folder of its own.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from './faults/product.ts';

const program = fileURLToPath(new URL('../bin/nullius', import.meta.url));

export interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  out(): string;
  err(): string;
}

/** `nullius` with these arguments. */
export function run(cwd: string, ...args: string[]): Run {
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, ended, out: () => out, err: () => err };
}

/** Runs the gateway `edge` that joined into `data`, and waits until it serves. */
export async function runGateway(t: TestContext, { folder, data, tls }: { folder: string; data: string; tls: string }) {
  const gateway = run(
    folder,
    ...['gateway', 'run', '--data', data, '--set', 'listen.plain=off', '--set', `listen.tls=${tls}`],
    ...['--set', 'listen.operations=off'],
  );
  t.after(async () => {
    gateway.child.kill('SIGTERM');
    await gateway.ended;
  });
  await Promise.race([
    eventually(() => gateway.out() === 'ready edge\n', 'the gateway is ready'),
    gateway.ended.then((code) => assert.fail(`it ended with ${code}: ${gateway.err()}`)),
  ]);
  return gateway;
}
