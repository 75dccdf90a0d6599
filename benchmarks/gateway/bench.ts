// Our gateway beside nginx + auth_request, Caddy forward_auth, oauth2-proxy and a bare relay in Node: 1 KiB answers, 64 keep-alive connections, one worker
// each, session, decision and journalled event on every request of ours. Interleaved runs, medians, ratios.
// npm run bench -- gateway [--seconds 5] [--runs 5] [--policies 200] [--users 10000 [--active 64]] [--brief]
// `--policies`: so many beside the shipped ones. `--users`: so many people, each with a session, and the load is spread over them all;
// one of both by default. `--active`: only so many of them ask, others in every run: as where each connection is one person's. `--brief` leaves out all but nginx + auth_request, and the profile.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Installation, type InstallationOptions, startInstallation } from '../../tests/installation.ts';
import { atRate, connections, fullSpeed, median, RateMissed } from './load.ts';
import {
  type Bed,
  findProgram,
  type Peer,
  selfSigned,
  startCaddy,
  startNginx,
  startNodeRelay,
  startOauth2Proxy,
  startUpstream,
} from './peers.ts';
import { addPeople, cookiesOf, everybodysGroup } from './people.ts';
import { realisticPolicies } from './policies.ts';
import { partsOf } from './read-profile.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '5' },
    policies: { type: 'string', default: '1' },
    users: { type: 'string', default: '1' },
    active: { type: 'string' },
    out: { type: 'string' },
    brief: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const runs = Number(values.runs);
const policyCount = Number(values.policies);
const userCount = Number(values.users);
const activeCount = Number(values.active ?? values.users);
/** Compiled code wants thousands of requests before it is what serves for the rest of a day; for everybody, so that it is fair. */
const warmUpSeconds = 10;
/**
 * Before each run, so that the whole of what lives half a minute (assertions) is not made anew in the few seconds that are measured because
 * the others had their turn; for everybody.
 */
const lapSeconds = activeCount > connections ? 8 : 3;
const loadBefore = loadavg()[0] ?? 0;

interface Contender {
  readonly plain: Peer;
  readonly tls: Peer;
}

/** One installation with the benchmark's app, its policies, and people who are signed in to it. */
async function startOurs(bed: Bed, options: InstallationOptions): Promise<{ peer: Peer; installation: Installation }> {
  const first = await startInstallation(options);
  running.push(first);
  const run = async (...args: string[]) => {
    const { code, stderr } = await first.cli(...args);
    if (code !== 0) throw new Error(`nullius ${args.join(' ')}: ${stderr}`);
  };
  await run('protect', bed.upstream, '--as', 'bench');
  const policies = join(first.folder, 'policies');
  cpSync(fileURLToPath(new URL('../../policies', import.meta.url)), policies, { recursive: true });
  writeFileSync(join(policies, 'more.cedar'), `${permitBench}\n${realisticPolicies(policyCount - 1).text}`);
  await run('policy', 'publish', '--from', policies, '--message', 'benchmark');
  await first.stop();
  running.splice(running.indexOf(first), 1);
  await addPeople(first.data, { count: userCount, app: 'bench' });
  const installation = await startInstallation(options);
  running.push(installation);
  const origin = installation.appOrigin('bench');
  // Over TLS the URL must have the name, because that is the server name to ask for.
  const url = options.tls === true ? `${origin}/` : `http://127.0.0.1:${installation.port}/`;
  return { installation, peer: { name: 'Nullius', url, headers: { Host: new URL(origin).host } } };
}

const permitBench = `@id("staff-open-bench")
@description("Everybody who works here may open the benchmark's app.")
permit(principal in Group::"${everybodysGroup}", action in Action::"access", resource == App::"bench");`;

const ofKind = { plain: {}, tls: { tls: true, config: 'domain: bench.test\n' } } as const;

function folderIn(name: string): string {
  const folder = join(directory, name);
  mkdirSync(folder);
  return folder;
}

/** Under full load, with V8's profiler in the gateway: what share of its main thread each part takes. */
async function profile(bed: Bed, kind: 'plain' | 'tls'): Promise<string[]> {
  const profiles = folderIn(`profiles-${kind}`);
  const { peer, installation } = await startOurs(bed, {
    folder: folderIn(`profiled-${kind}`),
    ...ofKind[kind],
    environment: {
      NODE_OPTIONS: `--import=${new URL('./profile-gateway.ts', import.meta.url)}`,
      NULLIUS_BENCH_PROFILE: profiles,
    },
  });
  fullSpeed(peer, { seconds: warmUpSeconds, cookies: cookiesIn(0) });
  fullSpeed(peer, { seconds, cookies: cookiesIn(0) });
  await installation.stop();
  return [
    `\n## Where the main thread of the gateway spends its time, ${kind === 'plain' ? 'plain' : 'over TLS'}\n`,
    row(['part', 'share of busy time']),
    row(['---', '---:']),
    ...partsOf(profiles, seconds).map(({ part, share }) => row([part, `${(share * 100).toFixed(1)} %`])),
  ];
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

const everybody = cookiesOf(userCount);
/** Who asks in this run: by steps through all of them, so that runs have other people and those who were made together do not ask together. */
const cookiesIn = (run: number) =>
  activeCount >= userCount
    ? everybody
    : Array.from({ length: activeCount }, (_, at) => everybody[((run * activeCount + at) * 7919) % userCount] ?? '');
const directory = mkdtempSync(join(tmpdir(), 'nullius-bench-'));
const running: Installation[] = [];
const bed = { directory, children: [], certificate: selfSigned(directory) } as unknown as Bed & { upstream: string };

/** Interleaved runs at full speed, then the 99th percentile at 70 % of our own maximum. */
function measure(kind: 'plain' | 'tls', contenders: readonly Contender[]): string[] {
  const results = new Map<string, { perSecond: number[]; p99: number[] }>();
  for (const contender of contenders) fullSpeed(contender[kind], { seconds: warmUpSeconds, cookies: everybody });
  for (let run = 0; run < runs; run += 1) {
    const cookies = cookiesIn(run);
    for (const contender of contenders) {
      const peer = contender[kind];
      fullSpeed(peer, { seconds: lapSeconds, cookies });
      const figures = fullSpeed(peer, { seconds, cookies });
      const kept = results.get(peer.name) ?? { perSecond: [], p99: [] };
      kept.perSecond.push(figures.perSecond);
      kept.p99.push(figures.p99Ms);
      results.set(peer.name, kept);
      process.stderr.write(
        `${kind} run ${run + 1} ${peer.name}: ${figures.perSecond.toFixed(0)}/s, p99 ${figures.p99Ms.toFixed(1)} ms\n`,
      );
    }
  }
  const nullius = median(results.get('Nullius')?.perSecond ?? []);
  const lines = [
    `\n## ${kind === 'plain' ? 'Plain HTTP/1.1' : 'TLS 1.3, HTTP/1.1'}\n`,
    row(['', 'requests/s, median of runs', 'p99 ms', 'Nullius is … times this']),
    row(['---', '---:', '---:', '---:']),
  ];
  for (const [name, { perSecond, p99 }] of results) {
    const middle = median(perSecond);
    lines.push(row([name, middle.toFixed(0), median(p99).toFixed(1), (nullius / middle).toFixed(2)]));
  }
  const rate = nullius * 0.7;
  const ofNullius: number[] = [];
  const ofNginx: number[] = [];
  let missedRounds = 0;
  const ours = contenders.find((each) => each[kind].name === 'Nullius')?.[kind];
  const theirs = contenders.find((each) => each[kind].name === 'nginx + auth_request')?.[kind];
  if (ours === undefined || theirs === undefined) return lines;
  // In turn as well: one after the other, a slow minute of the machine would be one contender's alone.
  for (let left = runs * 2; ofNginx.length < runs && left > 0; left -= 1) {
    try {
      const own = atRate(ours, { perSecond: rate, seconds, cookies: everybody });
      const nginx = atRate(theirs, { perSecond: rate, seconds, cookies: everybody });
      ofNullius.push(own);
      ofNginx.push(nginx);
      const figures = `p99 ${own.toFixed(2)} ms, nginx + auth_request ${nginx.toFixed(2)} ms`;
      process.stderr.write(`${kind} at ${rate.toFixed(0)}/s: ${figures}\n`);
    } catch (error) {
      // The machine had less to give than when the rate was found. Such a round says nothing of either.
      if (!(error instanceof RateMissed)) throw error;
      missedRounds += 1;
      process.stderr.write(`${kind}: ${error.message}; the round is left out\n`);
    }
  }
  const [p99, nginxP99] = [median(ofNullius), median(ofNginx)];
  const ratios = ofNullius.map((each, run) => each / (ofNginx[run] ?? Number.NaN));
  lines.push(
    `\nAt ${rate.toFixed(0)} requests/s (70 % of our maximum), ${ofNginx.length} runs in turn${missedRounds === 0 ? '' : ` (${missedRounds} more left out, in which one of the two did not reach that rate)`}, p99 is ${p99.toFixed(2)} ms for Nullius and ${nginxP99.toFixed(2)} ms for nginx + auth_request: ${(p99 / nginxP99).toFixed(2)} times by medians, ${median(ratios).toFixed(2)} run by run.`,
  );
  return lines;
}

try {
  for (const [program, words] of [
    ['/usr/bin/wrk', 'wrk'],
    ['/usr/bin/h2load', 'nghttp2-client'],
  ] as const) {
    if (findProgram([program]) === undefined)
      throw new Error(`\`${program}\` is missing (Debian package \`${words}\`)`);
  }
  Object.assign(bed, { upstream: await startUpstream(bed) });
  const plain = await startOurs(bed, { folder: folderIn('plain'), ...ofKind.plain });
  const tls = await startOurs(bed, { folder: folderIn('tls'), ...ofKind.tls });
  const contenders: Contender[] = [{ plain: plain.peer, tls: tls.peer }];
  const missing: string[] = [];
  const peers = values.brief
    ? [await startNginx(bed, { withAuth: true })]
    : [
        await startNginx(bed, { withAuth: false }),
        await startNginx(bed, { withAuth: true }),
        await startCaddy(bed),
        await startOauth2Proxy(bed),
        await startNodeRelay(bed),
      ];
  for (const started of peers) {
    if ('missing' in started) missing.push(started.missing);
    else contenders.push(started);
  }
  const lines = [...measure('plain', contenders), ...measure('tls', contenders)];
  for (const installation of running.splice(0)) await installation.stop();
  if (!values.brief) lines.push(...(await profile(bed, 'plain')), ...(await profile(bed, 'tls')));
  const machine = `${cpus().length} cores, ${cpus()[0]?.model.trim()}`;
  const load =
    userCount === 1 && policyCount === 1
      ? 'by the shipped policies and one more, for one person'
      : `by ${policyCount} policies beside the shipped ones, for ${userCount} people with a session each, over ${activeCount >= userCount ? 'all' : `${activeCount}`} of whom the requests at full speed are spread${activeCount >= userCount ? '' : ', others in every run'}`;
  const head = `# Gateway throughput\n\nMade by \`npm run bench -- gateway --runs ${runs} --seconds ${seconds} --policies ${policyCount} --users ${userCount}${values.active === undefined ? '' : ` --active ${activeCount}`}\` on ${machine}; load average ${loadBefore.toFixed(1)} before it began. Each warmed up for ${warmUpSeconds} s at first and ${lapSeconds} s before each run. Load generator, upstream and proxies share the machine: only the ratios mean anything. ${connections} keep-alive connections, 1 KiB answers, one worker or thread for each proxy; for us session, decision, assertion and journalled event on every request, ${load}. oauth2-proxy is taken from \`OAUTH2_PROXY\`, else from where packages put it.\n${missing.map((each) => `\nNot measured: ${each}.`).join('')}`;
  const text = `${head}${lines.join('\n')}\n`;
  if (values.out !== undefined) writeFileSync(values.out, text);
  process.stdout.write(text);
} finally {
  for (const installation of running) await installation.stop();
  for (const child of bed.children) child.kill();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
