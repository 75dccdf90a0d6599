// Needs the program `git`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { GitOriginError, gitStateFiles, readGitOrigin } from './index.ts';
import { notedCommit } from './noted-commit.ts';
import { readPolicyFolder } from './policy-folder.ts';

function checkout(t: TestContext) {
  const top = mkdtempSync(join(tmpdir(), 'nullius-git-'));
  t.after(() => rmSync(top, { recursive: true, force: true, maxRetries: 5 }));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-C', top, ...args], {
      encoding: 'utf8',
    });
  git('init', '--quiet');
  const folder = join(top, 'policies');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.cedar'), '@id("a") permit(principal, action, resource);\n');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Open everything\n\nLonger words.');
  return { top, folder, git };
}

const strict = { allowDirty: false };

test('readGitOrigin() gives commit, author and subject of a folder that is as committed', async (t) => {
  const { top, folder, git } = checkout(t);
  writeFileSync(join(top, 'elsewhere.txt'), 'a change beside the folder');
  assert.deepEqual(await readGitOrigin(folder, strict), {
    origin: {
      commit: git('rev-parse', 'HEAD').trim(),
      author: 'Test <test@example.com>',
      isDirty: false,
      isStated: false,
    },
    message: 'Open everything',
  });
});

test('readGitOrigin() refuses a folder that differs from its commit, names the file, and lets it pass when told', async (t) => {
  const { folder } = checkout(t);
  writeFileSync(join(folder, 'new.cedar'), '');
  await assert.rejects(readGitOrigin(folder, strict), (error) => {
    assert.ok(error instanceof GitOriginError);
    assert.match(error.message, /differs from commit [0-9a-f]{12} \(`policies\/new\.cedar`\); commit it/);
    return true;
  });
  assert.equal((await readGitOrigin(folder, { allowDirty: true })).origin.isDirty, true);
});

test('readGitOrigin() refuses a policy that Git is told to take no notice of: no commit holds it', async (t) => {
  const { folder, git } = checkout(t);
  writeFileSync(join(folder, '.gitignore'), 'b.*\nnotes/\n*.swp\n');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Take no notice of b');
  for (const name of ['a.cedar.swp', 'b.txt']) writeFileSync(join(folder, name), '');
  assert.equal((await readGitOrigin(folder, strict)).origin.isDirty, false);
  writeFileSync(join(folder, 'b.cedar'), '@id("b") permit (principal, action, resource);\n');
  await assert.rejects(readGitOrigin(folder, strict), /differs from commit [0-9a-f]{12} \(`b\.cedar`\)/);
  assert.equal((await readGitOrigin(folder, { allowDirty: true })).origin.isDirty, true);
});

test('readGitOrigin() says so where there is no working tree, or nothing is committed', async (t) => {
  const { top, git } = checkout(t);
  await assert.rejects(readGitOrigin(tmpdir(), strict), /Git can say nothing about/);
  git('update-ref', '-d', 'HEAD');
  await assert.rejects(readGitOrigin(top, strict), /Git can say nothing about/);
});

test('readGitOrigin() runs no program that the repository names', async (t) => {
  const { top, folder } = checkout(t);
  const mark = join(top, 'ran');
  const script = join(top, 'monitor.sh');
  writeFileSync(script, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
  appendFileSync(join(top, '.git', 'config'), `[core]\n\tfsmonitor = ${script}\n\tpager = ${script}\n`);
  await readGitOrigin(folder, strict);
  assert.throws(() => execFileSync('test', ['-e', mark]));
});

test('readGitOrigin() does not take a folder that was committed inside for a repository, whose configuration names programs', async (t) => {
  const { top, folder, git } = checkout(t);
  const mark = join(top, 'ran');
  // All of this is content: whoever may commit to the policies can put it there, index and all.
  const inner = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=M', '-c', 'user.email=m@example.com', '--work-tree', folder, ...args], {
      cwd: folder,
    });
  execFileSync('git', ['init', '--quiet', '--bare', folder]);
  writeFileSync(join(folder, '.gitattributes'), 'a.cedar filter=mine\n');
  inner('add', '--', 'a.cedar', '.gitattributes');
  inner('commit', '--quiet', '-m', 'Looks reviewed');
  const config = [
    '[core]',
    '\trepositoryformatversion = 0',
    '\tbare = false',
    '\tworktree = .',
    '[filter "mine"]',
    `\tclean = touch ${mark}; cat`,
  ];
  writeFileSync(join(folder, 'config'), `${config.join('\n')}\n`);
  utimesSync(join(folder, 'a.cedar'), 1, 1);
  git('add', '.');
  git('commit', '--quiet', '-m', 'Policies, it seems');
  const asked = readGitOrigin(folder, { allowDirty: true });
  await assert.rejects(asked, GitOriginError).finally(() => {
    assert.equal(existsSync(mark), false, 'nothing of theirs ran');
  });
});

test('readGitOrigin() verifies no signature by a program that the repository names', async (t) => {
  const { top, folder, git } = checkout(t);
  const mark = join(top, 'ran');
  const script = join(top, 'signer.sh');
  const says =
    'printf "\\n[GNUPG:] SIG_CREATED D\\n" >&2; printf "%s\\n" "-----BEGIN PGP SIGNATURE-----" x "-----END PGP SIGNATURE-----"';
  // Reads what it is to sign: git fails where its writing finds nobody left.
  writeFileSync(script, `#!/bin/sh\ncat > /dev/null\necho ran >> ${mark}\n${says}\n`, { mode: 0o755 });
  git('-c', `gpg.program=${script}`, 'commit', '--quiet', '--allow-empty', '-S', '-m', 'Signed');
  rmSync(mark);
  appendFileSync(join(top, '.git', 'config'), `[log]\n\tshowSignature = true\n[gpg]\n\tprogram = ${script}\n`);
  assert.equal((await readGitOrigin(folder, strict)).message, 'Signed');
  assert.equal(existsSync(mark), false);
});

test('gitStateFiles() names what changes with a commit, in a working tree and in one beside it', (t) => {
  const { top, folder, git } = checkout(t);
  assert.deepEqual(
    gitStateFiles(folder),
    ['HEAD', 'index', 'logs/HEAD'].map((name) => join(top, '.git', name)),
  );
  const beside = join(top, 'beside');
  git('worktree', 'add', '--quiet', beside);
  assert.ok(gitStateFiles(beside)[0]?.endsWith(join('.git', 'worktrees', 'beside', 'HEAD')));
  assert.deepEqual(gitStateFiles('/'), []);
});

test('readGitOrigin() asks nothing of a Git that is too old to be safe', async (t) => {
  const { top, folder } = checkout(t);
  const path = process.env['PATH'];
  t.after(() => {
    process.env['PATH'] = path;
  });
  for (const [version, isRefused] of [
    ['2.37.9', true],
    ['1.99.1', true],
    ['two', true],
    ['3.0.0', false],
  ] as const) {
    const bin = join(top, version);
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'git'),
      `#!/bin/sh\n[ "$1" = version ] && echo "git version ${version}" && exit\necho asked >&2; exit 1\n`,
      {
        mode: 0o755,
      },
    );
    process.env['PATH'] = `${bin}:${path}`;
    await assert.rejects(readGitOrigin(folder, strict), isRefused ? /Git 2\.38 or newer is needed/ : /asked/);
  }
});

test('readGitOrigin() does not take what replaces a commit for what it holds', async (t) => {
  const { folder, git } = checkout(t);
  const first = git('rev-parse', 'HEAD').trim();
  writeFileSync(join(folder, 'a.cedar'), '@id("b") permit(principal, action, resource);\n');
  git('commit', '--quiet', '-am', 'Another');
  git('replace', first, 'HEAD');
  git('reset', '--quiet', '--hard', first);
  assert.match(readFileSync(join(folder, 'a.cedar'), 'utf8'), /"b"/);
  await assert.rejects(readGitOrigin(folder, strict), /differs from commit/);
  assert.equal((await notedCommit(folder, readPolicyFolder(folder)))?.isDirty, true);
});

test('gitStateFiles() and notedCommit() wait for no pipe that is called .git, and read no large file', async (t) => {
  const { top, folder } = checkout(t);
  rmSync(join(top, '.git'), { recursive: true });
  execFileSync('mkfifo', [join(top, '.git')]);
  assert.equal(gitStateFiles(folder).length, 3);
  assert.equal(await notedCommit(folder, readPolicyFolder(folder)), undefined);
  rmSync(join(top, '.git'));
  execFileSync('truncate', ['--size', '3G', join(top, '.git')]);
  assert.equal(await notedCommit(folder, readPolicyFolder(folder)), undefined);
});

for (const flag of ['--assume-unchanged', '--skip-worktree']) {
  test(`readGitOrigin() refuses a policy that Git is told to take for unchanged (${flag})`, async (t) => {
    const { folder, git } = checkout(t);
    git('update-index', flag, 'policies/a.cedar');
    writeFileSync(join(folder, 'a.cedar'), '@id("b") permit(principal, action, resource);\n');
    await assert.rejects(readGitOrigin(folder, strict), /differs from commit [0-9a-f]{12} \(`a\.cedar`\)/);
  });
}

test('readGitOrigin() refuses a folder whose repository has its working tree elsewhere', async (t) => {
  const { folder, git } = checkout(t);
  const { top: elsewhere } = checkout(t);
  git('config', 'core.worktree', elsewhere);
  writeFileSync(join(folder, 'a.cedar'), '@id("b") permit(principal, action, resource);\n');
  await assert.rejects(readGitOrigin(folder, strict), /its working tree lies elsewhere/);
});
