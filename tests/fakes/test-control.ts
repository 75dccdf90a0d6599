import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startSigner } from '#shell/signer';
import { adminTokenFile, type ControlHandoff } from '#shell/wire';
import { type RunningControl, startControl } from '../../src/shell/control/start-control.ts';

/** A real signer, store, journal and control on sockets in a temporary folder: what tests of this room talk to. */
export interface TestControl {
  readonly folder: string;
  readonly handoff: ControlHandoff;
  readonly notices: readonly string[];
  control: RunningControl;
  restart(): Promise<void>;
  call(method: string, path: string, options?: CallOptions): Promise<TestAnswer>;
  stop(): Promise<void>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly socket?: 'admin' | 'web';
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on member by member
  readonly body: any;
}

/** Waits until it is so, as when control sees the commits of another process by its poll; the test's own time limit ends it otherwise. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(50);
}

export async function startTestControl(
  options: { config?: string; gatewaysPort?: number; clock?: () => number } = {},
): Promise<TestControl> {
  const clock = options.clock ?? Date.now;
  const folder = mkdtempSync(join(tmpdir(), 'nullius-control-'));
  const dataDirectory = join(folder, 'data');
  const run = join(dataDirectory, 'run');
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const configFile = options.config === undefined ? null : join(folder, 'nullius.yaml');
  if (configFile !== null) writeFileSync(configFile, options.config ?? '');
  const urls = { domain: 'localhost', appsDomain: 'localhost', scheme: 'http', port: 8080 } as const;
  const sockets = {
    admin: join(dataDirectory, 'control.sock'),
    gateway: join(run, 'gateway.sock'),
    web: join(run, 'web.sock'),
    signer: join(run, 'signer.sock'),
  };
  const signer = await startSigner(
    {
      type: 'signer',
      dataDirectory,
      rootKeyFile: join(folder, 'root-key'),
      socketPath: sockets.signer,
      controlToken: 'signer-token',
      urls,
    },
    clock,
  );
  const handoff: ControlHandoff = {
    type: 'control',
    dataDirectory,
    configFile,
    overrides: [],
    urls,
    sockets,
    signerToken: 'signer-token',
    gatewayToken: 'gateway-token',
    gatewaysListen: options.gatewaysPort === undefined ? null : { host: '127.0.0.1', port: options.gatewaysPort },
  };
  const notices: string[] = [];
  const begin = () =>
    startControl(handoff, {
      clock,
      version: '0.0.0',
      notice: (line) => notices.push(line),
      fail: (words) => notices.push(words),
    });
  const test: TestControl = {
    folder,
    handoff,
    notices,
    control: await begin(),
    async restart() {
      await test.control.stop();
      test.control = await begin();
    },
    call: (method, path, call = {}) =>
      call.socket === 'web'
        ? callSocket(sockets.web, { method, path, ...call })
        : callSocket(sockets.admin, {
            method,
            path,
            ...call,
            headers: {
              authorization: `Bearer ${readFileSync(adminTokenFile(dataDirectory), 'utf8')}`,
              ...call.headers,
            },
          }),
    async stop() {
      await test.control.stop();
      await signer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return test;
}

function callSocket(socketPath: string, call: CallOptions & { method: string; path: string }): Promise<TestAnswer> {
  const body =
    call.body === undefined ? undefined : typeof call.body === 'string' ? call.body : JSON.stringify(call.body);
  const headers = {
    host: call.socket === 'web' ? 'console.localhost:8080' : 'control',
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...call.headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method: call.method, path: call.path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        const isJson = /json/.test(response.headers['content-type'] ?? '');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: isJson && text !== '' ? JSON.parse(text) : null,
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
