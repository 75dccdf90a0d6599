// What lasts behind the gateway: how fast open streams are cut, what idle WebSockets cost, how much memory a large body takes.
// npm run bench -- live [--streams 1000] [--sockets 10000] [--gibibytes 2] [--rounds 2] [--out FILE]
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Installation, startInstallation } from '../../tests/installation.ts';
import type { PasskeyClient } from '../../tests/passkey-client.ts';
import { ask, download, openStream, openWebSocket, statusOf, type Target, upload } from './clients.ts';
import { gatewayOf, highestDuring, residentBytes } from './memory.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000' },
    sockets: { type: 'string', default: '10000' },
    gibibytes: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '2' },
    out: { type: 'string' },
  },
});
const streams = Number(values.streams);
const rounds = Number(values.rounds);
const bodyBytes = Math.round(Number(values.gibibytes) * 1024 ** 3);
const openAtOnce = 50;
const publications = 20;
const shippedPolicies = fileURLToPath(new URL('../../policies', import.meta.url));
const descriptorsWanted = 65_536;
/** Files, libraries and sockets the gateway has open besides tunnels, generously. */
const descriptorsBesides = 200;

const mebibytes = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function openMany<T>(count: number, open: () => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  while (opened.length < count) {
    const next = Math.min(openAtOnce, count - opened.length);
    opened.push(...(await Promise.all(Array.from({ length: next }, open))));
  }
  return opened;
}

async function run(installation: Installation, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await installation.cli(...args);
  if (code !== 0) throw new Error(`nullius ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Calls the administration API as the signed-in administrator. */
async function call(bed: Bed, method: string, options: { path: string; body?: unknown }): Promise<unknown> {
  const url = `${bed.installation.consoleOrigin}/api/v1${options.path}`;
  const origin = new URL(url).origin;
  const sameOrigin = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', accept: 'application/json', origin };
  const reply = await bed.admin.send(url, { method, body: options.body, headers: sameOrigin });
  if (reply.status >= 300) throw new Error(`${method} ${options.path}: ${reply.status} ${reply.body.slice(0, 300)}`);
  return reply.body === '' ? null : JSON.parse(reply.body);
}

interface Bed {
  readonly installation: Installation;
  readonly admin: PasskeyClient;
  readonly grace: PasskeyClient;
  readonly graceId: string;
  readonly gateway: number;
}

async function prepare(installation: Installation, app: string): Promise<Bed> {
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  await admin.open(installation.consoleOrigin);
  await run(installation, ['protect', app, '--as', 'bench']);
  const invited = JSON.parse(await run(installation, ['user', 'invite', 'grace', '--json'])) as { url: string };
  const grace = installation.person();
  await grace.enrol(invited.url, { name: 'grace' });
  await run(installation, ['group', 'create', 'team']);
  const gateway = gatewayOf(installation.process.pid ?? 0);
  const bed = { installation, admin, grace, gateway, graceId: '' };
  const { items } = (await call(bed, 'GET', { path: '/users?limit=200' })) as { items: { id: string; name: string }[] };
  const graceId = items.find(({ name }) => name === 'grace')?.id ?? '';
  await publish(bed, [permit]);
  await call(bed, 'PUT', { path: `/groups/team/members/${graceId}` });
  return { ...bed, graceId };
}

const permit = `permit(principal in Group::"team", action, resource == App::"bench");`;
const forbid = `forbid(principal in Group::"team", action, resource == App::"bench");`;

/** Puts the policies that come with the product in force, and these. */
function publish(bed: Bed, policies: readonly string[]): Promise<unknown> {
  const named = policies.map((policy, index) => `@id("bench-${index}")\n@description("Benchmark.")\n${policy}\n`);
  const shipped = readdirSync(shippedPolicies)
    .filter((file) => file.endsWith('.cedar'))
    .map((file) => ({ file, text: readFileSync(join(shippedPolicies, file), 'utf8') }));
  const body = {
    policies: [...shipped, { file: 'bench.cedar', text: named.join('') }],
    tests: [],
    override: 'the tests are about other policies',
    message: 'benchmark',
  };
  return call(bed, 'POST', { path: '/policies/publish', body });
}

async function signedIn({ installation, grace }: Bed): Promise<Target> {
  const origin = installation.appOrigin('bench');
  let page = await grace.open(origin);
  for (let again = 0; page.status === 303 && again < 5; again += 1) {
    await wait(500);
    page = await grace.open(origin);
  }
  if (page.status !== 200) throw new Error(`the app answered ${page.status}: ${page.body.slice(0, 200)}`);
  const { host } = new URL(origin);
  const cookie = [...grace.cookies(host)].map(([name, value]) => `${name}=${value}`).join('; ');
  return { port: installation.port, headers: { host, cookie } };
}

/** Opens the streams, ends the right to them, and takes the time from the API's answer to each stream's end, milliseconds. */
async function cutting(
  bed: Bed,
  ending: { end: () => Promise<unknown>; mend: () => Promise<unknown> },
): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const target = await signedIn(bed);
    const opened = await openMany(streams, () => openStream(target));
    await wait(200);
    const answered = ending.end().then(() => performance.now());
    const closed = await Promise.all(opened.map((stream) => stream.closed));
    const from = await answered;
    times.push(...closed.map((at) => Math.max(0, at - from)));
    await ending.mend();
  }
  return times;
}

async function measureCuts(bed: Bed): Promise<string[]> {
  const user = `/users/${bed.graceId}`;
  const nothing = async () => undefined;
  const cases = [
    {
      what: 'session revoked',
      limit: '100 ms',
      end: () => call(bed, 'POST', { path: `${user}/revoke-sessions`, body: {} }),
      mend: nothing,
    },
    {
      what: 'user suspended',
      limit: '100 ms',
      end: () => call(bed, 'PATCH', { path: user, body: { status: 'suspended' } }),
      mend: () => call(bed, 'PATCH', { path: user, body: { status: 'active' } }),
    },
    {
      what: 'taken out of a group',
      limit: '1 s',
      end: () => call(bed, 'DELETE', { path: `/groups/team/members/${bed.graceId}` }),
      mend: () => call(bed, 'PUT', { path: `/groups/team/members/${bed.graceId}` }),
    },
    {
      what: 'policy published',
      limit: '1 s',
      end: () => publish(bed, [permit, forbid]),
      mend: () => publish(bed, [permit]),
    },
  ];
  const lines = [
    '| what ends them | p50 ms | p99 ms | last ms | target for p99 |',
    '| --- | ---: | ---: | ---: | ---: |',
  ];
  for (const { what, limit, ...ending } of cases) {
    process.stderr.write(`cutting ${streams} streams: ${what}\n`);
    const times = await cutting(bed, ending);
    const [middle, high, last] = [0.5, 0.99, 1].map((share) => percentile(times, share).toFixed(1));
    lines.push(`| ${what} | ${middle} | ${high} | ${last} | ${limit} |`);
  }
  return lines;
}

/** Publications by turns with and without a `forbid`: how long each takes, and when requests are judged by it. */
async function measurePublications(bed: Bed): Promise<string> {
  process.stderr.write('publications\n');
  const target = await signedIn(bed);
  const whole: number[] = [];
  const effect: number[] = [];
  for (let round = 0; round < publications; round += 1) {
    const isForbidden = round % 2 === 0;
    const begun = performance.now();
    const answered = publish(bed, isForbidden ? [permit, forbid] : [permit]).then(() => performance.now());
    while ((await statusOf(target)) !== (isForbidden ? 403 : 200)) await wait(1);
    const inForce = performance.now();
    whole.push((await answered) - begun);
    effect.push(Math.max(0, inForce - (await answered)));
  }
  const words = (times: number[]) =>
    [0.5, 1].map((share) => `${percentile(times, share).toFixed(0)} ms`).join(' at the median, at most ');
  return `${publications} publications, nothing else going on. From the API's answer until requests are judged by it: ${words(effect)} (asked: under 200 ms). From the call to the API's answer (parse, validate, sign, store): ${words(whole)}.`;
}

async function measureIdleSockets(bed: Bed): Promise<string> {
  process.stderr.write(`${sockets} idle WebSockets\n`);
  const target = await signedIn(bed);
  const before = residentBytes(bed.gateway);
  const closers = await openMany(sockets, () => openWebSocket(target));
  await wait(3_000);
  const each = (residentBytes(bed.gateway) - before) / sockets / 1024;
  const times: number[] = [];
  for (let asked = 0; asked < 500; asked += 1) times.push(await ask(target));
  for (const close of closers) close();
  await wait(2_000);
  const limit = sockets < Number(values.sockets) ? ` (all that ${descriptors} open files allow)` : '';
  return `${sockets} idle WebSockets${limit}: ${each.toFixed(1)} KiB of resident memory each (both sides of the tunnel). Meanwhile 500 requests, one after the other, were all served: p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms.`;
}

async function measureBodies(bed: Bed): Promise<string[]> {
  const target = await signedIn(bed);
  await wait(2_000);
  const idle = residentBytes(bed.gateway);
  const lines = ['| body | MiB/s | highest resident memory above idle |', '| --- | ---: | ---: |'];
  const cases: [string, () => Promise<number>][] = [
    ['download', () => download(target, { bytes: bodyBytes })],
    ['upload', () => upload(target, bodyBytes)],
    [
      'download by a slow reader (1 MiB/s, 10 s)',
      () => download(target, { bytes: bodyBytes, slow: { bytesPerSecond: 1024 ** 2, seconds: 10 } }),
    ],
  ];
  for (const [what, transfer] of cases) {
    process.stderr.write(`${what}\n`);
    const begun = performance.now();
    const { bytes, result } = await highestDuring(bed.gateway, transfer);
    if (!what.includes('slow') && result !== bodyBytes) throw new Error(`${what}: ${result} of ${bodyBytes} bytes`);
    const perSecond = result / 1024 ** 2 / ((performance.now() - begun) / 1000);
    lines.push(`| ${what} | ${perSecond.toFixed(0)} | ${mebibytes(bytes - idle)} |`);
  }
  return lines;
}

// Each tunnel takes two descriptors of the gateway; children inherit the limit. Without the right to raise it, fewer sockets must do.
spawnSync('prlimit', [`--pid=${process.pid}`, `--nofile=${descriptorsWanted}:${descriptorsWanted}`]);
const descriptors = Number(
  spawnSync('prlimit', [`--pid=${process.pid}`, '--nofile', '--output=HARD', '--noheadings']).stdout,
);
const sockets = Math.min(Number(values.sockets), Math.floor((descriptors - descriptorsBesides) / 2));
const app = fork(new URL('./app.ts', import.meta.url));
const [port] = (await once(app, 'message')) as [number];
const installation = await startInstallation();
try {
  const bed = await prepare(installation, `http://127.0.0.1:${port}`);
  const lines = [
    '# What lasts: streams, sockets, large bodies',
    `Made by \`npm run bench -- live\` (${streams} streams, ${rounds} rounds) on ${cpus().length} cores, ${cpus()[0]?.model.trim()}. Clients, gateway and app share the machine.`,
    `## From the API's answer to the end of each of ${streams} open event streams`,
    ...(await measureAll(bed)),
  ];
  const text = `${lines.join('\n\n')}\n`;
  if (values.out !== undefined) writeFileSync(values.out, text);
  process.stdout.write(text);
} finally {
  await installation.stop();
  app.disconnect();
  rmSync(installation.folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Memory is measured first, idle sockets last: what they took is given back late. */
async function measureAll(bed: Bed): Promise<string[]> {
  const bodies = await measureBodies(bed);
  const published = await measurePublications(bed);
  const cuts = await measureCuts(bed);
  const idleSockets = await measureIdleSockets(bed);
  return [
    cuts.join('\n'),
    '## Publishing',
    published,
    '## Idle WebSockets',
    idleSockets,
    `## Bodies of ${values.gibibytes} GiB`,
    bodies.join('\n'),
  ];
}
