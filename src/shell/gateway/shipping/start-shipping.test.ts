import assert from 'node:assert/strict';
import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { JournalCopy, newestCheckpoint } from '#evidence/log';
import type { JournalPosition, JournalShipment } from '#shell/wire';
import { appendMany, journalFolder, signNote, verifyNote } from '../../../../tests/fakes/journal-folder.ts';
import { ControlError, type SendToControl } from '../control-client.ts';
import { startShipping } from './start-shipping.ts';

/** A journal of sixty records in segments, signed over, and a folder for its copy. */
async function bench(t: TestContext) {
  const source = journalFolder('edge');
  const root = mkdtempSync(join(tmpdir(), 'nullius-shipping-'));
  t.after(() => {
    source.remove();
    rmSync(root, { recursive: true, force: true });
  });
  const { journal } = await source.open({ segmentBytesMax: 5_000 });
  await appendMany(journal, 60);
  await journal.checkpoint(signNote, { time: 1 });
  await journal.close();
  return { from: join(source.root, 'edge'), to: join(root, 'edge') };
}

/** Files below `folder` that this thread opens from now on. */
function openedHere(t: TestContext, folder: string): string[] {
  const opened: string[] = [];
  const { openSync } = fs;
  t.mock.method(fs, 'openSync', (...given: Parameters<typeof openSync>) => {
    if (String(given[0]).startsWith(folder)) opened.push(String(given[0]));
    return openSync(...given);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return opened;
}

test('startShipping() sends a journal whole, and this thread neither reads nor encodes it', async (t) => {
  const { from, to } = await bench(t);
  const copy = await JournalCopy.open({ directory: to, writer: 'edge', verifyNote, segmentBytesMin: 1 });
  t.after(() => copy.close());
  const opened = openedHere(t, from);
  const whole = Promise.withResolvers<void>();
  const take = async (name: string, body: string | Uint8Array): Promise<JournalPosition> => {
    assert.equal(name, 'journal/ship');
    assert.ok(body instanceof Uint8Array, 'what is sent is bytes already');
    const { records, checkpoint } = JSON.parse(Buffer.from(body).toString('utf8')) as JournalShipment;
    if (records !== null) await copy.append(Buffer.from(records.frames, 'base64'), records.segment);
    if (checkpoint !== null) await copy.keep(checkpoint);
    if (checkpoint !== null) whole.resolve();
    return copy.position;
  };
  const shipping = startShipping({ directory: from, send: take as SendToControl, notice: whole.reject });
  await whole.promise;
  await shipping.close();
  assert.deepEqual([copy.position.size, copy.position.signed?.size], [60, 60]);
  assert.deepEqual(opened, []);
  newestCheckpoint(from);
  assert.equal(opened.length, 1, 'it would have been seen');
});

test('startShipping() tells the operator what control refuses, and not that it is away', async (t) => {
  const { from } = await bench(t);
  const answers = [
    new ControlError('unreachable', { message: 'away' }),
    new ControlError('refused', { message: 'patience', status: 429 }),
    new ControlError('refused', { message: 'not the next record', status: 409 }),
  ];
  const send = () => Promise.reject(answers.length > 1 ? answers.shift() : answers[0]);
  const told = Promise.withResolvers<string>();
  const shipping = startShipping({ directory: from, send: send as SendToControl, notice: told.resolve });
  assert.match(await told.promise, /^the journal is not sent to control: not the next record$/);
  await shipping.close();
});
