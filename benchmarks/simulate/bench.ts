// Replays a generated journal under other policies: 10,000 people, 1,000 apps, 200 policies. Some three minutes, half of it to write the journal.
// npm run bench -- simulate [--decisions 1000000] [--out FILE]
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { compilePublication, entitiesOf } from '#decision/administration';
import {
  DecideAgain,
  readsOfPrincipal,
  reportOf,
  type SimulationParts,
  VersionedFacts,
  whatCan,
  whoCan,
} from '#decision/analysis';
import { readParsedForm } from '#decision/engine';
import { preparePolicies } from '#decision/parser';
import { keyring, openJournal, replayLog, sealable, WrittenPrincipal, writeHttpActivity } from '#evidence/log';
import { httpActivityClass } from '#evidence/log/recorded';
import type { FactRow, Question } from '#foundation/model';
import { FactTable } from '#information/inventory';
import type {
  FromSimulation,
  ShippedSet,
  SimulationWork,
} from '../../src/shell/control/simulation/simulation-messages.ts';
import { shippedSchema } from '../../tests/published-set.ts';

const { values } = parseArgs({
  options: { decisions: { type: 'string', default: '1000000' }, out: { type: 'string' } },
});
const decisions = Number(values.decisions);
const [users, apps, groups, segments] = [10_000, 1_000, 200, 40];
const start = 1_800_000_000_000;
const root = mkdtempSync(join(tmpdir(), 'nullius-bench-simulate-'));
const prepared = mkdtempSync(join(tmpdir(), 'nullius-bench-prepared-'));
process.on('exit', () => {
  for (const folder of [root, prepared]) rmSync(folder, { recursive: true, force: true });
});

/** A generator of its own, so that every run asks the same. */
let seed = 42;
function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}
/** Some are asked for far more often than others. */
const popular = (below: number) => Math.floor(below * (random(1000) / 1000) ** 3);

function facts(): FactRow[] {
  const rows: FactRow[] = [];
  const put = (kind: FactRow['kind'], id: string, body: object) =>
    rows.push({ kind, id, revision: 1, body } as FactRow);
  const named = { displayName: '', description: '', origin: 'api' };
  put('group', 'everyone', { ...named, memberOf: [] });
  for (let at = 0; at < groups; at += 1)
    put('group', `g${at}`, { ...named, memberOf: at >= 20 ? [`g${at % 20}`] : [] });
  for (let at = 0; at < segments; at += 1) {
    const sensitivity = ['low', 'medium', 'high', 'public'][at % 4];
    put('segment', `s${at}`, { displayName: '', within: at >= 8 ? `s${at % 8}` : null, sensitivity, origin: 'api' });
  }
  for (let at = 0; at < apps; at += 1) {
    const settings = { allowPrivate: true, preserveHost: false, corsPreflight: false, crossOriginCookie: false };
    const body = { ...named, ...settings, kind: 'app', segment: `s${at % segments}`, upstream: 'http://127.0.0.1:1' };
    put('resource', `r${at}`, { ...body, routes: [], requestable: at % 2 === 0 });
  }
  for (let at = 0; at < users; at += 1) {
    const source = at % 3 === 0 ? 'corp' : 'local';
    const person = { name: `u${at}`, displayName: '', email: null, createdAt: 0, source };
    put('user', `u${at}`, {
      ...person,
      status: at % 97 === 0 ? 'suspended' : 'active',
      groups: [`g${at % groups}`, `g${(at * 7) % groups}`],
    });
    const proof = { credential: 'passkey', provider: 'local', phishingResistant: true, authTime: start - at * 1000 };
    const life = { createdAt: start, idleMs: 1e9, expiresAt: start + 1e10, status: 'active', endedReason: null };
    put('session', `x${at}`, { ...proof, ...life, user: `u${at}`, bound: at % 2 === 0, userAgent: '' });
  }
  for (let at = 0; at < 2_000; at += 1) {
    const body = { user: `u${(at * 3) % users}`, resource: `r${(at * 11) % apps}`, state: 'active', reason: '' };
    put('grant', `gr${at}`, {
      ...body,
      requestedAt: 0,
      decidedBy: null,
      decidedAt: 0,
      durationMs: 1,
      expiresAt: start + 1e10,
    });
  }
  return rows;
}

function policySet(sequence: number, freshSeconds: number): ShippedSet {
  const guards = `
@id("suspended") forbid (principal is User, action, resource) when { principal.status == "suspended" };
@id("high") forbid (principal, action in Action::"access", resource) when { resource.sensitivity == "high" }
unless { context.session.phishingResistant && context.session.authAgeSeconds <= ${freshSeconds} };
@id("granted") permit (principal is User, action in Action::"access", resource) when { !context.grants.isEmpty() };`;
  const own = Array.from({ length: 197 }, (_, at) => {
    const condition = at % 3 === 0 ? `when { context.session.authAgeSeconds < ${freshSeconds * 2} }` : '';
    return `@id("p${at}") permit (principal in Group::"g${at}", action in Action::"access", resource in Segment::"s${at % segments}") ${condition};`;
  });
  const policies = [{ file: 'a.cedar', text: [guards, ...own].join('\n') }];
  const { parsedForm } = preparePolicies({ policies, schema: shippedSchema });
  if (parsedForm === undefined) throw new Error('the policies of the benchmark are not valid');
  return { sequence, schema: shippedSchema, policies, parsed: parsedForm, states: [] };
}

const rows = facts();
const [before, after] = [policySet(1, 3600), policySet(2, 1800)];
const table = new FactTable({ clock: () => start });
table.replace({ epoch: 1, revision: 1, rows });
const published = compilePublication(before, { entitiesFor: entitiesOf(table) });
/** As judge() answers, so quickly that the journal is soon written; simulation.test.ts compares the two. */
const then = new VersionedFacts({ epoch: 1, first: 1, rows });
const again = new DecideAgain({
  facts: then,
  before: new Map(),
  after: {
    published: compilePublication(before, { entitiesFor: entitiesOf(then) }),
    set: readParsedForm(before.parsed ?? '', { sources: before.policies, schema: before.schema }),
  },
});

const keys = ['system', 'stranger', ...Array.from({ length: users }, (_, at) => `u${at}`)].map(
  (subject) => [subject, randomBytes(32)] as const,
);
const ring = keyring(keys);

async function writeJournal(): Promise<void> {
  const options = { directory: join(root, 'gateway-1'), writer: 'gateway-1', sync: 'interval' as const, keys: ring };
  const { journal } = await openJournal({ ...options, random: randomBytes, now: () => start });
  const principals = Array.from(
    { length: users },
    (_, at) =>
      new WrittenPrincipal({
        type: 'User',
        uid: `u${at}`,
        name: `u${at}`,
        sessionId: `x${at}`,
      }),
  );
  for (let at = 0; at < decisions; at += 500) {
    const events = Array.from({ length: Math.min(500, decisions - at) }, (_, index) => {
      const [user, app] = [random(users), popular(apps)];
      const time = start + at + index;
      const action = (['read', 'read', 'read', 'write'] as const)[random(4)] ?? 'read';
      const method = action === 'read' ? 'GET' : 'POST';
      const path = `/pages/${random(5000)}/view`;
      const address = `10.0.${random(200)}.${random(250)}`;
      const request = { method, host: `r${app}.example.com`, path, route: 'default', address, tls: true, noun: '' };
      const resource = { type: 'App', id: `r${app}` };
      const question: Question = { asker: { kind: 'session', sessionId: `x${user}` }, action, resource, request };
      const { isAllowed, reasons } = again.decide(question, { time, sequence: 1 }).after;
      const verdict = {
        answer: isAllowed ? ('allow' as const) : ('deny' as const),
        reasons,
        words: isAllowed ? ['ok'] : ['no'],
      };
      const event = writeHttpActivity({
        id: randomBytes(16).toString('base64url'),
        time,
        policySequence: 1,
        factRevision: 1,
        principal: principals[user] as (typeof principals)[number],
        method,
        url: { scheme: 'https', hostname: request.host, path },
        userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36',
        address,
        resource: resource.id,
        verdict,
        unmapped: { action, route: 'default' },
      });
      return sealable({ ...event, payload: JSON.parse(event.payload) }, ring.bySubject(event.subject));
    });
    await journal.append(events);
    if (at % 100_000 === 0) console.error(`${at} decisions written`);
  }
  await journal.close();
}

function measure<T>(work: () => T): { value: T; seconds: number; cpu: number } {
  const [wall, used] = [performance.now(), process.cpuUsage()];
  const value = work();
  const { user, system } = process.cpuUsage(used);
  return { value, seconds: (performance.now() - wall) / 1000, cpu: (user + system) / 1e6 };
}
const report: string[] = [];
const line = (name: string, { seconds, cpu }: { seconds: number; cpu: number }, says = '') => {
  report.push(`| ${name} | ${seconds.toFixed(2)} | ${cpu.toFixed(2)} | ${says} |`);
  console.error(report.at(-1));
};

await writeJournal();
report.push(`# Rehearsal and reverse questions

\`npm run bench -- simulate --decisions ${decisions}\`, Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, ${new Date().toISOString().slice(0, 10)},
load average ${(loadavg()[0] ?? 0).toFixed(1)} once the journal was written by one core: ${users} people with sessions, ${apps} apps in ${segments} segments,
${groups} groups, 2,000 grants, 200 policies; the rehearsed set asks for proofs half as old. CPU seconds are those of all threads; wall-clock seconds also count what else the machine did.

| what | seconds | CPU seconds | |
| --- | ---: | ---: | --- |`);
const range = { directory: root, keys: ring, since: 0, until: Number.MAX_SAFE_INTEGER, classUid: httpActivityClass };
const reading = measure(() => {
  let count = 0;
  for (const { payload } of replayLog(range)) count += typeof payload === 'string' ? 0 : 1;
  return count;
});
line(`reading and opening ${reading.value} records alone`, reading);
const thread = fileURLToPath(new URL('../../src/shell/control/simulation/simulate-worker.ts', import.meta.url));
const { since, until } = range;
const life = { epoch: 1, firstRevision: 1, rows, decisionsMax: Number.MAX_SAFE_INTEGER };
const work = { directory: root, since, until, keys, before: [before], after, ...life };

/** As control does it: threads share the segments. */
async function replayInThreads(of: number, directory = root) {
  const [wall, used] = [performance.now(), process.cpuUsage()];
  const found = await Promise.all(
    Array.from({ length: of }, async (_, index) => {
      const workerData: SimulationWork = { ...work, directory, share: { index, of } };
      const worker = new Worker(thread, { workerData });
      worker.postMessage({ type: 'begin' });
      return new Promise<SimulationParts>((resolve, reject) => {
        worker.on('message', (message: FromSimulation) => {
          if (message.type === 'parts') resolve(message.parts);
          if (message.type === 'failed') reject(new Error(message.words));
        });
        worker.on('error', reject);
      }).finally(() => worker.terminate());
    }),
  );
  const { user, system } = process.cpuUsage(used);
  const seconds = (performance.now() - wall) / 1000;
  return { value: reportOf(found), seconds, cpu: (user + system) / 1e6 };
}
// Control begins its threads with the code that `npm run prepare` compiled; so do these, once one of them ran over an empty folder.
process.env['NODE_COMPILE_CACHE'] = prepared;
await replayInThreads(1, mkdtempSync(join(prepared, 'empty-')));
// In turn, so that a machine that changes its speed does so for both; a rehearsal takes as many threads as there are cores.
for (const threads of [2, 1, 2]) {
  const replay = await replayInThreads(threads);
  const { replayed, judged, gained, lost, notReproduced } = replay.value;
  line(
    `replaying ${replayed} decisions under both sets, threads: ${threads}`,
    replay,
    `${judged} judged, ${gained.decisions} gained, ${lost.decisions} lost, ${notReproduced.count} not reproduced`,
  );
}
report.push(
  `| memory held after it | | | ${Math.round(process.memoryUsage().rss / 1e6)} MB resident, the generator included |`,
);

const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '10.0.0.1', tls: true, noun: '' };
const set = readParsedForm(before.parsed ?? '', { sources: before.policies, schema: before.schema });
const reads = readsOfPrincipal(set);
const ask = (app: number): Omit<Question, 'asker'> => ({
  action: 'read',
  resource: { type: 'App', id: `r${app}` },
  request,
});
const input = { view: table, policies: published, now: start };
for (const app of [3, 4, 5]) {
  const all = measure(() => [...whoCan({ ...input, reads, question: ask(app) })]);
  line(
    `who can read one app, of ${all.value.length - 1} people`,
    all,
    `${all.value.filter(({ answer }) => answer.answer === 'allow').length} can`,
  );
}
const person = { kind: 'user', person: { id: 'u17', body: table.get('user', 'u17') as never } } as const;
const questions = Array.from({ length: apps }, (_, app) =>
  (['read', 'write', 'delete', 'connect'] as const).map((action) => ({ ...ask(app), action })),
).flat();
for (let round = 0; round < 3; round += 1) {
  const all = measure(() => [...whatCan({ ...input, subject: person, questions })]);
  line(
    `what one person can do on ${apps} apps, four actions each`,
    all,
    `${all.value.filter(({ answer }) => answer.answer === 'allow').length} allowed`,
  );
}

const text = `${report.join('\n')}\n`;
if (values.out !== undefined) writeFileSync(values.out, text);
process.stdout.write(text);
