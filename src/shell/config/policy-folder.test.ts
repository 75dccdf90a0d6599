import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkFileCountMax, readInvariantFiles, readPolicyFolder } from './policy-folder.ts';

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

test('readPolicyFolder() reads nothing outside when a folder on the way becomes a link before the file is opened', {
  skip: existsSync('/proc/self/fd') ? false : 'the kernel does not tell where an open file lies',
}, (t) => {
  const { top, folder } = folderOf(t);
  const sub = join(folder, '..data');
  for (const [path, text] of [
    [sub, 'B'],
    [join(top, 'outside'), 'SECRET'],
  ] as const) {
    mkdirSync(path);
    writeFileSync(join(path, 'b.cedar'), text);
  }
  symlinkSync(join('..data', 'b.cedar'), join(folder, 'b.cedar'));
  const { openSync } = fs;
  const swap = () => {
    renameSync(sub, join(folder, 'kept'));
    symlinkSync('../outside', sub);
  };
  const swapBack = () => {
    rmSync(sub);
    renameSync(join(folder, 'kept'), sub);
  };
  const opened: string[] = [];
  t.mock.method(fs, 'openSync', (path: string, flags: number) => {
    if (!path.endsWith('b.cedar')) return openSync(path, flags);
    swap();
    const file = openSync(path, flags);
    opened.push(readlinkSync(`/proc/self/fd/${file}`));
    // Whoever looks at the path again sees nothing amiss.
    swapBack();
    return file;
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  assert.throws(() => readPolicyFolder(folder), /`[^`]*b\.cedar` is a symbolic link that leads out of the folder/);
  assert.equal(opened.length, 1);
  assert.equal(opened[0], join(realpathSync(top), 'outside', 'b.cedar'));
});

test('readPolicyFolder() reads no more tests and invariants than a publication takes, and says so', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-many-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'a.cedar'), '');
  const write = (ending: string, count: number) => {
    for (let at = 0; at < count; at += 1) writeFileSync(join(folder, `${at}.${ending}`), '');
  };
  write('invariants', checkFileCountMax);
  assert.equal(readPolicyFolder(folder).invariants.length, checkFileCountMax);
  writeFileSync(join(folder, 'more.invariants'), '');
  const refused = /holds 1001 `\*\.invariants` files, more than the 1000 that are read; put several into one/;
  assert.throws(() => readPolicyFolder(folder), refused);
  assert.throws(() => readInvariantFiles(folder), refused);
  rmSync(join(folder, 'more.invariants'));
  write('test.yaml', checkFileCountMax + 1);
  assert.throws(() => readPolicyFolder(folder), /holds 1001 `\*\.test\.yaml` files/);
});
