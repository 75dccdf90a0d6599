import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyring, queryLog, type ReplayOptions, replayBytes, replayLog, sealable } from '#evidence/log';
import type { JournalEvent } from '#foundation/model';
import { journalFolder, testEvent, testKeyring, testKeys } from '../../../tests/fakes/journal-folder.ts';
import { readFrame, writeFrame } from './frame.ts';
import { textOf } from './known-bytes.ts';
import { listSegments } from './segment-file.ts';

const start = 1_800_000_000_000;
const everything = { since: 0, until: Number.MAX_SAFE_INTEGER, classUid: 4002, keys: testKeyring };

interface Told {
  readonly id: string;
  readonly payload: unknown;
}

/** What is borrowed from the window, kept. */
function replayed(options: ReplayOptions): Told[] {
  const told: Told[] = [];
  for (const { id, payload } of replayLog(options))
    told.push({ id, payload: typeof payload === 'string' ? payload : JSON.parse(textOf(payload)) });
  return told;
}

const written = (events: readonly JournalEvent[]): Told[] => events.map(({ id, payload }) => ({ id, payload }));

async function journalOf(
  t: { after: (end: () => void) => void },
  { writers = ['gateway-1'], count, textBytes = 20 }: { writers?: string[]; count: number; textBytes?: number },
) {
  const folder = journalFolder();
  t.after(folder.remove);
  const all: JournalEvent[] = [];
  for (const writer of writers) {
    const { journal } = await folder.open({ writer, segmentBytesMax: 8000 });
    for (let at = 0; at < count; at += 5) {
      const events = Array.from({ length: 5 }, (_, index) =>
        testEvent(['ada', 'bob', 'stranger'][(at * 7 + index) % 3], {
          time: start + at + index,
          classUid: (at + index) % 4 === 3 ? 3002 : 4002,
          payload: { message: 'ü'.repeat((at * 13 + index) % textBytes) },
        }),
      );
      await journal.append(events.map((event) => sealable(event, testKeyring.bySubject(event.subject))));
      all.push(...events);
    }
    await journal.close();
  }
  return { directory: folder.root, events: all.filter(({ classUid }) => classUid === 4002) };
}

test('replayLog() gives every record of the class as it was written, each writer in its order, however many threads share', async (t) => {
  const { directory, events } = await journalOf(t, { writers: ['control', 'gateway-1'], count: 120 });
  const options = { ...everything, directory };
  assert.deepEqual(replayed(options), written(events));
  const { records } = await queryLog({ directory, keys: testKeyring, limit: 500, filter: { classUids: [4002] } });
  assert.deepEqual(
    replayed(options)
      .map(({ id }) => id)
      .sort(),
    records.map(({ id }) => id).sort(),
  );
  const shares = [0, 1, 2].map((index) => ({ ...options, share: { index, of: 3 } }));
  const byId = (a: Told, b: Told) => (a.id < b.id ? -1 : 1);
  assert.deepEqual(shares.flatMap(replayed).sort(byId), written(events).sort(byId));
  assert.equal(
    shares.reduce((sum, share) => sum + replayBytes(share), 0),
    replayBytes(options),
  );
  const since = start + 30;
  assert.deepEqual(
    replayed({ ...options, since, until: since + 40 }),
    written(events.filter(({ time }) => time >= since && time < since + 40)),
  );
});

test('replayLog() reads a segment that is larger than its window in pieces', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const { journal } = await folder.open();
  const events = Array.from({ length: 60 }, (_, index) =>
    testEvent(index % 2 === 0 ? 'ada' : 'bob', { payload: { message: String(index % 10).repeat(60_000) } }),
  );
  for (const event of events) await journal.append([sealable(event, testKeyring.bySubject(event.subject))]);
  await journal.close();
  assert.equal(listSegments(join(folder.root, 'gateway-1')).length, 1);
  assert.deepEqual(replayed({ ...everything, directory: folder.root, windowBytesMax: 1 }), written(events));
});

test('replayLog() tells erased people apart from damage', async (t) => {
  const { directory, events } = await journalOf(t, { count: 60 });
  const keys = keyring(testKeys.filter(([subject]) => subject !== 'ada'));
  const erased = events.map(({ id, subject, payload }) => ({ id, payload: subject === 'ada' ? 'erased' : payload }));
  assert.deepEqual(replayed({ ...everything, directory, keys }), erased);
  const other = keyring(testKeys.map(([subject, key]) => [subject, subject === 'ada' ? randomBytes(32) : key]));
  assert.deepEqual(replayed({ ...everything, directory, keys: other }), erased, 'another key is no key of theirs');
});

test('replayLog() tells any flipped bit of a full segment, and gives nothing that was not written', async (t) => {
  const { directory, events } = await journalOf(t, { count: 60 });
  const [first] = listSegments(join(directory, 'gateway-1'));
  assert.ok(first !== undefined);
  const sound = readFileSync(first.path);
  const head = readFrame(sound, 0);
  assert.ok(typeof head !== 'string');
  const known = new Map(events.map(({ id, payload }) => [id, payload]));
  let quiet = 0;
  for (let at = head.bytes; at < sound.byteLength; at += 7) {
    const bytes = Buffer.from(sound);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at & 7)), at);
    writeFileSync(first.path, bytes);
    const told = replayed({ ...everything, directory });
    // Only a checksum that nothing hangs on may change unnoticed: what has a tag is compared with that.
    const isTold = told.some(({ payload }) => payload === 'damaged');
    if (!isTold) assert.deepEqual(told, written(events), `byte ${at}`);
    quiet += isTold ? 0 : 1;
    for (const { id, payload } of told)
      if (payload !== 'damaged') assert.deepEqual(payload, known.get(id), `byte ${at}: ${id}`);
  }
  assert.ok(quiet < 30, `${quiet} of the flips are not told`);
  writeFileSync(first.path, sound.subarray(0, sound.byteLength - 5));
  assert.ok(replayed({ ...everything, directory }).some(({ payload }) => payload === 'damaged'));
});

test('replayLog() gives no record that was rewritten with a sound checksum, and goes on behind it', async (t) => {
  const { directory, events } = await journalOf(t, { count: 20 });
  const [first] = listSegments(join(directory, 'gateway-1'));
  assert.ok(first !== undefined);
  const sound = readFileSync(first.path);
  const head = readFrame(sound, 0);
  assert.ok(typeof head !== 'string');
  const frame = readFrame(sound, head.bytes);
  assert.ok(typeof frame !== 'string');
  const header = frame.text.toString('latin1');
  const forgeries: (readonly [text: string, rest: Buffer])[] = [
    [header.replace('"status_id":1', '"status_id":2'), frame.rest],
    [header.replace(`"time":${start}`, `"time":${start + 1}`), frame.rest],
    [header, Buffer.concat([frame.rest.subarray(0, -1), Buffer.from('}')])],
    [header.replace('"v":2', '"v":1').replace(/,"writer_tag":"[^"]*"/, ''), frame.rest],
  ];
  for (const [text, rest] of forgeries) {
    const target = Buffer.alloc(4000);
    const end = writeFrame(target, { offset: 0, kind: 'record', text, rest });
    const whole = [sound.subarray(0, head.bytes), target.subarray(0, end), sound.subarray(head.bytes + frame.bytes)];
    writeFileSync(first.path, Buffer.concat(whole));
    const [forged, ...others] = replayed({ ...everything, directory });
    assert.deepEqual([forged, others], [{ id: events[0]?.id, payload: 'damaged' }, written(events.slice(1))], text);
  }
});
