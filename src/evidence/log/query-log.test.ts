import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  exportLog,
  httpActivity,
  type Journal,
  keyring,
  LogError,
  type LogFilter,
  listSegments,
  queryLog,
  sealable,
  tailLog,
  verifyLog,
} from '#evidence/log';
import type { JournalEvent } from '#foundation/model';
import {
  journalFolder,
  signNote,
  testEvent,
  testKeyring,
  testKeys,
  verifyNote,
} from '../../../tests/fakes/journal-folder.ts';
import { ocsfFaults } from '../../../tests/fakes/ocsf-schema.ts';

const start = 1_800_000_000_000;
let numbers = 0;

function request(user: string, at: number, resource = 'wiki', answer: 'allow' | 'deny' = 'allow'): JournalEvent {
  numbers += 1;
  return httpActivity({
    id: Buffer.from(`event-${String(numbers).padStart(10, '0')}`).toString('base64url'),
    time: start + at,
    policySequence: 1,
    factRevision: 1,
    principal: { type: 'User', uid: user, name: `${user}'s name` },
    method: 'GET',
    url: { scheme: 'https', hostname: `${resource}.example.com`, path: `/page/${at}` },
    address: '10.0.0.1',
    resource,
    verdict: {
      answer,
      reasons: ['p'],
      words: [],
      ...(at % 7 === 0 ? { errors: [{ id: 'q', message: 'failed' }] } : {}),
    },
  });
}

test('what a writer that was taken over seals hides nothing of the others, and shadows none of their ids', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const honest = (await folder.open()).journal;
  const event = testEvent('ada', { time: start });
  await append(honest, [event]);
  const liar = (await folder.open({ writer: 'edge' })).journal;
  const deep = `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`;
  const lies = ['no JSON', 'null', '"text"', '[]', deep];
  for (const payload of lies) await liar.append([{ ...sealable(event, testKeyring.bySubject('ada')), payload }]);
  await honest.close();
  await liar.close();
  const { records } = await queryLog({ directory: folder.root, keys: testKeyring });
  assert.deepEqual(
    records.filter(({ isDamaged }) => !isDamaged).map(({ writer, payload }) => [writer, payload]),
    [['gateway-1', event.payload]],
  );
  assert.equal(records.filter(({ isDamaged, payload }) => isDamaged && payload === null).length, lies.length);
  const found = await queryLog({ directory: folder.root, keys: testKeyring, filter: { id: event.id } });
  assert.deepEqual(
    found.records.map(({ writer }) => writer),
    ['edge', 'gateway-1'],
  );
  const exported: string[] = [];
  const options = { directory: folder.root, keys: testKeyring, format: 'ocsf', productVersion: '1' } as const;
  for await (const line of exportLog(options)) exported.push(line);
  assert.equal(exported.filter((line) => line.includes('"damaged":true')).length, lies.length);
  await assert.rejects(append(honest, [testEvent('ada', { time: 8_640_000_000_000_001 })]), LogError);
});

async function append(journal: Journal, events: readonly JournalEvent[]) {
  for (const event of events) await journal.append([sealable(event, testKeyring.bySubject(event.subject))]);
}

/** Two writers of several segments each, their events interleaved in time. */
async function twoWriters(t: { after: (end: () => void) => void }) {
  const folder = journalFolder();
  t.after(folder.remove);
  const one = (await folder.open({ segmentBytesMax: 6000 })).journal;
  const two = (await folder.open({ writer: 'control', segmentBytesMax: 6000 })).journal;
  const events = Array.from({ length: 120 }, (_, index) =>
    request(
      index % 3 === 0 ? 'ada' : 'bob',
      index,
      index % 5 === 0 ? 'vault' : 'wiki',
      index % 4 === 0 ? 'deny' : 'allow',
    ),
  );
  await append(
    one,
    events.filter((_, index) => index % 2 === 0),
  );
  await append(
    two,
    events.filter((_, index) => index % 2 === 1),
  );
  return { folder, one, two, events };
}

async function all(
  directory: string,
  filter: LogFilter,
  limit = 7,
  order: 'newest-first' | 'oldest-first' = 'newest-first',
) {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await queryLog({
      directory,
      keys: testKeyring,
      filter,
      limit,
      order,
      ...(cursor === undefined ? {} : { cursor }),
    });
    assert.ok(page.records.length <= limit);
    ids.push(...page.records.map((record) => record.id));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

test('queryLog() gives exactly the matching records of all writers in order, page by page, as a plain filter would', async (t) => {
  const { folder, one, two, events } = await twoWriters(t);
  const plain = (keep: (event: JournalEvent, index: number) => boolean) => events.filter(keep).map((event) => event.id);
  const cases: [LogFilter, string[]][] = [
    [{}, plain(() => true)],
    [{ user: 'ada' }, plain((event) => event.subject === 'ada')],
    [{ user: 'nobody' }, []],
    [{ since: start + 30, until: start + 60 }, plain((_, index) => index >= 30 && index < 60)],
    [{ resource: 'vault' }, plain((_, index) => index % 5 === 0)],
    [{ answer: 'deny' }, plain((_, index) => index % 4 === 0)],
    [{ errors: 'any' }, plain((_, index) => index % 7 === 0)],
    [{ outcome: 'success' }, plain((_, index) => index % 4 !== 0)],
    [{ classUids: [3002] }, []],
    [{ text: '/PAGE/7"' }, plain((_, index) => index === 7)],
    [{ writer: 'control', user: 'ada' }, plain((event, index) => index % 2 === 1 && event.subject === 'ada')],
    [{ id: events[50]?.id ?? '' }, plain((_, index) => index === 50)],
  ];
  for (const [filter, wanted] of cases) {
    assert.deepEqual(await all(folder.root, filter), wanted.toReversed(), JSON.stringify(filter));
    assert.deepEqual(await all(folder.root, filter, 11, 'oldest-first'), wanted, JSON.stringify(filter));
  }
  // The index is only an aid: without it, answers are the same.
  for (const writer of ['gateway-1', 'control']) rmSync(join(folder.root, writer, '0000000000000000.index'));
  assert.deepEqual(await all(folder.root, {}), plain(() => true).toReversed());
  await Promise.all([one.close(), two.close()]);
});

test('a query that nothing matches, and the search for an id that is nowhere, let other work have its turn', async (t) => {
  const { folder } = await twoWriters(t);
  const segments = ['gateway-1', 'control'].flatMap((writer) => listSegments(join(folder.root, writer))).length;
  assert.ok(segments > 4);
  for (const filter of [{ classUids: [9999] }, { id: 'nowhere' }]) {
    let turns = 0;
    const hook = createHook({
      init: (_id, type) => {
        if (type === 'Immediate') turns += 1;
      },
    }).enable();
    const { records } = await queryLog({ directory: folder.root, keys: testKeyring, filter });
    hook.disable();
    assert.deepEqual(records, []);
    assert.ok(turns >= segments, `${turns} turns`);
  }
});

test('queryLog() refuses a cursor it did not make and survives one that points anywhere', async (t) => {
  const { folder, one, two } = await twoWriters(t);
  const invalid = (error: unknown) => error instanceof LogError && error.code === 'invalid';
  for (const text of ['[]', 'null', '{"control":-1}', '{"control":"x"}', '{', '{"control":1.5}']) {
    const cursor = Buffer.from(text).toString('base64url');
    await assert.rejects(queryLog({ directory: folder.root, keys: testKeyring, cursor }), invalid, text);
  }
  const cursor = Buffer.from('{"control":1e15,"../../etc":5,"gateway-1":3}').toString('base64url');
  const page = await queryLog({ directory: folder.root, keys: testKeyring, cursor });
  assert.equal(page.records.length, 50);
  await Promise.all([one.close(), two.close()]);
});

test('records of a clock that went backwards keep their order in the log and are found by their time', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const { journal } = await folder.open({ segmentBytesMax: 3000 });
  const times = Array.from({ length: 60 }, (_, index) => (index < 30 ? 1000 + index : index));
  const events = times.map((at) => request('ada', at));
  await append(journal, events);
  await journal.close();
  const early = await all(folder.root, { until: start + 1000 }, 100);
  assert.equal(early.length, 30);
  assert.deepEqual((await all(folder.root, { since: start + 1000 }, 4)).length, 30);
  assert.equal((await verifyLog({ directory: folder.root, verifyNote })).ok, true);
});

test('erasing a person takes their payloads and name from the log, and every proof still holds', async (t) => {
  const { folder, one, two, events } = await twoWriters(t);
  await one.checkpoint(signNote, { time: 1 });
  await Promise.all([one.close(), two.close()]);
  const withoutAda = keyring(testKeys.filter(([subject]) => subject !== 'ada'));
  const page = await queryLog({ directory: folder.root, keys: withoutAda, limit: 1000 });
  const erased = page.records.filter((record) => record.subject === null);
  assert.equal(erased.length, events.filter((event) => event.subject === 'ada').length);
  assert.ok(erased.every((record) => record.payload === null && !JSON.stringify(record).includes('ada')));
  assert.deepEqual((await queryLog({ directory: folder.root, keys: withoutAda, filter: { user: 'ada' } })).records, []);
  const report = await verifyLog({ directory: folder.root, verifyNote });
  assert.equal(report.ok, true);
});

test('exportLog() gives every record as one line of valid OCSF, oldest first', async (t) => {
  const { folder, one, two, events } = await twoWriters(t);
  const lines: string[] = [];
  const options = { directory: folder.root, keys: testKeyring, format: 'ocsf', productVersion: '1.0.0' } as const;
  for await (const line of exportLog({ ...options, filter: { since: start + 10 } })) lines.push(line);
  const exported = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    exported.map((event) => event.metadata.uid),
    events.slice(10).map((event) => event.id),
  );
  assert.deepEqual(exported.flatMap(ocsfFaults), []);
  await Promise.all([one.close(), two.close()]);
});

test('tailLog() gives what is written from now on, also by a writer that is new', async (t) => {
  const { folder, one, two } = await twoWriters(t);
  const stop = new AbortController();
  const seen: string[] = [];
  const tail = (async () => {
    const options = { directory: folder.root, keys: testKeyring, signal: stop.signal, pollIntervalMs: 5 };
    for await (const record of tailLog(options)) seen.push(record.id);
  })();
  await pause(20);
  const fresh = Array.from({ length: 30 }, () => testEvent());
  await append(one, fresh.slice(0, 10));
  const three = (await folder.open({ writer: 'gateway-2' })).journal;
  await append(three, fresh.slice(10));
  while (seen.length < 30) await pause(5);
  stop.abort();
  await tail;
  assert.deepEqual(seen.toSorted(), fresh.map((event) => event.id).toSorted());
  await Promise.all([one.close(), two.close(), three.close()]);
});
