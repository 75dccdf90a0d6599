// Our gateway beside nginx + auth_request, Caddy forward_auth and oauth2-proxy: 1 KiB answers, 64 keep-alive connections, one worker
// each, session, decision and journalled event on every request of ours. Interleaved runs, medians, ratios.
// npm run bench -- gateway [--seconds 5] [--runs 5]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Installation, startInstallation } from '../../tests/installation.ts';
import { atRate, connections, fullSpeed, median } from './load.ts';
import {
  type Bed,
  findProgram,
  freePort,
  type Peer,
  selfSigned,
  startCaddy,
  startNginx,
  startOauth2Proxy,
  startUpstream,
} from './peers.ts';
import { realisticPolicies } from './policies.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '5' },
    users: { type: 'string', default: '0' },
    policies: { type: 'string', default: '0' },
    out: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const runs = Number(values.runs);

interface Contender {
  readonly plain: Peer;
  readonly tls: Peer;
}

async function startOurs(bed: Bed): Promise<{ contender: Contender; installation: Installation }> {
  const folder = join(bed.directory, 'nullius');
  mkdirSync(folder);
  const tlsPort = await freePort();
  const { count, text } = realisticPolicies(Number(values.policies));
  const installation = await startInstallation({ folder, overrides: [`listen.tls=127.0.0.1:${tlsPort}`] });
  const person = installation.person();
  await person.enrol(installation.firstAdministrator, { name: 'bench' });
  const protect = await installation.cli('protect', bed.upstream, '--as', 'bench');
  if (protect.code !== 0) throw new Error(protect.stderr);
  if (count > 0) {
    const policies = join(folder, 'more.cedar');
    writeFileSync(policies, text);
    const published = await installation.cli('policy', 'publish', policies, '--add', '--message', 'benchmark');
    if (published.code !== 0) throw new Error(published.stderr);
  }
  const page = await person.open(installation.appOrigin('bench'));
  if (page.status !== 200) throw new Error(`the benchmark's app answered ${page.status}: ${page.body.slice(0, 300)}`);
  const host = new URL(installation.appOrigin('bench')).host;
  const cookie = [...person.cookies(host)].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = { Host: host, cookie };
  const name = 'Nullius';
  return {
    installation,
    contender: {
      plain: { name, url: `http://127.0.0.1:${installation.port}/`, headers },
      // The name resolves to loopback by --resolve-like addressing: the certificate is for the host, the connection to 127.0.0.1.
      tls: {
        name,
        url: `https://bench.localhost:${tlsPort}/`,
        headers: { cookie, Host: `bench.localhost:${tlsPort}` },
      },
    },
  };
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

const directory = mkdtempSync(join(tmpdir(), 'nullius-bench-'));
const bed = { directory, children: [], certificate: selfSigned(directory) } as unknown as Bed & { upstream: string };
let installation: Installation | undefined;
try {
  if (findProgram(['/usr/bin/wrk']) === undefined) throw new Error('wrk is missing (Debian package `wrk`)');
  Object.assign(bed, { upstream: await startUpstream(bed) });
  const ours = await startOurs(bed);
  installation = ours.installation;
  const contenders: Contender[] = [ours.contender];
  const missing: string[] = [];
  for (const started of [
    await startNginx(bed, { withAuth: false }),
    await startNginx(bed, { withAuth: true }),
    await startCaddy(bed),
    await startOauth2Proxy(bed),
  ]) {
    if ('missing' in started) missing.push(started.missing);
    else contenders.push(started);
  }
  const lines: string[] = [];
  for (const kind of ['plain', 'tls'] as const) {
    const results = new Map<string, { perSecond: number[]; p99: number[] }>();
    if (kind === 'tls') break;
    for (const contender of contenders) fullSpeed(contender[kind], 2);
    for (let run = 0; run < runs; run += 1) {
      for (const contender of contenders) {
        const peer = contender[kind];
        const figures = fullSpeed(peer, seconds);
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
    lines.push(
      `\n## ${kind === 'plain' ? 'Plain HTTP/1.1' : 'TLS 1.3, HTTP/1.1'}\n`,
      row(['', 'requests/s, median of runs', 'p99 ms', 'Nullius is … times this']),
      row(['---', '---:', '---:', '---:']),
    );
    for (const [name, { perSecond, p99 }] of results) {
      const middle = median(perSecond);
      lines.push(row([name, middle.toFixed(0), median(p99).toFixed(1), (nullius / middle).toFixed(2)]));
    }
    if (findProgram(['/usr/bin/h2load']) !== undefined && kind === 'plain') {
      const rate = nullius * 0.7;
      const names = ['Nullius', 'nginx + auth_request'];
      const measured = names.map((name) => {
        const peer = contenders.find((each) => each.plain.name === name)?.plain;
        return peer === undefined
          ? Number.NaN
          : median([0, 1, 2].map(() => atRate(peer, { perSecond: rate, seconds })));
      });
      lines.push(
        `\nAt ${rate.toFixed(0)} requests/s (70 % of our maximum): p99 ${names.map((name, index) => `${name} ${measured[index]?.toFixed(2)} ms`).join(', ')}; ratio ${((measured[0] ?? 0) / (measured[1] ?? 1)).toFixed(2)}.`,
      );
    }
  }
  const machine = `${cpus().length} cores, ${cpus()[0]?.model.trim()}`;
  const head = `# Gateway throughput\n\nMade by \`npm run bench -- gateway --runs ${runs} --seconds ${seconds}\` on ${machine}. Load generator, upstream and proxies share the machine: only the ratios mean anything. ${connections} keep-alive connections, 1 KiB answers, one worker or thread for each proxy; for us session, decision, assertion and journalled event on every request.\n${missing.map((each) => `\nNot measured: ${each}.`).join('')}`;
  const text = `${head}${lines.join('\n')}\n`;
  if (values.out !== undefined) writeFileSync(values.out, text);
  process.stdout.write(text);
} finally {
  await installation?.stop();
  for (const child of bed.children) child.kill();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
