// Starts both servers on one core and reads what they cost.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../tests/free-port.ts';
import { startInstallation } from '../../tests/installation.ts';

const root = join(import.meta.dirname, '../..');

export interface Server {
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** Processor seconds that a process, with all its threads, has used. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function onCore(pid: number, core: number): void {
  spawnSync('taskset', ['-a', '-p', '-c', String(core), String(pid)]);
}

/** The whole product with the to-do example; what is measured is its gateway process, journal thread included. */
export async function startNullius(core: number): Promise<Server & { url: string; token: string }> {
  const port = await freePort();
  const up = await startInstallation({ overrides: [`listen.pdp=127.0.0.1:${port}`] });
  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await up.cli(...words);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const policies = join(up.folder, 'policies');
  cpSync(join(root, 'policies'), policies, { recursive: true });
  cpSync(join(root, 'examples/authzen-todo/todo.cedar'), join(policies, 'todo.cedar'));
  const schema = readFileSync(join(policies, 'schema.cedarschema'), 'utf8');
  const todo = readFileSync(join(root, 'examples/authzen-todo/todo.cedarschema'), 'utf8');
  writeFileSync(join(policies, 'schema.cedarschema'), `${schema}\n${todo}`);
  await run('policy', 'publish', '--from', policies, '-m', 'bench');
  await run('entity', 'import', join(root, 'examples/authzen-todo/entities.json'));
  const token = await run('token', 'create', '--scope', 'pdp:namespace:Todo');
  const pid = childNamed(up.process.pid ?? 0, 'gateway');
  onCore(pid, core);
  return {
    pid,
    url: `http://127.0.0.1:${port}`,
    token,
    stop: async () => {
      await up.stop();
      rmSync(up.folder, { recursive: true, force: true });
    },
  };
}

/** The process below this one whose command line speaks of `word`. */
function childNamed(parent: number, word: string): number {
  const below = [parent];
  for (const each of below) {
    const tasks = readdirSync(`/proc/${each}/task`);
    for (const task of tasks) {
      const children = readFileSync(`/proc/${each}/task/${task}/children`, 'utf8').trim();
      if (children !== '') below.push(...children.split(' ').map(Number));
    }
  }
  const found = below.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`shell/${word}/main`));
  if (found === undefined) throw new Error(`no process of ${word} below ${parent}`);
  return found;
}

/** Cerbos with the same rules, no audit log; null when its program is not there. */
export async function startCerbos(
  program: string,
  core: number,
): Promise<Server & { http: number; grpc: number; version: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-cerbos-'));
  const [http, grpc] = [await freePort(), await freePort()];
  mkdirSync(join(folder, 'policies'));
  cpSync(join(import.meta.dirname, 'cerbos'), join(folder, 'policies'), { recursive: true });
  const config = [
    `server: { httpListenAddr: "127.0.0.1:${http}", grpcListenAddr: "127.0.0.1:${grpc}" }`,
    `storage: { driver: disk, disk: { directory: "${folder}/policies", watchForChanges: false } }`,
    'telemetry: { disabled: true }',
    'audit: { enabled: false }',
  ];
  writeFileSync(join(folder, 'cerbos.yaml'), config.join('\n'));
  const child: ChildProcess = spawn(program, ['server', `--config=${folder}/cerbos.yaml`, '--log-level=error'], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'] ?? '', GOMAXPROCS: '1', HOME: folder },
  });
  const ended = once(child, 'close');
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${http}/_cerbos/health`).catch(() => null);
    if (answer?.ok === true) break;
    await sleep(50);
  }
  const pid = child.pid ?? 0;
  onCore(pid, core);
  const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
  return {
    pid,
    http,
    grpc,
    version,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
