import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newestCheckpoint, readPiece, verifyLog } from '#evidence/log';
import type { JournalShipment } from '#shell/wire';
import { appendMany, journalFolder, signNote, verifyNote } from '../../../../tests/fakes/journal-folder.ts';
import { ApiProblem } from '../api/problem.ts';
import { JournalCopies, type JournalCopiesNeeds } from './journal-copies.ts';

const mebibyte = 1024 * 1024;

/** A gateway's journal of 30 records under a checkpoint, and the copies that control keeps. */
async function bench(t: TestContext, options: Partial<JournalCopiesNeeds> = {}) {
  const source = journalFolder('edge');
  const root = mkdtempSync(join(tmpdir(), 'nullius-copies-'));
  const notices: string[] = [];
  const troubles: string[] = [];
  const time = { monotonic: 0 };
  const { journal } = await source.open();
  await appendMany(journal, 30);
  await journal.checkpoint(signNote, { time: 1 });
  await journal.close();
  const from = join(source.root, 'edge');
  const open = () =>
    new JournalCopies({
      directory: root,
      verifyNote,
      clock: Date.now,
      monotonicClock: () => time.monotonic,
      retentionMs: 1000 * 365 * 24 * 3_600_000,
      bytesMax: 64 * mebibyte,
      freeBytesMin: 0,
      notice: (line) => notices.push(line),
      onTrouble: (words) => troubles.push(words),
      ...options,
    });
  const copies = open();
  t.after(async () => {
    await copies.close();
    source.remove();
    rmSync(root, { recursive: true, force: true });
  });
  const records = (size: number, until: number): JournalShipment => {
    const { segment, seq, frames } = readPiece(from, { size, until, bytesMax: mebibyte });
    return { records: { segment, seq, frames: frames.toString('base64') }, checkpoint: null };
  };
  const newest = newestCheckpoint(from);
  assert.ok(newest);
  return { copies, root, notices, troubles, time, records, checkpoint: { records: null, checkpoint: newest }, open };
}

const nothing: JournalShipment = { records: null, checkpoint: null };
const refused = (status: number, code: string) => (error: unknown) =>
  error instanceof ApiProblem && error.details.status === status && error.details.code === code;

test('what a gateway sends is kept, goes on after a restart of control, and proves itself', async (t) => {
  const { copies, root, records, checkpoint, open } = await bench(t);
  assert.deepEqual(await copies.ship('edge', nothing), { size: 0, segment: 0, signed: null });
  assert.equal((await copies.ship('edge', records(0, 10))).size, 10);
  // Sent again, or not next: nothing happens, and the answer says where to go on.
  assert.equal((await copies.ship('edge', records(0, 10))).size, 10);
  assert.equal((await copies.ship('edge', records(20, 30))).size, 10);
  await copies.close();
  const again = open();
  assert.equal((await again.ship('edge', records(10, 30))).size, 30);
  assert.equal((await again.ship('edge', checkpoint)).signed?.size, 30);
  await again.close();
  const report = await verifyLog({ directory: root, verifyNote });
  assert.deepEqual([report.ok, report.writers.map(({ signedSize }) => signedSize)], [true, [30]]);
});

test('a gateway writes under its own name only, whatever its records say', async (t) => {
  const { copies, root, records, checkpoint, notices } = await bench(t);
  mkdirSync(join(root, 'control'));
  await assert.rejects(copies.ship('branch', records(0, 10)), refused(409, 'not-taken'));
  await assert.rejects(copies.ship('branch', checkpoint), refused(409, 'not-taken'));
  await assert.rejects(copies.ship('gateway-1', records(0, 10)), refused(403, 'local'));
  assert.equal((await copies.ship('branch', nothing)).size, 0);
  assert.equal(existsSync(join(root, 'edge')), false);
  assert.equal(existsSync(join(root, 'gateway-1')), false);
  assert.match(notices[0] ?? '', /journal of the gateway `branch` is not taken: a record of writer `edge`/);
  await assert.rejects(copies.ship('branch', records(0, 10)));
  assert.equal(notices.length, 2, 'told once each');
});

test('how far the journal of a gateway came is told, and why what it sends is not taken, until it is', async (t) => {
  const { copies, records, checkpoint, time, troubles, open } = await bench(t);
  assert.equal(copies.received('edge'), undefined);
  await copies.ship('edge', records(0, 10));
  assert.deepEqual(copies.received('edge'), { records: 10, signed: null, problem: null });
  const forged = { records: null, checkpoint: { ...checkpoint.checkpoint, note: 'x.y.z' } };
  for (let tries = 0; tries < 3; tries += 1) {
    time.monotonic += 60_000;
    await assert.rejects(copies.ship('edge', forged), refused(409, 'not-taken'));
    await copies.ship('edge', nothing);
  }
  const problem = 'a checkpoint over 30 records is not signed by a trusted key';
  assert.deepEqual(copies.received('edge'), { records: 10, signed: null, problem });
  assert.deepEqual(troubles, [`the journal of the gateway \`edge\` is not taken: ${problem}`]);
  // It goes to and fro: the journal hears of it once a minute and no more.
  for (let seq = 10; seq < 30; seq += 10) {
    await copies.ship('edge', records(seq, seq + 10));
    assert.equal(copies.received('edge')?.problem, null);
    await assert.rejects(copies.ship('edge', forged), refused(409, 'not-taken'));
    assert.equal(troubles.length, 2);
  }
  await copies.ship('edge', checkpoint);
  const whole = { records: 30, signed: { records: 30, at: 1 }, problem: null };
  assert.deepEqual(copies.received('edge'), whole);
  await copies.close();
  const again = open();
  assert.deepEqual(again.received('edge'), whole, 'known after a restart of control, before anything is sent');
  assert.equal(again.received('other'), undefined);
  await again.close();
});

test('a gateway cannot fill the disk: more than its share is refused, and told once', async (t) => {
  const { copies, records, notices } = await bench(t, { bytesMax: 2_500 });
  assert.equal((await copies.ship('edge', records(0, 2))).size, 2);
  for (let tries = 0; tries < 3; tries += 1) {
    await assert.rejects(copies.ship('edge', records(2, 30)), refused(507, 'copy-full'));
  }
  assert.equal((await copies.ship('edge', nothing)).size, 2);
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? '', /Raise `journal.gatewayBytes`/);
});

test('nothing is taken when the disk has less left than is control’s own', async (t) => {
  const { copies, records } = await bench(t, { freeBytesMin: Number.MAX_SAFE_INTEGER });
  await assert.rejects(copies.ship('edge', records(0, 2)), refused(507, 'disk-full'));
});

test('a gateway that sends too much at once has to wait, checkpoints before all; others do not', async (t) => {
  const { copies, records, checkpoint, time } = await bench(t);
  await copies.ship('edge', records(0, 30));
  let taken = 0;
  for (; taken < 1_000; taken += 1) {
    const answer = await copies.ship('edge', checkpoint).catch((error: unknown) => error);
    if (refused(429, 'too-fast')(answer)) break;
  }
  assert.ok(taken > 0 && taken < 10, `${taken} checkpoints`);
  await copies.ship('branch', nothing);
  time.monotonic += 60_000;
  await copies.ship('edge', checkpoint);
});

test('of two shipments of one gateway at once one is refused', async (t) => {
  const { copies, records } = await bench(t);
  await copies.ship('edge', nothing);
  const answers = await Promise.allSettled([copies.ship('edge', records(0, 10)), copies.ship('edge', records(0, 10))]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal((await copies.ship('edge', nothing)).size, 10);
});
