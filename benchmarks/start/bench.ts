// Starts an installation with nothing compiled, as `npm ci` leaves it, and again, and with 10,000 policies; says how soon it is ready and what
// each process holds.
// npm run bench -- start [--only policies] > benchmarks/start/RESULTS.md
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { realisticPolicies } from '../gateway/policies.ts';

const root = join(import.meta.dirname, '../..');
const settleMs = 15_000;
const readyMsMax = 120_000;
const prepared = join(root, 'node_modules/.cache/nullius');

interface Held {
  readonly name: string;
  readonly rss: number;
  readonly pss: number;
  readonly anonymous: number;
  readonly cpuMs: number;
}

const kibibytes = (text: string, field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);

function readProcess(pid: number): Held {
  const proc = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
  const words = proc('cmdline');
  const name = /src\/shell\/(?:control\/)?([a-z-]+)\/(?:main|parse-process)\.ts/.exec(words)?.[1] ?? 'unknown';
  const rollup = proc('smaps_rollup');
  const [user = 0, system = 0] = proc('stat').split(') ')[1]?.split(' ').slice(11, 13).map(Number) ?? [];
  return {
    name,
    rss: kibibytes(proc('status'), 'VmRSS') / 1024,
    pss: kibibytes(rollup, 'Pss') / 1024,
    anonymous: kibibytes(rollup, 'Anonymous') / 1024,
    cpuMs: (user + system) * 10,
  };
}

function familyOf(pid: number): number[] {
  const children = globSync(`/proc/${pid}/task/*/children`).flatMap((file) =>
    readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

async function start(folder: string): Promise<{ child: ChildProcess; readyMs: number }> {
  const began = performance.now();
  const listen = ['plain', 'tls', 'operations'].flatMap((each) => ['--set', `listen.${each}=127.0.0.1:0`]);
  const child = spawn(join(root, 'bin/nullius'), ['up', '--data', join(folder, 'data'), ...listen], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const late = pause(readyMsMax).then(() => {
    throw new Error('it was not ready in time');
  });
  await Promise.race([once(child.stdout, 'data'), late]);
  return { child, readyMs: performance.now() - began };
}

async function measure(folder: string, title: string): Promise<void> {
  const { child, readyMs } = await start(folder);
  await pause(settleMs);
  const held = familyOf(child.pid ?? 0).map(readProcess);
  const sum = (of: (each: Held) => number) => held.reduce((total, each) => total + of(each), 0);
  const row = (name: string, cells: readonly number[]) =>
    `| ${[name, ...cells.map((cell) => cell.toFixed(0))].join(' | ')} |`;
  console.log(`\n## ${title}: ready after ${(readyMs / 1000).toFixed(1)} s\n`);
  console.log('| process | RSS MB | PSS MB | anonymous MB | CPU ms so far |\n| --- | --- | --- | --- | --- |');
  for (const each of held) console.log(row(each.name, [each.rss, each.pss, each.anonymous, each.cpuMs]));
  console.log(
    row('all', [
      sum((each) => each.rss),
      sum((each) => each.pss),
      sum((each) => each.anonymous),
      sum((each) => each.cpuMs),
    ]),
  );
  await end(child);
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Puts the shipped policies in force and so many others that there are `count`. */
async function publish(folder: string, count: number): Promise<number> {
  const policies = join(folder, 'policies');
  cpSync(join(root, 'policies'), policies, { recursive: true });
  const shipped = globSync(join(policies, '*.cedar')).map((file) => readFileSync(file, 'utf8'));
  const shippedCount = shipped.join('').split('@id(').length - 1;
  // A file may have one mebibyte.
  const others = realisticPolicies(count - shippedCount).text.split(/(?=^@id\()/m);
  for (let start = 0; start < others.length; start += 1_000)
    writeFileSync(join(policies, `50-bench-${start}.cedar`), others.slice(start, start + 1_000).join(''));
  const { child } = await start(folder);
  const began = performance.now();
  const where = ['--data', join(folder, 'data'), '--message', 'bench'];
  execFileSync(join(root, 'bin/nullius'), ['policy', 'publish', policies, ...where], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const took = performance.now() - began;
  await end(child);
  return took;
}

const seconds = (ms: number) => (ms / 1000).toFixed(1);

/** What many policies add to a warm start, each kind of start a few times in turn. */
async function measurePolicies(folder: string): Promise<void> {
  const [few, many] = [join(folder, 'few'), join(folder, 'many')];
  for (const each of [few, many]) {
    mkdirSync(each);
    await end((await start(each)).child);
  }
  const publishMs = await publish(many, policyCount);
  const took = { few: [] as number[], many: [] as number[] };
  for (let round = 0; round < startRounds; round += 1)
    for (const [name, each] of Object.entries({ few, many })) {
      const { child, readyMs } = await start(each);
      took[name as keyof typeof took].push(readyMs);
      await end(child);
    }
  const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1] ?? Number.NaN;
  const [fewMs, manyMs] = [median(took.few), median(took.many)];
  console.log(`\n## With ${policyCount.toLocaleString('en')} policies: ready after ${seconds(manyMs)} s\n`);
  console.log(
    `The median of ${startRounds} warm starts; with the shipped policies alone, started in turn with these, ${seconds(fewMs)} s. The policies add ${seconds(manyMs - fewMs)} s. Publishing them took ${seconds(publishMs)} s.`,
  );
  await measure(many, 'The same, a start later');
}

async function measureStarts(folder: string): Promise<void> {
  await measure(folder, 'First start after `npm ci`');
  await measure(folder, 'Second start');
  rmSync(join(folder, 'data'), { recursive: true });
  rmSync(join(folder, 'data.root-key'));
  renameSync(prepared, aside);
  isAside = true;
  await measure(folder, 'First start with nothing compiled (`npm ci --ignore-scripts`)');
}

const policyCount = 10_000;
const startRounds = 5;
const isPoliciesOnly = process.argv.includes('policies');

console.log('# Start and idle memory\n');
console.log(
  `\`npm run bench -- start\`, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, load average ${loadavg()[0]?.toFixed(1)}.`,
);
console.log(
  `Default configuration, nobody signed in, memory ${settleMs / 1000} s after the ready line. RSS counts what processes share (Node itself, about 43 MB) in each.`,
);
const folder = mkdtempSync(join(tmpdir(), 'nullius-bench-start-'));
const aside = `${prepared}.aside`;
let isAside = false;
try {
  if (!isPoliciesOnly) await measureStarts(folder);
  await measurePolicies(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
  if (isAside) {
    rmSync(prepared, { recursive: true, force: true });
    renameSync(aside, prepared);
  }
}
