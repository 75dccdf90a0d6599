import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogError, queryLog, verifyLog } from '#evidence/log';
import { appendMany, journalFolder, signNote, testKeyring, verifyNote } from '../../../tests/fakes/journal-folder.ts';

const damaged = (error: unknown) => error instanceof LogError && error.code === 'damaged';

test('a journal of many segments verifies from its files alone and goes on after reopening', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const { journal } = await folder.open({ segmentBytesMax: 8000 });
  await appendMany(journal, 95);
  await journal.checkpoint(signNote, { time: 1 });
  await appendMany(journal, 20);
  const root = journal.rootHash;
  await journal.close();
  assert.ok(readdirSync(join(folder.root, 'gateway-1')).filter((name) => name.endsWith('.segment')).length > 3);

  const again = await folder.open({ segmentBytesMax: 8000 });
  assert.equal(again.repair, undefined);
  assert.equal(again.journal.size, 115);
  assert.equal(again.journal.rootHash, root);
  await appendMany(again.journal, 5);
  await again.journal.checkpoint(signNote, { time: 2 });
  await again.journal.close();

  const report = await verifyLog({ directory: folder.root, verifyNote });
  assert.deepEqual(
    report.writers.map(({ writer, size, signedSize, faults }) => ({ writer, size, signedSize, faults })),
    [{ writer: 'gateway-1', size: 120, signedSize: 120, faults: [] }],
  );
  assert.equal(report.ok, true);
});

test('openJournal() cuts a torn tail above the last checkpoint, keeps it aside and records it', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const { journal } = await folder.open();
  await appendMany(journal, 10);
  await journal.checkpoint(signNote, { time: 1 });
  await appendMany(journal, 10);
  await journal.close();
  const segment = join(folder.root, 'gateway-1', '0000000000000000.segment');
  appendFileSync(segment, Buffer.alloc(100, 7));
  assert.equal((await verifyLog({ directory: folder.root, verifyNote })).writers[0]?.faults[0]?.kind, 'torn-tail');
  const again = await folder.open();
  assert.equal(again.repair?.seq, 20);
  assert.equal(again.repair?.bytes, 100);
  assert.equal(again.journal.size, 21);
  await again.journal.close();
  assert.equal((await verifyLog({ directory: folder.root, verifyNote })).ok, true);
});

test('openJournal() refuses a journal that is shorter than its checkpoint', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const { journal } = await folder.open();
  await appendMany(journal, 10);
  await journal.checkpoint(signNote, { time: 1 });
  await journal.close();
  truncateSync(join(folder.root, 'gateway-1', '0000000000000000.segment'), 2000);
  await assert.rejects(folder.open(), damaged);
});

test('a reader finds every record at once, though the index is written in larger pieces and whole only after close()', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const { journal } = await folder.open({ syncIntervalMs: 60_000 });
  const index = join(folder.root, 'gateway-1', '0000000000000000.index');
  const query = { directory: folder.root, keys: testKeyring, limit: 1000 };
  await appendMany(journal, 300);
  assert.ok(statSync(index).size < 300 * 32, 'some entries are still gathered');
  assert.equal((await queryLog(query)).records.length, 300);
  assert.equal((await verifyLog({ directory: folder.root, verifyNote })).writers[0]?.size, 300);
  await journal.close();
  assert.equal(statSync(index).size, 300 * 32);
  assert.equal((await queryLog(query)).records.length, 300);
});
