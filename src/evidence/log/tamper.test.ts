import assert from 'node:assert/strict';
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import {
  checkInclusion,
  findRecord,
  LogError,
  parseCheckpoint,
  proveConsistency,
  proveInclusion,
  pruneLog,
  readCheckpoints,
  verifyConsistency,
  verifyLog,
} from '#evidence/log';
import { canonicalJson } from '#foundation/encoding';
import {
  appendMany,
  type JournalFolder,
  journalFolder,
  signNote,
  verifyNote,
} from '../../../tests/fakes/journal-folder.ts';
import { readFrame, writeFrame } from './frame.ts';

const writer = 'gateway-1';
let original: JournalFolder;
let copy: string;
const ids: string[] = [];

before(async () => {
  original = journalFolder(writer);
  const { journal } = await original.open({ segmentBytesMax: 5000 });
  for (let round = 1; round <= 4; round += 1) {
    ids.push(...(await appendMany(journal, 20, 5)).map((event) => event.id));
    await journal.checkpoint(signNote, { time: round });
  }
  await journal.close();
});
after(() => original.remove());

/** A fresh copy of the journal to tamper with. */
function fresh(t: { after: (end: () => void) => void }): string {
  copy = mkdtempSync(join(tmpdir(), 'nullius-tamper-'));
  const root = copy;
  t.after(() => rmSync(root, { recursive: true, force: true }));
  restore();
  return join(copy, writer);
}
function restore() {
  rmSync(join(copy, writer), { recursive: true, force: true });
  cpSync(original.root, copy, { recursive: true });
}
const verify = () => verifyLog({ directory: copy, verifyNote });
const segments = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.segment'));
const pathOf = (folder: string, index: number) => join(folder, segments(folder)[index] ?? assert.fail());

interface Piece {
  readonly start: number;
  readonly end: number;
}
function piecesOf(bytes: Buffer): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const frame = readFrame(bytes, at);
    if (typeof frame === 'string') break;
    pieces.push({ start: at, end: at + frame.bytes });
    at += frame.bytes;
  }
  return pieces;
}

test('the journal under attack is sound before it is touched', async (t) => {
  const folder = fresh(t);
  const report = await verify();
  assert.equal(report.ok, true);
  assert.equal(report.writers[0]?.signedSize, 80);
  assert.ok(segments(folder).length >= 4);
});

test('verifyLog() notices any flipped bit of any segment or checkpoint', async (t) => {
  const folder = fresh(t);
  const files = [...segments(folder), 'checkpoints'];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 0, max: 7 }), async (name, seed, bit) => {
      const path = join(folder, name);
      const clean = readFileSync(path);
      const bytes = Buffer.from(clean);
      const at = seed % bytes.byteLength;
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
      writeFileSync(path, bytes);
      const isLastNewline = name === 'checkpoints' && at === bytes.byteLength - 1;
      const report = await verify();
      writeFileSync(path, clean);
      // A checkpoint line without its end counts as one that was being written: it is left out, not believed.
      if (isLastNewline) assert.equal(report.writers[0]?.signedSize, 60);
      else assert.equal(report.ok, false, `${name} byte ${at} bit ${bit}`);
    }),
    { numRuns: 400 },
  );
});

test('verifyLog() notices records deleted, doubled, swapped or cut, even with sound checksums', async (t) => {
  const folder = fresh(t);
  const attacks: ((bytes: Buffer, pieces: Piece[], pick: number) => Buffer)[] = [
    (bytes, pieces, pick) => {
      const { start, end } = pieces[1 + (pick % (pieces.length - 1))] ?? assert.fail();
      return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
    },
    (bytes, pieces, pick) => {
      const { start, end } = pieces[1 + (pick % (pieces.length - 1))] ?? assert.fail();
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
    },
    (bytes, pieces, pick) => {
      const first = pieces[1 + (pick % (pieces.length - 2))] ?? assert.fail();
      const second = pieces[2 + (pick % (pieces.length - 2))] ?? assert.fail();
      return Buffer.concat([
        bytes.subarray(0, first.start),
        bytes.subarray(second.start, second.end),
        bytes.subarray(first.start, first.end),
        bytes.subarray(second.end),
      ]);
    },
    (bytes, pieces, pick) => bytes.subarray(0, pieces[pick % pieces.length]?.start),
    (bytes, _, pick) => bytes.subarray(0, pick % bytes.byteLength),
  ];
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.constantFrom(...attacks), async (which, pick, attack) => {
      const path = pathOf(folder, which % segments(folder).length);
      const clean = readFileSync(path);
      writeFileSync(path, attack(clean, piecesOf(clean), pick));
      const report = await verify();
      writeFileSync(path, clean);
      assert.equal(report.ok, false);
    }),
    { numRuns: 150 },
  );
});

test('verifyLog() notices a record rewritten with a valid checksum and payload hash', async (t) => {
  const folder = fresh(t);
  const path = pathOf(folder, 0);
  const bytes = readFileSync(path);
  const { start, end } = piecesOf(bytes)[3] ?? assert.fail();
  const frame = readFrame(bytes, start);
  assert.ok(typeof frame !== 'string');
  const header = JSON.parse(frame.text.toString());
  const forged = Buffer.alloc(end - start + 100);
  const text = canonicalJson({ ...header, status_id: 2 });
  const length = writeFrame(forged, { offset: 0, kind: 'record', text, rest: frame.rest });
  writeFileSync(path, Buffer.concat([bytes.subarray(0, start), forged.subarray(0, length), bytes.subarray(end)]));
  const report = await verify();
  assert.ok(report.writers[0]?.faults.some(({ kind }) => kind === 'damaged' || kind === 'checkpoint-mismatch'));
});

test('verifyLog() notices segments swapped, missing, or of another writer, and forged and replayed checkpoints', async (t) => {
  const folder = fresh(t);
  const attacks: (() => void | Promise<void>)[] = [
    () => {
      const [a, b] = [pathOf(folder, 0), pathOf(folder, 1)];
      renameSync(a, `${a}.x`);
      renameSync(b, a);
      renameSync(`${a}.x`, b);
    },
    () => rmSync(pathOf(folder, 1)),
    () => rmSync(pathOf(folder, segments(folder).length - 1)),
    () => renameSync(folder, join(copy, 'gateway-2')),
    async () => {
      const other = journalFolder(writer);
      const { journal } = await other.open({ segmentBytesMax: 5000 });
      await appendMany(journal, 20, 5);
      await journal.close();
      copyFileSync(pathOf(join(other.root, writer), 0), pathOf(folder, 0));
      other.remove();
    },
    () => {
      const lines = readFileSync(join(folder, 'checkpoints'), 'utf8').trim().split('\n');
      const last = parseCheckpoint(lines.at(-1) ?? '') ?? assert.fail();
      const first = parseCheckpoint(lines[0] ?? '') ?? assert.fail();
      writeFileSync(join(folder, 'checkpoints'), `${canonicalJson({ ...last, note: first.note })}\n`);
    },
  ];
  for (const [index, attack] of attacks.entries()) {
    await attack();
    assert.equal((await verify()).ok, false, `attack ${index}`);
    rmSync(join(copy, 'gateway-2'), { recursive: true, force: true });
    restore();
  }
});

test('cutting the newest records together with their checkpoints is seen only against a pinned checkpoint, and the report says so', async (t) => {
  const folder = fresh(t);
  const pinned = readCheckpoints(folder).checkpoints.at(-1) ?? assert.fail();
  const older = journalFolder(writer);
  t.after(older.remove);
  // The whole folder as it was when it held 20 records and one checkpoint: an older state, replayed.
  const lines = readFileSync(join(folder, 'checkpoints'), 'utf8').split('\n');
  writeFileSync(join(folder, 'checkpoints'), `${lines[0]}\n`);
  let records = 0;
  for (const [index] of segments(folder).entries()) {
    const path = join(
      folder,
      readdirSync(join(original.root, writer)).filter((name) => name.endsWith('.segment'))[index] ?? '',
    );
    const bytes = readFileSync(path);
    const pieces = piecesOf(bytes);
    if (records >= 20) rmSync(path);
    else writeFileSync(path, bytes.subarray(0, pieces[Math.min(pieces.length - 1, 20 - records)]?.end));
    records += pieces.length - 1;
  }
  const unpinned = await verify();
  assert.equal(unpinned.ok, true);
  assert.match(unpinned.claim, /cut off the newest records together with their checkpoints: pin checkpoints elsewhere/);
  const report = await verifyLog({ directory: copy, verifyNote, pinned: [pinned] });
  assert.equal(report.ok, false);
  assert.equal(report.writers[0]?.faults[0]?.kind, 'missing');
  const gone = await verifyLog({ directory: copy, verifyNote, pinned: [{ ...pinned, writer: 'gateway-9' }] });
  assert.equal(gone.ok, false);
});

test('openJournal() refuses damage below a checkpoint and mends a torn end above it, wherever the damage falls', async (t) => {
  const folder = journalFolder(writer);
  t.after(folder.remove);
  const { journal } = await folder.open();
  await appendMany(journal, 10);
  await journal.checkpoint(signNote, { time: 1 });
  await appendMany(journal, 10);
  await journal.close();
  const path = pathOf(join(folder.root, writer), 0);
  const clean = readFileSync(path);
  const pieces = piecesOf(clean);
  const boundary = pieces[10]?.end ?? assert.fail();
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.boolean(), async (seed, isCut) => {
      const at = seed % clean.byteLength;
      const bytes = Buffer.from(clean);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
      writeFileSync(path, isCut ? clean.subarray(0, at) : bytes);
      if (at < boundary) {
        await assert.rejects(folder.open(), (error) => error instanceof LogError && error.code === 'damaged');
      } else {
        const again = await folder.open();
        const whole = pieces.filter((piece) => piece.end <= at).length - 1;
        const isClean = isCut && pieces.some((piece) => piece.start === at);
        assert.equal(again.repair?.seq, isClean ? undefined : whole);
        assert.equal(again.journal.size, isClean ? whole : whole + 1);
        await again.journal.close();
        assert.equal((await verifyLog({ directory: folder.root, verifyNote })).ok, true);
      }
      for (const name of readdirSync(join(folder.root, writer))) {
        if (name.endsWith('.torn')) rmSync(join(folder.root, writer, name));
      }
      writeFileSync(path, clean);
    }),
    { numRuns: 60 },
  );
});

test('pruneLog() frees old segments, and every checkpoint and proof of the pruned records still holds', async (t) => {
  const folder = fresh(t);
  const found = findRecord(folder, ids[3] ?? '') ?? assert.fail();
  const evidence = proveInclusion(folder, { header: found.header, size: 80 });
  const checkpoint = readCheckpoints(folder).checkpoints.at(-1) ?? assert.fail();
  assert.ok(checkInclusion(evidence, checkpoint.rootHash));
  assert.ok(
    !checkInclusion({ ...evidence, header: evidence.header.replace('"seq":3', '"seq":4') }, checkpoint.rootHash),
  );

  const pruned = await pruneLog({ directory: copy, before: 1_900_000_000_000 });
  assert.ok(pruned.segments >= 3 && pruned.freedBytes > 10_000);
  const seals = readdirSync(folder).filter((name) => name.endsWith('.seal'));
  const kept = new Set(readdirSync(folder).filter((name) => name.endsWith('.segment')));
  assert.ok(
    seals.every((name) => kept.has(name.replace('.seal', '.segment'))),
    'and seals go with their segments',
  );
  assert.equal(findRecord(folder, ids[3] ?? ''), undefined);
  const report = await verify();
  assert.equal(report.ok, true);
  assert.equal(report.writers[0]?.size, 80);
  assert.equal(report.writers[0]?.pruned, pruned.records);
  assert.deepEqual(proveInclusion(folder, { header: found.header, size: 80 }), evidence);
  const [first] = readCheckpoints(folder).checkpoints;
  const roots = [first?.rootHash, checkpoint.rootHash].map((hash) => Buffer.from(hash ?? '', 'base64url'));
  const proof = proveConsistency(folder, { from: 20, to: 80 }).map((step) => Buffer.from(step, 'base64url'));
  assert.ok(
    verifyConsistency({
      from: 20,
      to: 80,
      fromRoot: roots[0] ?? assert.fail(),
      toRoot: roots[1] ?? assert.fail(),
      proof,
    }),
  );

  // The journal goes on after a prune, and a forged hash is noticed.
  const again = journalFolder(writer);
  t.after(again.remove);
  cpSync(copy, again.root, { recursive: true });
  const { journal, repair } = await again.open({ segmentBytesMax: 5000 });
  assert.equal(repair, undefined);
  await appendMany(journal, 10);
  await journal.close();
  assert.equal((await verifyLog({ directory: again.root, verifyNote })).ok, true);
  const hashes = join(folder, '0000000000000000.hashes');
  const bytes = readFileSync(hashes);
  bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
  writeFileSync(hashes, bytes);
  assert.equal((await verify()).ok, false);
});

test('pruneLog() keeps what no checkpoint was signed over, and what is too young', async (t) => {
  const folder = journalFolder(writer);
  t.after(folder.remove);
  const { journal } = await folder.open({ segmentBytesMax: 3000 });
  await appendMany(journal, 40, 5);
  assert.equal((await pruneLog({ directory: folder.root, before: 1_900_000_000_000 })).segments, 0);
  await journal.checkpoint(signNote, { time: 1 });
  assert.equal((await pruneLog({ directory: folder.root, before: 1_800_000_000_000 })).segments, 0);
  assert.ok((await pruneLog({ directory: folder.root, before: 1_900_000_000_000 })).segments > 0);
  await journal.close();
});

test('verifyLog() notices an index that hides a record from queries, and segment heads rewritten with a valid checksum', async (t) => {
  const folder = fresh(t);
  const index = join(folder, segments(folder)[1]?.replace('segment', 'index') ?? '');
  const clean = readFileSync(index);
  for (let at = 0; at < clean.byteLength; at += 7) {
    const bytes = Buffer.from(clean);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(index, bytes);
    assert.equal((await verify()).writers[0]?.faults[0]?.kind, 'index-mismatch');
  }
  rmSync(index);
  assert.equal((await verify()).ok, true);

  const path = pathOf(folder, 1);
  const bytes = readFileSync(path);
  const frame = readFrame(bytes, 0);
  assert.ok(typeof frame !== 'string');
  const head = JSON.parse(frame.text.toString());
  const lies = [
    { ...head, previous: { ...head.previous, timeMax: 5 } },
    { ...head, previous: null },
    { ...head, before: head.before.toReversed().map(() => 'A'.repeat(43)) },
  ];
  for (const lie of lies) {
    const forged = Buffer.alloc(2000);
    const length = writeFrame(forged, { offset: 0, kind: 'head', text: canonicalJson(lie), rest: new Uint8Array(0) });
    writeFileSync(path, Buffer.concat([forged.subarray(0, length), bytes.subarray(frame.bytes)]));
    assert.equal((await verify()).ok, false);
  }
});
