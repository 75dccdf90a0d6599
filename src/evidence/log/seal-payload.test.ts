import assert from 'node:assert/strict';
import { createCipheriv, createHmac, hash, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { findRecord, openRecord, queryLog, replayLog, type SubjectKey, subjectKey, verifyLog } from '#evidence/log';
import { canonicalJson } from '#foundation/encoding';
import { appendMany, journalFolder, signNote, testKeyring, verifyNote } from '../../../tests/fakes/journal-folder.ts';
import { readFrame, writeFrame } from './frame.ts';
import { textOf } from './known-bytes.ts';
import { PayloadOpener } from './open-payload.ts';
import { QuickHmac, quickHkdf, tagRoomBytes } from './quick-hmac.ts';
import { type RecordHeader, readHeader, tagEnd, taggedText, writeHeader } from './record-header.ts';
import { PayloadSealer, sealedStreamsMax, sealMemory } from './seal-payload.ts';
import { payloadBytesMax } from './sealable-event.ts';
import { listSegments } from './segment-file.ts';

const ada = subjectKey('ada', randomBytes(32));
const memory = sealMemory(payloadBytesMax);

function seal(
  sealer: PayloadSealer,
  { text, subject = ada, seq = 7 }: { text: string; subject?: SubjectKey; seq?: number },
) {
  const stream = sealer.stream(subject);
  const sealed = Buffer.from(memory.bytes.subarray(0, stream.seal(text, memory)));
  const members = {
    activity_id: 1,
    class_uid: 4002,
    fact_revision: 1,
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    payload_hash: hash('sha256', sealed, 'base64url'),
    policy_sequence: 1,
    seq,
    severity_id: 1,
    status_id: 1 as number,
    subject: subject.pseudonym,
    time: 1_800_000_000_000,
    v: 2 as const,
    writer: 'gateway-1',
  };
  const tagging = Buffer.alloc(4096);
  const tag = stream.tag(tagging, tagging.write(taggedText(members), tagRoomBytes, 'latin1'));
  return { sealed, header: { ...members, writer_tag: tag } };
}

test('QuickHmac gives the tags of an Hmac object, one after the other', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.array(fc.uint8Array({ maxLength: 300 })),
      (key, texts) => {
        const quick = new QuickHmac(key);
        const room = Buffer.alloc(tagRoomBytes + 300, 0xff);
        for (const text of texts) {
          room.set(text, tagRoomBytes);
          assert.equal(quick.tag(room, text.byteLength), createHmac('sha256', key).update(text).digest('base64url'));
        }
      },
    ),
  );
});

test('quickHkdf() gives what hkdfSync() gives', () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
  fc.assert(
    fc.property(bytes(96), bytes(64), bytes(64), (secret, salt, info) => {
      const expected = Buffer.from(hkdfSync('sha256', secret, salt, info, 64));
      assert.deepEqual(quickHkdf(secret, { salt, info, length: 64 }), expected);
      assert.deepEqual(quickHkdf(secret, { salt, info, length: 32 }), expected.subarray(0, 32));
    }),
  );
});

test('a PayloadStream is what AES-256-CTR makes of one subject’s payloads laid end to end, whatever their lengths and whoever comes in between', () => {
  const textOf = fc.oneof(fc.string({ unit: 'binary', maxLength: 50 }), fc.string({ minLength: 500, maxLength: 9000 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 4 }), textOf), { minLength: 1, maxLength: 40 }), (payloads) => {
      const salt = randomBytes(16);
      const sealer = new PayloadSealer(() => salt);
      const streams = Array.from({ length: 5 }, (_, index) => {
        const subject = subjectKey(`person ${index}`, randomBytes(32));
        const key = Buffer.from(hkdfSync('sha256', subject.key, salt, 'nullius journal record 2', 64));
        return {
          subject,
          key,
          cipher: createCipheriv('aes-256-ctr', key.subarray(0, 32), Buffer.alloc(16)),
          position: 0,
        };
      });
      for (const [whose, text] of payloads) {
        const stream = streams[whose];
        assert.ok(stream);
        const { sealed, header } = seal(sealer, { text, subject: stream.subject });
        const body = stream.cipher.update(text, 'utf8');
        const place = Buffer.alloc(8);
        place.writeBigUInt64BE(BigInt(stream.position));
        assert.deepEqual(sealed, Buffer.concat([salt, place, body]));
        assert.equal(
          createHmac('sha256', stream.key.subarray(32)).update(taggedText(header)).digest('base64url'),
          header.writer_tag,
        );
        stream.position += body.byteLength;
      }
    }),
    { numRuns: 50 },
  );
});

/** Opens a record whose header lies as it is written. */
function openWith(opener: PayloadOpener, { sealed, header }: { sealed: Buffer; header: RecordHeader }, subject = ada) {
  return opener.open({ header, text: Buffer.from(writeHeader(header)), sealed }, subject);
}

test('PayloadOpener opens what was sealed, in its order and out of it', () => {
  const sealer = new PayloadSealer(randomBytes);
  const texts = Array.from({ length: 40 }, (_, index) => `${index} ü ${'x'.repeat((index * 37) % 900)}`);
  const records = texts.map((text, seq) => ({ text, ...seal(sealer, { text, seq }) }));
  const opener = new PayloadOpener();
  for (const order of [records, records.toReversed(), records.filter((_, index) => index % 3 === 0)]) {
    for (const { text, sealed, header } of order) assert.equal(openWith(opener, { sealed, header }), text);
  }
});

test('a payload or header that was changed does not open, even with a sound hash', () => {
  const sealer = new PayloadSealer(randomBytes);
  const text = JSON.stringify({ message: 'denied' });
  const { sealed, header } = seal(sealer, { text });
  const other = seal(sealer, { text, seq: 8 });
  const opener = new PayloadOpener();
  const changed = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
    return copy;
  };
  assert.equal(openWith(opener, { sealed, header }), text);
  for (let at = 0; at < sealed.byteLength; at += 1) {
    const forged = changed(sealed, at);
    assert.equal(openWith(opener, { sealed: forged, header }), undefined);
    const payload_hash = hash('sha256', forged, 'base64url');
    assert.equal(openWith(opener, { sealed: forged, header: { ...header, payload_hash } }), undefined);
  }
  const lies: Partial<RecordHeader>[] = [
    { seq: 8 },
    { status_id: 2 },
    { time: header.time + 1 },
    { writer: 'gateway-2' },
    { id: 'AAAAAAAAAAAAAAAAAAAAAB' },
    { id: '\u0141AAAAAAAAAAAAAAAAAAAAA' },
    { writer_tag: other.header.writer_tag },
    { writer_tag: '' },
    { v: 1 } as Partial<RecordHeader>,
  ];
  for (const lie of lies) {
    assert.equal(openWith(opener, { sealed, header: { ...header, ...lie } as RecordHeader }), undefined);
  }
  assert.equal(openWith(opener, { sealed: other.sealed, header }), undefined);
  assert.equal(openWith(opener, { sealed: sealed.subarray(0, 20), header }), undefined);
  assert.equal(openWith(opener, { sealed, header }, subjectKey('ada', randomBytes(32))), undefined);
});

test('no two streams cipher alike, though the subject and its key are the same', () => {
  const text = 'x'.repeat(200);
  const again = subjectKey('ada', ada.key);
  const one = new PayloadSealer(randomBytes);
  const bodies = [
    seal(one, { text }),
    seal(one, { text }),
    // The same person under an object of its own, as after keys were forgotten and sent again; and another start of the writer.
    seal(one, { text, subject: again }),
    seal(new PayloadSealer(randomBytes), { text }),
  ].map(({ sealed }) => sealed.subarray(24).toString('hex'));
  assert.equal(new Set(bodies).size, bodies.length);
  // More subjects than streams are kept: the first begins anew, and not where it began before.
  for (let index = 0; index <= sealedStreamsMax; index += 1) one.stream({ ...ada, subject: `user-${index}` });
  assert.ok(!bodies.includes(seal(one, { text }).sealed.subarray(24).toString('hex')));
});

test('a stream goes on from one segment to the next, and each segment can be read without the one before', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const { journal } = await folder.open({ segmentBytesMax: 3000 });
  await appendMany(journal, 60);
  await journal.close();
  const directory = join(folder.root, 'gateway-1');
  const segments = listSegments(directory);
  assert.ok(segments.length > 3);
  const salts = new Map<string, Set<string>>();
  for (const file of segments.toReversed()) {
    const opener = new PayloadOpener();
    const bytes = readFileSync(file.path);
    for (let offset = 0; offset < bytes.byteLength; ) {
      const frame = readFrame(bytes, offset);
      assert.ok(typeof frame === 'object');
      offset += frame.bytes;
      if (frame.kind === 'head') continue;
      const header = readHeader(frame.text);
      const subject = header && testKeyring.byPseudonym(header.subject);
      assert.ok(header && subject);
      const text = opener.open({ header, text: frame.text, sealed: frame.rest }, subject);
      assert.equal(typeof JSON.parse(text ?? ''), 'object');
      const ofSubject = salts.get(subject.subject) ?? new Set();
      salts.set(subject.subject, ofSubject.add(frame.rest.toString('hex', 0, 16)));
    }
  }
  assert.ok(salts.size > 1);
  for (const ofSubject of salts.values()) assert.equal(ofSubject.size, 1);
});

test('writeHeader() gives canonical JSON of both versions, and readHeader() takes nothing else', () => {
  const { header } = seal(new PayloadSealer(randomBytes), { text: 'x' });
  const { writer_tag: _, ...members } = header;
  for (const each of [header, { ...members, v: 1 as const }]) {
    const text = writeHeader(each);
    assert.equal(text, canonicalJson(each));
    assert.deepEqual(readHeader(Buffer.from(text)), each);
  }
  assert.equal(writeHeader(header), taggedText(header) + tagEnd(header.writer_tag));
  for (const wrong of [
    members,
    { ...header, v: 1 },
    { ...header, v: 3 },
    { ...header, writer_tag: 'a b' },
    { ...header, z: 1 },
  ]) {
    assert.equal(readHeader(Buffer.from(canonicalJson(wrong))), undefined);
  }
});

/** Rewrites records as version 1 had them: each payload sealed by itself with AES-256-GCM. */
function asVersion1(path: string): void {
  const bytes = readFileSync(path);
  const salt = randomBytes(16);
  const opener = new PayloadOpener();
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const frame = readFrame(bytes, at);
    assert.ok(typeof frame !== 'string');
    const header = frame.kind === 'head' ? undefined : (readHeader(frame.text) ?? assert.fail());
    if (header === undefined) {
      pieces.push(bytes.subarray(at, at + frame.bytes));
    } else {
      const subject = testKeyring.byPseudonym(header.subject) ?? assert.fail();
      const key = Buffer.from(hkdfSync('sha256', subject.key, salt, 'nullius journal payload', 32));
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(Buffer.from(`nullius-journal-1\0${header.writer}\0${header.seq}\0${header.id}`));
      const text = openWith(opener, { sealed: frame.rest, header }, subject) ?? assert.fail();
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const rest = Buffer.concat([salt, nonce, body, cipher.getAuthTag()]);
      const payload_hash = hash('sha256', rest, 'base64url');
      const { writer_tag: _, ...members } = { writer_tag: '', ...header };
      const older = writeHeader({ ...members, payload_hash, v: 1 });
      const target = Buffer.alloc(2000);
      pieces.push(target.subarray(0, writeFrame(target, { offset: 0, kind: 'record', text: older, rest })));
    }
    at += frame.bytes;
  }
  writeFileSync(path, Buffer.concat(pieces));
}

test('a journal that version 1 wrote is read, verified and gone on with', async (t) => {
  const folder = journalFolder();
  t.after(folder.remove);
  const { journal } = await folder.open();
  const events = await appendMany(journal, 20);
  await journal.close();
  const directory = join(folder.root, 'gateway-1');
  asVersion1(join(directory, '0000000000000000.segment'));

  const again = await folder.open();
  assert.equal(again.repair, undefined);
  events.push(...(await appendMany(again.journal, 20)));
  await again.journal.checkpoint(signNote, { time: 1 });
  await again.journal.close();
  assert.equal((await verifyLog({ directory: folder.root, verifyNote })).ok, true);
  const { records } = await queryLog({ directory: folder.root, keys: testKeyring, limit: 100, order: 'oldest-first' });
  assert.deepEqual(
    records.map(({ id, payload }) => ({ id, payload })),
    events.map(({ id, payload }) => ({ id, payload })),
  );
  const replayed = [];
  for (const { id, payload } of replayLog({
    directory: folder.root,
    keys: testKeyring,
    since: 0,
    until: Number.MAX_SAFE_INTEGER,
    classUid: 4002,
  }))
    replayed.push({ id, payload: JSON.parse(typeof payload === 'string' ? payload : textOf(payload)) });
  assert.deepEqual(
    replayed,
    events.map(({ id, payload }) => ({ id, payload })),
  );
  const older = findRecord(directory, events[3]?.id ?? '') ?? assert.fail();
  assert.equal(older.header.v, 1);
  const lie = { ...older, header: { ...older.header, seq: 4 } };
  const { payload, isDamaged } = openRecord(lie, testKeyring);
  assert.deepEqual([payload, isDamaged], [null, true]);
});
