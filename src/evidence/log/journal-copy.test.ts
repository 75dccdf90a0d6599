import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import {
  type Checkpoint,
  isSourceOf,
  type Journal,
  JournalCopy,
  LogError,
  listSegments,
  newestCheckpoint,
  pruneLog,
  pruneWriter,
  queryLog,
  readPiece,
  verifyLog,
} from '#evidence/log';
import { appendMany, journalFolder, signNote, testKeyring, verifyNote } from '../../../tests/fakes/journal-folder.ts';

import { checkpointsFile } from './checkpoint.ts';
import { readFrame, writeFrame } from './frame.ts';

const writer = 'edge';
const invalid = (error: unknown) => error instanceof LogError && error.code === 'invalid';

/** A journal and the folder where a copy of it shall lie. */
function places(t: Pick<TestContext, 'after'>) {
  const source = journalFolder(writer);
  const root = mkdtempSync(join(tmpdir(), 'nullius-copy-'));
  t.after(() => {
    source.remove();
    rmSync(root, { recursive: true, force: true });
  });
  const from = join(source.root, writer);
  const to = join(root, writer);
  const openCopy = (options: { segmentBytesMin?: number; segmentBytesMax?: number } = {}) =>
    JournalCopy.open({ directory: to, writer, verifyNote, segmentBytesMin: 1, ...options });
  return { source, root, from, to, openCopy };
}

/** Sends what the copy lacks up to the newest checkpoint, and that. `pieces`: stops early after so many. */
async function bring(from: string, copy: JournalCopy, { bytesMax = 2_000, pieces = Number.POSITIVE_INFINITY } = {}) {
  const newest = newestCheckpoint(from);
  assert.ok(newest);
  for (let sent = 0; copy.position.size < newest.size; sent += 1) {
    if (sent >= pieces) return;
    const piece = readPiece(from, { size: copy.position.size, until: newest.size, bytesMax });
    await copy.append(piece.frames, piece.segment);
  }
  await copy.keep(newest);
}

const checkpointOf = (journal: Journal, time: number) => journal.checkpoint(signNote, { time });

function assertSameSegments(from: string, to: string): void {
  const segments = readdirSync(from).filter((name) => name.endsWith('.segment'));
  assert.deepEqual(
    readdirSync(to).filter((name) => name.endsWith('.segment')),
    segments,
  );
  for (const name of segments) assert.ok(readFileSync(join(from, name)).equals(readFileSync(join(to, name))), name);
}

test('a copy becomes its source byte for byte, in pieces of any size, over restarts and torn ends, and is read and proved', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ records: fc.integer({ min: 1, max: 40 }), pieces: fc.nat(6), isTorn: fc.boolean() }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.integer({ min: 900, max: 6_000 }),
      async (rounds, bytesMax) => {
        const { source, root, from, to, openCopy } = places(t);
        const { journal } = await source.open({ segmentBytesMax: 5_000 });
        let total = 0;
        for (const [round, { records, pieces, isTorn }] of rounds.entries()) {
          await appendMany(journal, records);
          total += records;
          await checkpointOf(journal, round);
          const copy = await openCopy();
          assert.ok(isSourceOf(from, copy.position));
          await bring(from, copy, { bytesMax, pieces });
          await copy.close();
          const last =
            readdirSync(to)
              .filter((name) => name.endsWith('.segment'))
              .at(-1) ?? '';
          if (isTorn) appendFileSync(join(to, last), Buffer.from('torn'));
        }
        const copy = await openCopy();
        await bring(from, copy, { bytesMax });
        await copy.close();
        await journal.close();
        assertSameSegments(from, to);
        const report = await verifyLog({ directory: root, verifyNote });
        assert.deepEqual([report.ok, report.writers[0]?.size, report.writers[0]?.signedSize], [true, total, total]);
        const { records } = await queryLog({ directory: root, keys: testKeyring, limit: 1000 });
        assert.equal(records.length, total);
      },
    ),
    { numRuns: 12 },
  );
});

test('a copy takes nothing but the next records of its writer, whole', async (t) => {
  const { source, from, to, openCopy } = places(t);
  const { journal } = await source.open({ segmentBytesMax: 5_000 });
  await appendMany(journal, 40);
  await checkpointOf(journal, 1);
  const other = journalFolder('gateway-1');
  t.after(other.remove);
  const theirs = await other.open();
  await appendMany(theirs.journal, 3);
  await theirs.journal.close();
  const copy = await openCopy();
  const first = readPiece(from, { size: 0, until: 3, bytesMax: 64_000 });
  const second = readPiece(from, { size: 3, until: 6, bytesMax: 64_000 });
  await copy.append(first.frames, 0);
  const before = readFileSync(join(to, '0000000000000000.segment'));
  const altered = Buffer.from(second.frames);
  altered[altered.byteLength - 1] = (altered.at(-1) ?? 0) ^ 1;
  const head = readFileSync(join(from, '0000000000000000.segment')).subarray(0, 120);
  const foreign = readPiece(join(other.root, 'gateway-1'), { size: 0, until: 3, bytesMax: 64_000 });
  const wrongs: Record<string, [Buffer, number]> = {
    'records it has': [first.frames, 0],
    'a gap': [readPiece(from, { size: 4, until: 6, bytesMax: 64_000 }).frames, 0],
    'an altered payload': [altered, 0],
    'a record cut short': [second.frames.subarray(0, -1), 0],
    'a record and something behind it': [Buffer.concat([second.frames, Buffer.from('more')]), 0],
    'the head of a segment': [head, 0],
    'no record at all': [Buffer.alloc(64), 0],
    "another writer's records": [foreign.frames, 0],
    'a segment that begins before the next record': [second.frames, 2],
    'a segment that begins behind the next record': [second.frames, 4],
  };
  for (const [name, [frames, segment]] of Object.entries(wrongs)) {
    await assert.rejects(copy.append(frames, segment), invalid, name);
    assert.equal(copy.position.size, 3, name);
  }
  assert.ok(readFileSync(join(to, '0000000000000000.segment')).equals(before));
  await copy.append(second.frames, 0);
  await bring(from, copy);
  await copy.close();
  await journal.close();
  assertSameSegments(from, to);
});

test('a copy keeps only checkpoints that were signed over exactly what it has, and cannot be made another history', async (t) => {
  const { source, root, from, openCopy } = places(t);
  const { journal } = await source.open();
  await appendMany(journal, 20);
  await checkpointOf(journal, 1);
  const copy = await openCopy();
  await bring(from, copy, { pieces: 1 });
  const newest = newestCheckpoint(from);
  assert.ok(newest);
  await assert.rejects(copy.keep(newest), invalid, 'over records that did not come');
  await bring(from, copy);

  // Another history of the same length and name, with a true signature: whoever holds the writer may have both signed.
  const other = journalFolder(writer);
  t.after(other.remove);
  const fork = await other.open();
  await appendMany(fork.journal, 30);
  const forged = await checkpointOf(fork.journal, 2);
  await fork.journal.close();
  assert.ok(forged);
  assert.equal(isSourceOf(join(other.root, writer), copy.position), false);
  const rest = readPiece(join(other.root, writer), { size: 20, until: 30, bytesMax: 64_000 });
  await copy.append(rest.frames, 0);
  await assert.rejects(copy.keep(forged), invalid);
  const unsigned: Checkpoint = { ...forged, note: `${forged.note.split('.')[0]}.AAAA` };
  for (const checkpoint of [
    unsigned,
    { ...forged, size: 29 },
    { ...forged, writer: 'control' },
    { ...forged, time: 3 },
  ])
    await assert.rejects(copy.keep(checkpoint), invalid);
  // What it has it keeps, under the old signature.
  await copy.keep(newest);
  assert.deepEqual(copy.position.signed, { size: 20, rootHash: newest.rootHash });
  await copy.close();
  await journal.close();
  const report = await verifyLog({ directory: root, verifyNote });
  assert.deepEqual([report.ok, report.writers[0]?.size, report.writers[0]?.signedSize], [true, 30, 20]);
});

test('a copy takes neither many small segments nor one without end', async (t) => {
  const { source, from, openCopy } = places(t);
  const { journal } = await source.open({ segmentBytesMax: 2_000 });
  await appendMany(journal, 40);
  await checkpointOf(journal, 1);
  await journal.close();
  const small = await openCopy({ segmentBytesMin: 100_000 });
  await assert.rejects(bring(from, small), /a segment ended too early/);
  await small.close();
  const large = await openCopy({ segmentBytesMax: 1_000 });
  await assert.rejects(bring(from, large), /a segment is larger than 1000 bytes/);
  await large.close();
});

test('readPiece() says so when the retention was faster, and reads past an index that is behind', async (t) => {
  const { source, from, openCopy } = places(t);
  const { journal } = await source.open({ segmentBytesMax: 3_000 });
  await appendMany(journal, 40);
  await checkpointOf(journal, 1);
  for (const name of readdirSync(from)) if (name.endsWith('.index')) rmSync(join(from, name));
  const copy = await openCopy();
  await bring(from, copy);
  assert.equal(copy.position.size, 40);
  await copy.close();
  await journal.close();
  await pruneLog({ directory: source.root, before: Number.MAX_SAFE_INTEGER });
  assert.throws(
    () => readPiece(from, { size: 0, until: 40, bytesMax: 64_000 }),
    (error) => error instanceof LogError && error.code === 'not-found',
  );
});

test('a record of a time that no date can say is taken into no copy: whoever shows it would fail', async (t) => {
  const { source, from, openCopy } = places(t);
  const { journal } = await source.open();
  await appendMany(journal, 1);
  await checkpointOf(journal, 1);
  await journal.close();
  const frame = readFrame(readPiece(from, { size: 0, until: 1, bytesMax: 64_000 }).frames, 0);
  assert.ok(typeof frame !== 'string');
  const target = Buffer.alloc(4_000);
  const at = (time: number) => {
    const text = frame.text.toString('latin1').replace(/"time":\d+/, `"time":${time}`);
    return target.subarray(0, writeFrame(target, { offset: 0, kind: 'record', text, rest: frame.rest }));
  };
  const copy = await openCopy();
  await assert.rejects(copy.append(at(8_640_000_000_000_001), 0), invalid);
  await copy.append(at(8_640_000_000_000_000), 0);
  await copy.close();
});

test('opening and pruning a copy that is long and was never signed lets other work have its turn', async (t) => {
  const records = 10_000;
  const { source, from, to, openCopy } = places(t);
  const { journal } = await source.open({ segmentBytesMax: 3_000_000 });
  await appendMany(journal, records, 1_000);
  await checkpointOf(journal, 1);
  await journal.close();
  const copy = await openCopy();
  // Its sender keeps the checkpoint back for a long time, so that all of it is read again.
  await bring(from, copy, { bytesMax: 1_000_000, pieces: records });
  await copy.close();
  rmSync(join(to, checkpointsFile));
  let turns = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'Immediate') turns += 1;
    },
  }).enable();
  const again = await openCopy();
  const opened = turns;
  await pruneWriter(from, Number.MAX_SAFE_INTEGER);
  hook.disable();
  assert.equal(again.position.size, records);
  await again.close();
  const pruned = listSegments(from).filter(({ isPruned }) => isPruned);
  assert.ok(pruned.length > 0);
  assert.ok(opened >= records / 1_000, `${opened} turns to open`);
  assert.ok(turns - opened >= (records - 2_000) / 1_000, `${turns - opened} turns to prune`);
});
