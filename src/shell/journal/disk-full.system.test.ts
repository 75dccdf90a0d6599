// Needs root, to mount a small tmpfs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogError, queryLog, verifyLog } from '#evidence/log';
import { startJournal } from '#shell/journal';
import { signNote, testEvent, testKeyring, testKeys, verifyNote } from '../../../tests/fakes/journal-folder.ts';

const keyTexts = new Map(testKeys.map(([subject, key]) => [subject, Buffer.from(key).toString('base64url')]));
const isFull = (error: unknown) => error instanceof LogError && error.code === 'full';
const reserveBytes = 256 * 1024;

/** Fills the file system to its last byte, as another program would. */
function fill(path: string): void {
  let at = 64 * 1024;
  writeFileSync(path, '');
  while (at >= 1) {
    try {
      writeFileSync(path, Buffer.alloc(at, 1), { flag: 'a' });
    } catch {
      at = Math.floor(at / 2);
    }
  }
}

test('on a full disk ordinary events are refused, administrators still get in, and all is well once space returns', async (t) => {
  assert.equal(process.getuid?.(), 0, 'this test mounts a tmpfs: run it as root');
  const mount = mkdtempSync(join(tmpdir(), 'nullius-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount]);
  t.after(() => {
    execFileSync('umount', ['-l', mount]);
    rmSync(mount, { recursive: true, force: true });
  });
  const root = join(mount, 'journal');
  mkdirSync(root);
  const journal = await startJournal({
    directory: join(root, 'gateway-1'),
    writer: 'gateway-1',
    sync: 'interval',
    keyOf: (subject) => keyTexts.get(subject),
    signCheckpoint: signNote,
    reserveBytes,
    reservePath: join(mount, 'reserve'),
    checkpointIntervalMs: 50,
  });
  const written: string[] = [];
  const append = async (isReserved: boolean) => {
    const event = testEvent('ada', { payload: { message: 'x'.repeat(3000) } });
    await journal.append(event, { isReserved });
    written.push(event.id);
  };
  // The journal itself fills the disk.
  await assert.rejects(async () => {
    for (let index = 0; index < 2000; index += 1) await append(false);
  }, isFull);
  assert.ok(written.length > 100);
  assert.equal(statSync(join(mount, 'reserve')).size, reserveBytes);
  await append(true);

  // Another program takes the rest, to the last byte: only the reserve is left.
  fill(join(mount, 'other'));
  await assert.rejects(append(false), isFull);
  for (let index = 0; index < 20; index += 1) await append(true);
  assert.throws(() => statSync(join(mount, 'reserve')));
  await assert.rejects(append(false), isFull);

  // Space returns: the reserve is whole again, although nobody writes, and ordinary events are taken again.
  rmSync(join(mount, 'other'));
  execFileSync('mount', ['-o', 'remount,size=8m', mount]);
  const reserve = () => statSync(join(mount, 'reserve'), { throwIfNoEntry: false })?.size ?? 0;
  while (reserve() < reserveBytes) await new Promise((resolve) => setTimeout(resolve, 5));
  await append(false);
  await journal.close();

  const report = await verifyLog({ directory: root, verifyNote });
  assert.deepEqual(report.writers[0]?.faults, []);
  assert.equal(report.writers[0]?.size, written.length);
  for (const id of written.slice(-25)) {
    assert.equal((await queryLog({ directory: root, keys: testKeyring, filter: { id } })).records.length, 1);
  }
});
