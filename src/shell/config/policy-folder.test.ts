import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readPolicyFolder } from './policy-folder.ts';

function folderOf(t: TestContext): { top: string; folder: string } {
  const top = mkdtempSync(join(tmpdir(), 'nullius-folder-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const folder = join(top, 'policies');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.cedar'), 'A');
  return { top, folder };
}

test('readPolicyFolder() follows links within the folder, and the folder itself may be one', (t) => {
  const { top, folder } = folderOf(t);
  mkdirSync(join(folder, '..data'));
  writeFileSync(join(folder, '..data', 'b.cedar'), 'B');
  symlinkSync(join('..data', 'b.cedar'), join(folder, 'b.cedar'));
  symlinkSync('policies', join(top, 'linked'));
  const expected = [
    { file: 'a.cedar', text: 'A' },
    { file: 'b.cedar', text: 'B' },
  ];
  assert.deepEqual(readPolicyFolder(folder).policies, expected);
  assert.deepEqual(readPolicyFolder(join(top, 'linked')).policies, expected);
});

test('readPolicyFolder() refuses a link that leads out, also by way of another, and one that leads nowhere', (t) => {
  const { top, folder } = folderOf(t);
  mkdirSync(join(top, 'policies-beside'));
  writeFileSync(join(top, 'policies-beside', 'secret'), 'S');
  const refused = (target: string, expected: RegExp, name = 'z.test.yaml') => {
    symlinkSync(target, join(folder, name));
    assert.throws(() => readPolicyFolder(folder), expected);
    rmSync(join(folder, name));
  };
  refused('../policies-beside/secret', /`[^`]*z\.test\.yaml` is a symbolic link that leads out of the folder/);
  refused('/etc/hostname', /leads out of the folder/, 'z.cedarschema');
  symlinkSync('..', join(folder, 'up'));
  refused('up/policies-beside/secret', /leads out of the folder/, 'z.invariants');
  refused('nowhere', /cannot be read; is it a link to what is not there/);
});

test('readPolicyFolder() waits for no pipe and reads no folder as a file', (t) => {
  const { folder } = folderOf(t);
  execFileSync('mkfifo', [join(folder, 'pipe.cedar')]);
  assert.throws(() => readPolicyFolder(folder), /`[^`]*pipe\.cedar` is no file/);
  rmSync(join(folder, 'pipe.cedar'));
  mkdirSync(join(folder, 'folder.cedar'));
  assert.throws(() => readPolicyFolder(folder), /`[^`]*folder\.cedar` is no file/);
});
