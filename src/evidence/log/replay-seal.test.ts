import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { JournalCopy, readPiece, replayLog, sealable, verifyLog } from '#evidence/log';
import {
  appendMany,
  journalFolder,
  testEvent,
  testKeyring,
  testKeys,
  verifyNote,
} from '../../../tests/fakes/journal-folder.ts';
import { frameOverheadBytes, readFrame, writeFrame } from './frame.ts';
import { subjectKey } from './journal-keys.ts';
import { readFrames } from './segment-file.ts';
import { readSeal, SegmentSeal } from './segment-seal.ts';

const writer = 'gateway-1';

/** What a replay tells, with the number of places that are damaged. */
function replayed(directory: string, windowBytesMax?: number) {
  const range = { since: 0, until: Number.MAX_SAFE_INTEGER, classUid: 4002, keys: testKeyring };
  const options = { ...range, directory, ...(windowBytesMax === undefined ? {} : { windowBytesMax }) };
  const [ids, damaged]: [string[], string[]] = [[], []];
  for (const { id, payload } of replayLog(options)) (payload === 'damaged' ? damaged : ids).push(id);
  return { ids, damaged };
}

/** A journal of some full segments and one that is not. */
async function fullSegments(t: Pick<TestContext, 'after'>, name = writer) {
  const folder = journalFolder(name);
  t.after(folder.remove);
  const { journal } = await folder.open({ segmentBytesMax: 3_000 });
  const events = await appendMany(journal, 60);
  await journal.close();
  const directory = join(folder.root, name);
  const names = readdirSync(directory);
  const firsts = names.filter((each) => each.endsWith('.segment')).map((each) => Number.parseInt(each, 10));
  assert.ok(firsts.length >= 4);
  const pathOf = (first: number, kind: string) => join(directory, `${String(first).padStart(16, '0')}.${kind}`);
  return { root: folder.root, directory, firsts, pathOf, ids: events.map(({ id }) => id) };
}

/** The frames of a segment; the first is its head. */
function framesOf(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const fd = openSync(path, 'r');
  try {
    return [...readFrames(fd)].map(({ offset, frame }) => bytes.subarray(offset, offset + (frame?.bytes ?? 0)));
  } finally {
    closeSync(fd);
  }
}

/** Another tag in a record, its checksum made anew: what somebody without its key can write. */
function withOtherTag(record: Buffer): Buffer {
  const frame = readFrame(record, 0);
  assert.ok(typeof frame !== 'string');
  const text = frame.text.toString('latin1').replace(/"writer_tag":".{43}"/, `"writer_tag":"${'A'.repeat(43)}"`);
  const forged = Buffer.alloc(text.length + frame.rest.byteLength + frameOverheadBytes);
  writeFrame(forged, { offset: 0, kind: 'record', text, rest: frame.rest });
  return forged;
}

/** A segment with another tag in the record at this place. */
function withForgedRecord(path: string, index: number): Buffer {
  return Buffer.concat(framesOf(path).map((frame, at) => (at === index + 1 ? withOtherTag(frame) : frame)));
}

function sealWith(key: Uint8Array, { directory, first, bytes }: { directory: string; first: number; bytes: Buffer }) {
  const seal = new SegmentSeal(subjectKey('system', key), randomBytes(SegmentSeal.saltBytes));
  seal.update(bytes);
  seal.write(directory, first);
}

test('a full segment is sealed, and only the key that all records of the system have makes a seal that a replay takes', async (t) => {
  const { root, directory, firsts, pathOf, ids } = await fullSegments(t);
  for (const first of firsts) {
    assert.equal(readSeal(directory, first)?.byteLength, first === firsts.at(-1) ? undefined : 32);
  }
  const [first = 0] = firsts;
  const bytes = withForgedRecord(pathOf(first, 'segment'), 0);
  writeFileSync(pathOf(first, 'segment'), bytes);
  assert.deepEqual(replayed(root), { ids: ids.slice(1), damaged: [ids[0]] }, 'the seal of what stood there');
  sealWith(randomBytes(32), { directory, first, bytes });
  assert.deepEqual(replayed(root), { ids: ids.slice(1), damaged: [ids[0]] }, 'a seal by another key');
  rmSync(pathOf(first, 'seal'));
  assert.deepEqual(replayed(root), { ids: ids.slice(1), damaged: [ids[0]] }, 'no seal');
  const system = testKeys.find(([subject]) => subject === 'system')?.[1] ?? assert.fail();
  sealWith(system, { directory, first, bytes });
  assert.deepEqual(replayed(root), { ids, damaged: [] }, 'who has the key is the writer');
});

test('records that were taken out, put in twice or brought from elsewhere are told, sealed or not, and none is given that was not written', async (t) => {
  const { root, firsts, pathOf, ids } = await fullSegments(t);
  const other = await fullSegments(t, 'gateway-2');
  const [first = 0, next = 0] = firsts;
  const sound = readFileSync(pathOf(first, 'segment'));
  const [head = sound, one = sound, two = sound, ...others] = framesOf(pathOf(first, 'segment'));
  const ends = [head, one, two, ...others.slice(0, -1)];
  const changed: Record<string, Buffer> = {
    'one taken out': Buffer.concat([head, two, ...others]),
    'the last taken out': Buffer.concat(ends),
    'all taken out': head,
    'one put in twice': Buffer.concat([head, one, one, two, ...others]),
    'two exchanged': Buffer.concat([head, two, one, ...others]),
    'one of another segment': Buffer.concat([head, framesOf(pathOf(next, 'segment'))[1] ?? sound, two, ...others]),
    'one of another writer': Buffer.concat([
      head,
      framesOf(other.pathOf(first, 'segment'))[1] ?? sound,
      two,
      ...others,
    ]),
    'one of the next segment behind': Buffer.concat([sound, framesOf(pathOf(next, 'segment'))[1] ?? sound]),
    'a segment of another writer': readFileSync(other.pathOf(first, 'segment')),
  };
  const seal = readFileSync(pathOf(first, 'seal'));
  const known = new Set(ids);
  for (const [what, bytes] of Object.entries(changed)) {
    for (const isSealed of [true, false]) {
      writeFileSync(pathOf(first, 'segment'), bytes);
      if (!isSealed) rmSync(pathOf(first, 'seal'));
      const told = replayed(root);
      assert.equal(told.damaged.length, 1, `${what}, ${isSealed}`);
      assert.ok(told.ids.every((id) => known.has(id)) && new Set(told.ids).size === told.ids.length, what);
      assert.deepEqual(told.ids.slice(-20), ids.slice(-20), 'it goes on with the next segment');
      writeFileSync(pathOf(first, 'segment'), sound);
      writeFileSync(pathOf(first, 'seal'), seal);
    }
  }
  assert.deepEqual(replayed(root), { ids, damaged: [] });
  rmSync(pathOf(next, 'segment'));
  assert.equal(replayed(root).damaged.length, 1, 'a whole segment taken out');
});

test('a seal that was changed in any bit or cut changes nothing of what is told', async (t) => {
  const { root, firsts, pathOf, ids } = await fullSegments(t);
  const path = pathOf(firsts[0] ?? 0, 'seal');
  const sound = readFileSync(path);
  for (let bit = 0; bit < 8 * sound.byteLength; bit += 5) {
    const bytes = Buffer.from(sound);
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    writeFileSync(path, bytes);
    assert.deepEqual(replayed(root), { ids, damaged: [] });
  }
  for (const bytes of [sound.subarray(1), Buffer.concat([sound, sound]), Buffer.alloc(0)]) {
    writeFileSync(path, bytes);
    assert.deepEqual(replayed(root), { ids, damaged: [] });
  }
});

test('a segment that was there when its writer started is not vouched for: somebody may have put records into it meanwhile', async (t) => {
  const folder = journalFolder(writer);
  t.after(folder.remove);
  const before = await folder.open({ segmentBytesMax: 8_000 });
  await appendMany(before.journal, 3, 1);
  await before.journal.close();
  const directory = join(folder.root, writer);
  const [name = ''] = readdirSync(directory).filter((each) => each.endsWith('.segment'));
  const path = join(directory, name);
  writeFileSync(path, withForgedRecord(path, 2));
  const { journal } = await folder.open({ segmentBytesMax: 8_000 });
  await appendMany(journal, 60);
  await journal.close();
  assert.equal(readSeal(directory, 0), undefined);
  assert.ok(
    readdirSync(directory).some((each) => each.endsWith('.seal')),
    'the next ones are',
  );
  assert.equal(replayed(folder.root).damaged.length, 1);
  assert.equal(
    (await verifyLog({ directory: folder.root, verifyNote })).ok,
    true,
    'which needs no keys, and sees no tag',
  );
});

test('a copy of what another machine wrote is not vouched for', async (t) => {
  const { root, directory, ids } = await fullSegments(t);
  const copies = journalFolder(writer);
  t.after(copies.remove);
  const copied = join(copies.root, writer);
  const copy = await JournalCopy.open({ directory: copied, writer, verifyNote, segmentBytesMin: 1 });
  while (copy.position.size < ids.length) {
    const piece = readPiece(directory, { size: copy.position.size, until: ids.length, bytesMax: 3_000 });
    await copy.append(piece.frames, piece.segment);
  }
  await copy.close();
  assert.deepEqual(replayed(copies.root), replayed(root));
  assert.ok(!readdirSync(copied).some((name) => name.endsWith('.seal')));
});

test('of a segment larger than the window each record is compared with its tag, sealed or not', async (t) => {
  const folder = journalFolder(writer);
  t.after(folder.remove);
  const { journal } = await folder.open({ segmentBytesMax: 2_500_000 });
  const events = Array.from({ length: 60 }, (_, index) =>
    testEvent(index % 2 === 0 ? 'ada' : 'bob', { payload: { message: String(index % 10).repeat(60_000) } }),
  );
  for (const event of events) await journal.append([sealable(event, testKeyring.bySubject(event.subject))]);
  await journal.close();
  const ids = events.map(({ id }) => id);
  const path = join(folder.root, writer, '0000000000000000.segment');
  assert.ok(readSeal(join(folder.root, writer), 0) !== undefined);
  assert.deepEqual(replayed(folder.root, 1), { ids, damaged: [] });
  writeFileSync(path, withForgedRecord(path, 30));
  for (const windowBytesMax of [1, undefined]) {
    assert.deepEqual(replayed(folder.root, windowBytesMax), { ids: ids.toSpliced(30, 1), damaged: [ids[30]] });
  }
});

test('two seals by one key authenticate under different keys: GMAC twice under one key and nonce would give that key away', (t) => {
  const folder = journalFolder(writer);
  t.after(folder.remove);
  const [key, bytes] = [randomBytes(32), Buffer.from('the same bytes')];
  const tags = [0, 1].map((first) => {
    sealWith(key, { directory: folder.root, first, bytes });
    return readSeal(folder.root, first)?.subarray(SegmentSeal.saltBytes).toString('hex');
  });
  assert.ok(tags[0] !== undefined && tags[0] !== tags[1]);
});
