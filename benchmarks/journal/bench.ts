// Appends events to the journal and to the nearest peers, on the same disk, interleaved; prints Markdown.
// npm run bench -- journal > benchmarks/journal/RESULTS.md
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { httpActivity, keyring, queryLog, type SyncMode, verifyLog } from '#evidence/log';
import type { JournalEvent } from '#foundation/model';
import { startJournal } from '#shell/journal';

const rounds = 3;
const eventsPerRound = 20_000;
const root = mkdtempSync(join(tmpdir(), 'nullius-bench-journal-'));
const keys: [string, Buffer][] = [
  'system',
  'stranger',
  ...Array.from({ length: 100 }, (_, index) => `user-${index}`),
].map((subject) => [subject, randomBytes(32)]);
const keyTexts = new Map(keys.map(([subject, key]) => [subject, key.toString('base64url')]));

function makeEvent(index: number): JournalEvent {
  return httpActivity({
    id: randomBytes(16).toString('base64url'),
    time: 1_800_000_000_000 + index,
    policySequence: 7,
    factRevision: 100,
    principal: { type: 'User', uid: `user-${index % 100}`, name: 'somebody', sessionId: 's-1' },
    method: 'GET',
    url: { scheme: 'https', hostname: 'wiki.example.com', path: `/pages/${index}/view` },
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36',
    address: '10.1.2.3',
    resource: 'wiki',
    verdict: { answer: 'allow', reasons: ['everyone-reads'], words: [] },
  });
}
const events = Array.from({ length: eventsPerRound }, (_, index) => makeEvent(index));
/** Fewer when each waits for the disk by itself. */
const eventsFor = (group: number) => events.slice(0, group === 1 ? 500 : group === 64 ? 6400 : eventsPerRound);
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

interface Measure {
  readonly perSecond: number;
  /** Microseconds of the caller's own thread per event. */
  readonly callerUs: number;
}

async function journalRun(name: string, { sync, group }: { sync: SyncMode; group: number }): Promise<Measure> {
  const journal = await startJournal({
    directory: join(root, name, 'gateway-1'),
    writer: 'gateway-1',
    sync,
    keyOf: (subject) => keyTexts.get(subject),
    signCheckpoint: async () => 'unsigned',
    reserveBytes: 4096,
  });
  const chosen = eventsFor(group);
  let callerMs = 0;
  const start = performance.now();
  for (let at = 0; at < chosen.length; at += group) {
    const before = performance.now();
    const written = chosen.slice(at, at + group).map((event) => journal.append(event));
    callerMs += performance.now() - before;
    await written.at(-1);
  }
  const seconds = (performance.now() - start) / 1000;
  await journal.close();
  return { perSecond: chosen.length / seconds, callerUs: (callerMs * 1000) / chosen.length };
}

/** What many programs do: JSON lines in the clear, no proof, on the caller's thread. */
function plainRun(name: string, { isSynced, group }: { isSynced: boolean; group: number }): Measure {
  const chosen = eventsFor(group);
  const fd = openSync(join(root, name), 'w');
  const start = performance.now();
  for (let at = 0; at < chosen.length; at += group) {
    const lines = chosen.slice(at, at + group).map((event) => `${JSON.stringify(event)}\n`);
    writeSync(fd, lines.join(''));
    if (isSynced) fdatasyncSync(fd);
  }
  const seconds = (performance.now() - start) / 1000;
  closeSync(fd);
  return { perSecond: chosen.length / seconds, callerUs: (seconds * 1e6) / chosen.length };
}

/** An audit table whose rows are chained by hash, one transaction per group, on the caller's thread. */
function sqliteRun(name: string, { synchronous, group }: { synchronous: 'NORMAL' | 'FULL'; group: number }): Measure {
  const database = new DatabaseSync(join(root, name));
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    CREATE TABLE log (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, time INTEGER, body TEXT, chain BLOB)`);
  const insert = database.prepare('INSERT INTO log (id, time, body, chain) VALUES (?, ?, ?, ?)');
  const chosen = eventsFor(group);
  let chain = Buffer.alloc(32);
  const start = performance.now();
  for (let at = 0; at < chosen.length; at += group) {
    database.exec('BEGIN');
    for (const event of chosen.slice(at, at + group)) {
      const body = JSON.stringify(event);
      chain = createHash('sha256').update(chain).update(body).digest();
      insert.run(event.id, event.time, body, chain);
    }
    database.exec('COMMIT');
  }
  const seconds = (performance.now() - start) / 1000;
  database.close();
  return { perSecond: chosen.length / seconds, callerUs: (seconds * 1e6) / chosen.length };
}

type Run = (name: string) => Measure | Promise<Measure>;
const groups = [1, 64, 1000];
const runs: { label: string; run: Run; group: number }[] = groups.flatMap((group) => [
  { label: 'journal, interval', group, run: (name) => journalRun(name, { sync: 'interval', group }) },
  {
    label: 'SQLite with hash chain, WAL, NORMAL',
    group,
    run: (name) => sqliteRun(name, { synchronous: 'NORMAL', group }),
  },
  { label: 'plain JSON lines, no sync', group, run: (name) => plainRun(name, { isSynced: false, group }) },
  { label: 'journal, before-answer', group, run: (name) => journalRun(name, { sync: 'before-answer', group }) },
  { label: 'SQLite with hash chain, WAL, FULL', group, run: (name) => sqliteRun(name, { synchronous: 'FULL', group }) },
  { label: 'plain JSON lines, fdatasync', group, run: (name) => plainRun(name, { isSynced: true, group }) },
]);

async function measureFinding(): Promise<string[]> {
  const directory = join(root, 'find');
  mkdirSync(directory);
  const journal = await startJournal({
    directory: join(directory, 'gateway-1'),
    writer: 'gateway-1',
    sync: 'interval',
    keyOf: (subject) => keyTexts.get(subject),
    signCheckpoint: async () => 'unsigned',
    reserveBytes: 4096,
  });
  const count = 1_000_000;
  const wanted = randomBytes(16).toString('base64url');
  for (let at = 0; at < count; at += 1000) {
    const group = Array.from({ length: 1000 }, (_, index) => {
      const id = at + index === count / 2 ? wanted : randomBytes(16).toString('base64url');
      return { ...(events[index] ?? makeEvent(index)), id };
    });
    await journal.append(group.pop() ?? makeEvent(0));
    await Promise.all(group.map((event) => journal.append(event)));
  }
  await journal.close();
  const timed = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const ring = keyring(keys);
  const byIndex: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    byIndex.push(await timed(() => queryLog({ directory, keys: ring, filter: { id: wanted } })));
  }
  const verified = await timed(() => verifyLog({ directory, verifyNote: async () => undefined }));
  return [
    `One event among ${count.toLocaleString('en')} by its id: ${median(byIndex).toFixed(0)} ms through the index (median of ${rounds}).`,
    `Reading and recomputing all of them (\`log verify\`): ${(verified / 1000).toFixed(1)} s, ${Math.round(count / (verified / 1000)).toLocaleString('en')} records/s; a scan for one event would cost that order.`,
  ];
}

const measured = new Map<number, Measure[]>();
for (let round = 0; round < rounds; round += 1) {
  for (const [index, { run }] of runs.entries()) {
    measured.set(index, [...(measured.get(index) ?? []), await run(`${index}-${round}`)]);
  }
}
const lines = runs.map(({ label, group }, index) => {
  const all = measured.get(index) ?? [];
  const perSecond = median(all.map((each) => each.perSecond));
  const callerUs = median(all.map((each) => each.callerUs));
  return `| ${label} | ${group} | ${Math.round(perSecond).toLocaleString('en')} | ${callerUs.toFixed(1)} |`;
});
const finding = process.argv.includes('--quick') ? [] : await measureFinding();
rmSync(root, { recursive: true, force: true });
console.log(`# Journal

\`npm run bench -- journal\` on ${availableParallelism()} cores, ${cpus()[0]?.model}, Node ${process.versions.node}. ${rounds} interleaved rounds of
events of about 700 bytes by 100 users; medians. *Group* is how many events are appended before waiting. The journal seals, hashes
and writes on its own thread; the peers do all work on the caller's. Compare rows of one kind of sync; absolute numbers are this machine's.

| | group | events/s | caller's µs per event |
| --- | --- | --- | --- |
${lines.join('\n')}

${finding.join('\n\n')}
`);
