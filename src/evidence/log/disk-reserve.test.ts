import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DiskReserve } from './disk-reserve.ts';

test('allowsOrdinary() looks at the disk again after a small part of the reserve was written, and at once after release()', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-reserve-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'reserve');
  const reserve = new DiskReserve(folder, {
    path,
    bytes: 64 * 1024,
    random: (byteCount) => Buffer.alloc(byteCount, 7),
  });
  assert.equal(reserve.allowsOrdinary(), true);
  rmSync(path);
  reserve.wrote(1000);
  assert.equal(reserve.allowsOrdinary(), true);
  assert.equal(existsSync(path), false, 'not looked at yet');
  reserve.wrote(2000);
  assert.equal(reserve.allowsOrdinary(), true);
  assert.equal(existsSync(path), true, 'looked at, and taken again');
  assert.equal(reserve.release(), true);
  assert.equal(reserve.allowsOrdinary(), true);
  assert.equal(existsSync(path), true, 'looked at once released, and taken again');
});
