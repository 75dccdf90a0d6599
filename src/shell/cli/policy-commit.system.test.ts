// The commit that is noted where a folder of a Git checkout is published. Needs the program `git`.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { startTestControl, type TestControl } from '../../../tests/fakes/test-control.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl();
});
after(async () => control.stop());

const main = join(import.meta.dirname, 'main.ts');
const shipped = join(import.meta.dirname, '../../../policies');

/** Publishes a folder; the control it speaks to lives in this process, so nothing here may block. */
async function publish(folder: string, path = process.env['PATH'] ?? '') {
  const flags = ['--conditions=nullius-source', main, '--data', control.handoff.dataDirectory];
  const child = spawn(process.execPath, [...flags, 'policy', 'publish', folder, '-m', 'why'], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    timeout: 120_000,
  });
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0, err);
  const { items } = (await control.call('GET', '/api/v1/policies/history')).body;
  return { err, newest: items[0] };
}

let count = 0;
/** A policy that nobody published before. */
const another = (folder: string) => {
  count += 1;
  const text = `@id("x${count}") permit (principal, action == Action::"read", resource) when { false };\n`;
  writeFileSync(join(folder, 'x.cedar'), text);
};

function checkout(t: TestContext) {
  const top = mkdtempSync(join(tmpdir(), 'nullius-commit-'));
  t.after(() => rmSync(top, { recursive: true, force: true, maxRetries: 5 }));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-C', top, ...args], {
      encoding: 'utf8',
    }).trim();
  git('init', '--quiet');
  const folder = join(top, 'policies');
  cpSync(shipped, folder, { recursive: true });
  another(folder);
  git('add', '.');
  git('commit', '--quiet', '-m', 'Begin');
  const noted = (isDirty: boolean) => ({
    commit: git('rev-parse', 'HEAD'),
    author: 'Ada <ada@example.com>',
    isDirty,
    isStated: true,
  });
  return { top, folder, git, noted };
}

test('the commit is noted, and whether the folder differs; another commit alone publishes nothing', async (t) => {
  const { top, folder, git, noted } = checkout(t);
  const first = await publish(folder);
  assert.deepEqual([first.newest.git, first.newest.message], [noted(false), 'why']);
  assert.match(first.err, /noted beside it: commit [0-9a-f]{12} Ada <ada@example\.com> \(stated\)/);
  writeFileSync(join(top, 'elsewhere.txt'), 'no policy');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Something else');
  const same = await publish(folder);
  assert.equal(same.newest.sequence, first.newest.sequence, same.err);
  another(folder);
  assert.deepEqual((await publish(folder)).newest.git, noted(true));
  git('commit', '--quiet', '-a', '-m', 'Another policy');
  writeFileSync(join(folder, 'y.cedar'), '@id("y") permit (principal, action, resource) when { false };\n');
  writeFileSync(join(folder, '.gitignore'), 'y.cedar\n');
  assert.deepEqual((await publish(folder)).newest.git, noted(true), 'what Git ignores is in no commit');
  rmSync(join(folder, 'y.cedar'));
  rmSync(join(folder, 'x.cedar'));
  assert.deepEqual((await publish(folder)).newest.git, noted(true), 'nor is what was taken away');
});

test('nothing is noted, and nothing refused, without Git, a checkout, a commit or a file that a commit holds', async (t) => {
  const { top, folder, git } = checkout(t);
  another(folder);
  const without = join(top, 'bin');
  mkdirSync(without);
  assert.equal((await publish(folder, without)).newest.git, null, 'there is no `git`');
  git('rm', '-r', '--quiet', '--cached', 'policies');
  git('commit', '--quiet', '-m', 'No policies here');
  another(folder);
  assert.equal((await publish(folder)).newest.git, null, 'the commit holds nothing of it');
  git('update-ref', '-d', 'HEAD');
  another(folder);
  assert.equal((await publish(folder)).newest.git, null, 'nothing is committed');
  rmSync(join(top, '.git'), { recursive: true });
  another(folder);
  assert.equal((await publish(folder)).newest.git, null, 'it is no checkout');
});

test('no program runs that a checkout from elsewhere names in its configuration', async (t) => {
  const { top, folder, git, noted } = checkout(t);
  const mark = join(top, 'ran');
  const script = join(top, 'helper.sh');
  writeFileSync(script, `#!/bin/sh\necho "$0 $*" >> ${mark}\ncat\n`, { mode: 0o755 });
  writeFileSync(join(top, '.gitattributes'), '*.cedar filter=mine diff=mine\n');
  git('add', '.');
  git('commit', '--quiet', '-m', 'With attributes');
  const programs = [
    `[core]\n\tfsmonitor = ${script}\n\tpager = ${script}\n\tsshCommand = ${script}\n\thooksPath = ${top}`,
    `[filter "mine"]\n\tclean = ${script}\n\tprocess = ${script}\n\trequired = true`,
    `[diff "mine"]\n\ttextconv = ${script}\n\tcommand = ${script}`,
    `[log]\n\tshowSignature = true\n[gpg]\n\tprogram = ${script}`,
    `[alias]\n\tlog = !${script}\n\tls-tree = !${script}`,
    `[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n[protocol "ssh"]\n\tallow = always`,
    `[remote "origin"]\n\turl = ext::${script}\n\tpromisor = true\n[extensions]\n\tpartialClone = origin`,
  ];
  const commit = noted(false);
  appendFileSync(join(top, '.git', 'config'), `${programs.join('\n')}\n`);
  for (const name of ['post-index-change', 'reference-transaction'])
    writeFileSync(join(top, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  utimesSync(join(folder, 'x.cedar'), 1, 1);
  assert.deepEqual((await publish(folder)).newest.git, commit);
  // Objects that are missing would be fetched, by a program.
  rmSync(join(top, '.git', 'objects'), { recursive: true });
  mkdirSync(join(top, '.git', 'objects'));
  another(folder);
  assert.equal((await publish(folder)).newest.git, null);
  assert.equal(existsSync(mark), false, 'nothing of theirs ran');
});

test('a commit that a client states is 40 or 64 hexadecimal digits, or is refused', async () => {
  const { policies } = (await control.call('GET', '/api/v1/policies/current')).body;
  const stated = async (commit: unknown, more: object = {}) => {
    const git = { commit, author: 'Somebody', isDirty: false, isNews: false, ...more };
    return (await control.call('POST', '/api/v1/policies/publish', { body: { policies, message: 'x', git } })).status;
  };
  for (const wrong of [
    '',
    'HEAD',
    'a'.repeat(39),
    'a'.repeat(41),
    'A'.repeat(40),
    `${'a'.repeat(40)}\n`,
    'g'.repeat(64),
    7,
  ])
    assert.equal(await stated(wrong), 400, String(wrong));
  assert.equal(await stated('a'.repeat(40), { author: 'x'.repeat(501) }), 400);
  assert.equal(await stated('a'.repeat(64)), 200);
});
