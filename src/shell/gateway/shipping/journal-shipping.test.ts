import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { JournalCopy, verifyLog } from '#evidence/log';
import type { JournalPosition, JournalShipment } from '#shell/wire';
import { appendMany, journalFolder, signNote, verifyNote } from '../../../../tests/fakes/journal-folder.ts';
import { JournalShipping, NotTaken } from './journal-shipping.ts';

/** A gateway's journal and a control that keeps what it is sent. */
async function bench(t: TestContext) {
  const source = journalFolder('edge');
  const root = mkdtempSync(join(tmpdir(), 'nullius-shipping-'));
  const copy = await JournalCopy.open({
    directory: join(root, 'edge'),
    writer: 'edge',
    verifyNote,
    segmentBytesMin: 1,
  });
  t.after(async () => {
    await copy.close();
    source.remove();
    rmSync(root, { recursive: true, force: true });
  });
  const notices: string[] = [];
  const shipped: JournalShipment[] = [];
  const away = { isAway: false };
  const send = async (shipment: JournalShipment): Promise<JournalPosition> => {
    if (away.isAway) throw new NotTaken('the control process does not answer', { isForLater: true });
    shipped.push(shipment);
    if (shipment.records !== null && shipment.records.seq === copy.position.size) {
      await copy.append(Buffer.from(shipment.records.frames, 'base64'), shipment.records.segment);
    }
    if (shipment.checkpoint !== null) await copy.keep(shipment.checkpoint);
    return copy.position;
  };
  const ship = () =>
    new JournalShipping({ directory: join(source.root, 'edge'), send, notice: (line) => notices.push(line) });
  return { source, root, copy, notices, shipped, away, ship };
}

test('a journal is sent up to its newest checkpoint, segment by segment, and no further', async (t) => {
  const { source, root, copy, notices, ship } = await bench(t);
  const { journal } = await source.open({ segmentBytesMax: 5_000 });
  await appendMany(journal, 60);
  await journal.checkpoint(signNote, { time: 1 });
  await appendMany(journal, 10);
  await ship().close();
  assert.deepEqual([copy.position.size, copy.position.signed?.size], [60, 60]);
  await journal.checkpoint(signNote, { time: 2 });
  await journal.close();
  const shipping = ship();
  await shipping.close();
  assert.deepEqual([copy.position.size, copy.position.signed?.size], [70, 70]);
  assert.deepEqual(notices, []);
  assert.equal((await verifyLog({ directory: root, verifyNote })).ok, true);
});

test('a control that is away is no news, and nothing is lost or sent twice over', async (t) => {
  const { source, copy, notices, shipped, away, ship } = await bench(t);
  const { journal } = await source.open();
  await appendMany(journal, 20);
  await journal.checkpoint(signNote, { time: 1 });
  await journal.close();
  away.isAway = true;
  await ship().close();
  away.isAway = false;
  await ship().close();
  assert.equal(copy.position.signed?.size, 20);
  assert.deepEqual(notices, []);
  const sent = shipped.length;
  await ship().close();
  assert.equal(shipped.slice(sent).filter(({ records, checkpoint }) => records ?? checkpoint).length, 0);
});

test('nothing is sent behind records that are of another journal, and the operator is told', async (t) => {
  const { source, copy, notices, shipped, ship } = await bench(t);
  const { journal } = await source.open();
  await appendMany(journal, 50);
  await journal.checkpoint(signNote, { time: 1 });
  await journal.close();
  const asked: JournalShipment[] = [];
  const send = async (shipment: JournalShipment) => {
    asked.push(shipment);
    return { size: 30, segment: 0, signed: { size: 30, rootHash: 'x'.repeat(43) } };
  };
  const told = Promise.withResolvers<string>();
  const shipping = new JournalShipping({ directory: join(source.root, 'edge'), send, notice: told.resolve });
  assert.match(await told.promise, /control has 30 records under this name that are not of this journal/);
  await shipping.close();
  assert.ok(asked.every(({ records, checkpoint }) => records === null && checkpoint === null));
  // The same journal, before a control that has nothing of it.
  await ship().close();
  assert.equal(copy.position.size, 50);
  assert.ok(shipped.length > 0);
  assert.deepEqual(notices, []);
});
