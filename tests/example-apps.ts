import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const startMsMax = 180_000;

/** A third-party program that runs while the test does. */
export interface ExampleApp {
  readonly origin: string;
  /** Everything it has printed. */
  output(): string;
}

/** A copy of `examples/<name>` outside the checkout, so that what is installed and written there stays out of it. */
export function exampleFolder(t: TestContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `nullius-example-${name}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  cpSync(fileURLToPath(new URL(`../examples/${name}`, import.meta.url)), folder, { recursive: true });
  return folder;
}

/** Node-RED as its example starts it: packages from the configured registry, no install scripts. */
export async function startNodeRed(
  t: TestContext,
  options: { folder: string; issuer: string; audience: string },
): Promise<ExampleApp> {
  const { folder } = options;
  const npm = spawn('npm', ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    // A registry's certificate may be known to the machine only; the pinned Node, which npm runs on here, must be told to look there.
    env: { ...process.env, NODE_USE_SYSTEM_CA: '1' },
  });
  let words = '';
  npm.stderr.on('data', (chunk) => {
    words += String(chunk);
  });
  const [code] = await once(npm, 'close');
  if (code !== 0) throw new Error(`npm install in the example ended with ${code}\n${words}`);
  return startProgram(t, {
    port: 1880,
    program: process.execPath,
    arguments: ['node_modules/node-red/red.js', '--settings', './settings.js', '--userDir', './data'],
    folder,
    environment: { NULLIUS_ISSUER: options.issuer, NULLIUS_AUDIENCE: options.audience },
    ready: 'Started flows',
  });
}

/** Prometheus as its example starts it. */
export function startPrometheus(t: TestContext, folder: string): Promise<ExampleApp> {
  mkdirSync(join(folder, 'data'));
  return startProgram(t, {
    port: 9090,
    program: '/usr/bin/prometheus',
    arguments: [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=data',
      '--web.listen-address=127.0.0.1:9090',
      '--web.enable-lifecycle',
      '--web.enable-admin-api',
    ],
    folder,
    environment: {},
    ready: 'Server is ready to receive web requests',
  });
}

interface ProgramOptions {
  /** Fixed: the example's files name it. */
  readonly port: number;
  readonly program: string;
  readonly arguments: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ready: string;
}

async function startProgram(t: TestContext, options: ProgramOptions): Promise<ExampleApp> {
  const { port, program, folder, ready } = options;
  if (await isTaken(port)) throw new Error(`something listens on 127.0.0.1:${port}, which this example needs`);
  const child = spawn(program, options.arguments, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...options.environment },
  });
  t.after(() => stop(child));
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} was not ready in time\n${output}`)), startMsMax);
    const hear = (chunk: unknown) => {
      output += String(chunk);
      if (!output.includes(ready)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    child.on('close', (code) => reject(new Error(`${program} ended with ${code}\n${output}`)));
  });
  return { origin: `http://127.0.0.1:${port}`, output: () => output };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'close');
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
