import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { PasskeyClient } from './passkey-client.ts';

const program = fileURLToPath(new URL('../bin/nullius', import.meta.url));
const readyMsMax = 120_000;

/** The whole product, started as a user starts it, in a folder of its own. */
export interface Installation {
  readonly folder: string;
  readonly data: string;
  readonly process: ChildProcess;
  /** Port of the canonical URLs: plain under `localhost`, else TLS. */
  readonly port: number;
  /** Both listeners, with `tls: true`. */
  readonly ports: { readonly plain: number; readonly tls: number };
  /** Certificate of our own CA (PEM); '' without TLS. */
  readonly ca: string;
  readonly consoleOrigin: string;
  readonly issuer: string;
  readonly firstAdministrator: string;
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
  appOrigin(app: string): string;
  /** How `node:tls`, `node:https`, `node:http2` or `ws` reach a host of ours over TLS. */
  tlsTo(host: string): { host: string; port: number; servername: string; ca: string };
  /** A new person's browser. */
  person(): PasskeyClient;
  cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
  stop(): Promise<number | null>;
}

export interface InstallationOptions {
  /** Contents of `nullius.yaml`, if any. */
  readonly config?: string;
  /** Or the file itself, where it lies: paths in it are relative to it. */
  readonly configFile?: string;
  readonly overrides?: readonly string[];
  /** Also the TLS listener. A domain with dots (`config: 'domain: example.test'`) then has https URLs. */
  readonly tls?: boolean;
  /** The same on these ports, for peers that must know them before. */
  readonly ports?: { readonly plain: number; readonly tls: number };
  readonly environment?: Readonly<Record<string, string>>;
  /** A folder that an earlier installation left. */
  readonly folder?: string;
  /** Port of the plain listener; a free one by default. */
  readonly port?: number;
}

/** Starts `nullius up` on free ports and waits for its ready line. */
export async function startInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'nullius-'));
  const data = join(folder, 'data');
  const config = options.configFile ?? (options.config === undefined ? undefined : join(folder, 'nullius.yaml'));
  if (config !== undefined && options.config !== undefined) writeFileSync(config, options.config);
  const base = ['--data', data, ...(config === undefined ? [] : ['--config', config])];
  // With port 0 the product would look for one first and listen seconds later, and again whenever its gateway starts anew.
  const isTls = options.tls === true || options.ports !== undefined;
  const wanted = options.ports ?? {
    plain: options.port ?? (await freePort()),
    tls: isTls ? await freePort() : 0,
  };
  const listeners = [
    `listen.plain=127.0.0.1:${wanted.plain}`,
    isTls ? `listen.tls=127.0.0.1:${wanted.tls}` : 'listen.tls=off',
    `listen.operations=127.0.0.1:${await freePort()}`,
  ];
  const sets = [...listeners, ...(options.overrides ?? [])].flatMap((pair) => ['--set', pair]);
  const child = spawn(program, ['up', ...base, ...sets], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...options.environment },
  });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      reject(new Error(`not ready in time\n${stderr}`));
    }, readyMsMax);
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
      if (!stdout.includes('\n')) return;
      clearTimeout(timer);
      resolve();
    });
    void ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code}\n${stderr}`));
    });
  });
  const consoleOrigin = new URL(/^ready (\S+)/.exec(stdout)?.[1] ?? '').origin;
  const port = Number(new URL(consoleOrigin).port);
  const ports = wanted;
  const ca = isTls ? (await runCli(folder, ['key', 'ca', '--data', data])).stdout : '';
  const issuer = consoleOrigin.replace('//console.', '//id.');
  return {
    folder,
    data,
    process: child,
    port,
    ports,
    ca,
    consoleOrigin,
    issuer,
    firstAdministrator: /first administrator (\S+)/.exec(stderr)?.[1] ?? '',
    stderr: () => stderr,
    ended,
    appOrigin: (app) => consoleOrigin.replace('//console.', `//${app}.`),
    tlsTo: (host) => ({ host: '127.0.0.1', port: ports.tls, servername: host, ca }),
    person: () => new PasskeyClient({ issuer, connect: { host: '127.0.0.1', ca } }),
    cli: (...args) => runCli(folder, [...args, '--data', data]),
    stop: async () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** The same, stopped and removed with the test. */
export async function installationFor(t: TestContext, options: InstallationOptions = {}): Promise<Installation> {
  const installation = await startInstallation(options);
  t.after(async () => {
    await installation.stop();
    if (options.folder === undefined) rmSync(installation.folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return installation;
}

async function runCli(cwd: string, args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [code] = await once(child, 'close');
  return { code: code as number | null, stdout, stderr };
}

/** A real app on loopback: says what it got, streams events on `/events`, and counts what reached it. */
export async function startApp(t: TestContext): Promise<{
  origin: string;
  server: Server;
  requests: { method: string; url: string; headers: NodeJS.Dict<string | string[]> }[];
}> {
  const requests: { method: string; url: string; headers: NodeJS.Dict<string | string[]> }[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => response.write('data: tick\n\n'), 50);
      response.on('close', () => clearInterval(timer));
      return;
    }
    request.resume();
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, requests };
}

/** Opens a raw connection, for requests no client library would send. Resolves with everything received until it closes. */
export function rawExchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setTimeout(60_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
  });
}
