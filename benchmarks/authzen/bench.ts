// AuthZEN evaluations over the network against Cerbos, each server on one core: `npm run bench -- authzen [--seconds 5] [--runs 3]`.
// Cerbos: `npm pack @cerbos/cerbos-linux-x64` in a folder of its own, its program named by CERBOS.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  authzenBatch,
  authzenBody,
  batches,
  batchSize,
  cerbosBody,
  cerbosMessage,
  differentBatches,
  questions,
} from './questions.ts';
import { processorSeconds, startCerbos, startNullius } from './servers.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, runs: { type: 'string' } } });
const seconds = Number(values.seconds ?? 5);
const runs = Number(values.runs ?? 3);
const warmupSeconds = 4;
const [serverCore, clientCore] = [0, 1];
const connections = 32;

interface Load {
  readonly name: string;
  readonly pid: number;
  /** Decisions in one request. */
  readonly decisions: number;
  readonly command: (seconds: number) => string[];
}

const folder = mkdtempSync(join(tmpdir(), 'nullius-bench-authzen-'));

/** A script for wrk that sends these bodies in turn. */
function script(name: string, bodies: readonly string[], headers: Readonly<Record<string, string>>): string {
  const quoted = bodies.map((body) => `[==[${body}]==]`).join(',\n');
  const fields = Object.entries(headers).map(([field, value]) => `["${field}"]="${value}"`);
  const file = join(folder, `${name}.lua`);
  writeFileSync(
    file,
    `local bodies = {\n${quoted}\n}\nlocal at = 0\nlocal requests = {}\ninit = function()\n  for i, body in ipairs(bodies) do requests[i] = wrk.format("POST", nil, {${fields.join(', ')}}, body) end\nend\nrequest = function()\n  at = at % #requests + 1\n  return requests[at]\nend\n`,
  );
  return file;
}

/** HTTP/1.1 by wrk. */
function http(url: string, options: { name: string; bodies: readonly string[]; headers?: Record<string, string> }) {
  const headers = { 'Content-Type': 'application/json', ...options.headers };
  const file = script(options.name.replaceAll(/\W/g, '-'), options.bodies, headers);
  return (time: number) => ['wrk', '-t1', `-c${connections}`, `-d${time}s`, '-s', file, url];
}

/** gRPC by h2load, one body. */
function grpc(url: string, options: { name: string; body: Uint8Array }) {
  const file = join(folder, `${options.name.replaceAll(/\W/g, '-')}.bin`);
  writeFileSync(file, options.body);
  const fields = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  return (time: number) => ['h2load', '-t1', '-c8', '-m4', `-D${time}`, '-d', file, ...fields, url];
}

interface Measured {
  readonly perSecond: number;
  /** Processor microseconds of the server for one decision. */
  readonly microseconds: number;
}

async function measure(load: Load, time: number): Promise<Measured> {
  const before = processorSeconds(load.pid);
  const [program = '', ...words] = load.command(time);
  const child = spawn('taskset', ['-c', String(clientCore), program, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  await once(child, 'close');
  const used = processorSeconds(load.pid) - before;
  const wrk = /(\d+) requests in/.exec(output);
  const h2load = /requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded/.exec(output);
  const count = Number(wrk?.[1] ?? h2load?.[1] ?? 0) * load.decisions;
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? /succeeded, ([1-9]\d*) failed/.exec(output)?.[1];
  if (count === 0 || bad !== undefined) throw new Error(`${load.name}: ${output}`);
  return { perSecond: count / time, microseconds: (used * 1e6) / count };
}

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;

const nullius = await startNullius(serverCore);
const program = process.env['CERBOS'];
const cerbos = program !== undefined && existsSync(program) ? await startCerbos(program, serverCore) : null;
if (cerbos === null) console.error('Cerbos is not there (CERBOS names no program): left out');

const authorization = { Authorization: `Bearer ${nullius.token}` };
const single = questions.map(({ request }) => request);
const loads: Load[] = [
  {
    name: 'Nullius, evaluation, HTTP',
    pid: nullius.pid,
    decisions: 1,
    command: http(`${nullius.url}/access/v1/evaluation`, {
      name: 'nullius',
      bodies: single.map(authzenBody),
      headers: authorization,
    }),
  },
  {
    name: `Nullius, evaluations of ${batchSize}, HTTP`,
    pid: nullius.pid,
    decisions: batchSize,
    command: http(`${nullius.url}/access/v1/evaluations`, {
      name: 'nullius batch',
      bodies: batches().map(authzenBatch),
      headers: authorization,
    }),
  },
  {
    name: `Nullius, evaluations of ${batchSize} that differ, HTTP`,
    pid: nullius.pid,
    decisions: batchSize,
    command: http(`${nullius.url}/access/v1/evaluations`, {
      name: 'nullius different',
      bodies: differentBatches().map(authzenBatch),
      headers: authorization,
    }),
  },
];
if (cerbos !== null) {
  const check = `http://127.0.0.1:${cerbos.http}/api/check/resources`;
  const call = `http://127.0.0.1:${cerbos.grpc}/cerbos.svc.v1.CerbosService/CheckResources`;
  const [first = []] = batches().slice(1);
  loads.push(
    {
      name: 'Cerbos, one resource, HTTP',
      pid: cerbos.pid,
      decisions: 1,
      command: http(check, { name: 'cerbos', bodies: single.map((question) => cerbosBody([question])) }),
    },
    {
      name: 'Cerbos, one resource, gRPC',
      pid: cerbos.pid,
      decisions: 1,
      command: grpc(call, { name: 'cerbos grpc', body: cerbosMessage(first.slice(4, 5)) }),
    },
    {
      name: `Cerbos, ${batchSize} resources, HTTP`,
      pid: cerbos.pid,
      decisions: batchSize,
      command: http(check, { name: 'cerbos batch', bodies: batches().map(cerbosBody) }),
    },
    {
      name: `Cerbos, ${batchSize} resources that differ, HTTP`,
      pid: cerbos.pid,
      decisions: batchSize,
      command: http(check, { name: 'cerbos different', bodies: differentBatches().map(cerbosBody) }),
    },
    {
      name: `Cerbos, ${batchSize} resources, gRPC`,
      pid: cerbos.pid,
      decisions: batchSize,
      command: grpc(call, { name: 'cerbos grpc batch', body: cerbosMessage(first) }),
    },
  );
}

try {
  for (const load of loads) await measure(load, warmupSeconds);
  const results = new Map<string, Measured[]>(loads.map(({ name }) => [name, []]));
  // In turn, so that a machine that changes its speed does so for all.
  for (let round = 0; round < runs; round += 1) {
    for (const load of loads) results.get(load.name)?.push(await measure(load, seconds));
  }
  console.log(
    `${availableParallelism()} cores, load average ${loadavg()
      .map((each) => each.toFixed(1))
      .join(' ')}; ${cerbos?.version ?? ''}`,
  );
  console.log(
    `server on core ${serverCore}, client on core ${clientCore}, ${connections} connections, median of ${runs} runs of ${seconds} s\n`,
  );
  console.log('| | decisions/s | processor µs a decision |\n| --- | ---: | ---: |');
  for (const [name, list] of results) {
    const perSecond = Math.round(median(list.map((each) => each.perSecond)));
    console.log(
      `| ${name} | ${perSecond.toLocaleString('en')} | ${median(list.map((each) => each.microseconds)).toFixed(1)} |`,
    );
  }
} finally {
  await nullius.stop();
  await cerbos?.stop();
  rmSync(folder, { recursive: true, force: true });
}
