import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { v8Flags } from './least-privilege.ts';
import { preparedMark, takeCode } from './prepared-code.ts';
import { supervisorFlags } from './up-plan.ts';

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

test('no process has a flag with which V8 refuses the code that comes with Node', () => {
  const tagOf = (flags: readonly string[]) =>
    execFileSync(process.execPath, [...flags, '--print', 'v8.cachedDataVersionTag()'], { encoding: 'utf8', env: {} });
  const names = ['signer', 'control', 'gateway', 'parser', 'prover'] as const;
  const plain = tagOf([]);
  for (const flags of [supervisorFlags(true), ...names.map(v8Flags)])
    assert.equal(tagOf(flags), plain, flags.join(' '));
});
