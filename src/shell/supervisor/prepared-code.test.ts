import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { preparedMark, takeCode } from './prepared-code.ts';

test('takeCode() copies what was prepared once, replaces what an older preparation left, and leaves later work alone', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-code-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  for (const path of [source, target, join(source, 'v24'), join(target, 'v20')]) mkdirSync(path, { recursive: true });
  const prepare = (mark: string) => writeFileSync(join(source, preparedMark), mark);
  writeFileSync(join(source, 'v24', 'a'), 'code');
  takeCode(source, target);
  assert.ok(!existsSync(join(target, 'v24')), 'a preparation that was broken off is not taken');
  prepare('first');
  takeCode(source, target);
  assert.equal(readFileSync(join(target, 'v24', 'a'), 'utf8'), 'code');
  assert.ok(!existsSync(join(target, 'v20')));
  writeFileSync(join(target, 'v24', 'a'), 'newer');
  takeCode(source, target);
  assert.equal(readFileSync(join(target, 'v24', 'a'), 'utf8'), 'newer');
  prepare('second');
  takeCode(source, target);
  assert.equal(readFileSync(join(target, 'v24', 'a'), 'utf8'), 'code');
  takeCode(join(folder, 'nowhere'), target);
  takeCode(source, join(folder, 'nowhere'));
});
