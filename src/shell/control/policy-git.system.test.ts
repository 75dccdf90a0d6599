// Policies that come from a Git checkout. Needs the program `git`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startTestControl } from '../../../tests/fakes/test-control.ts';
import { startInstallation } from '../../../tests/installation.ts';

const shipped = join(import.meta.dirname, '../../../policies');
const waitMsMax = 120_000;

const gitIn =
  (top: string) =>
  (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-C', top, ...args], {
      encoding: 'utf8',
    });

test('policies of a Git checkout are published with commit, author and message, and not while they differ from it', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'nullius-checkout-'));
  t.after(() => rmSync(top, { recursive: true, force: true, maxRetries: 5 }));
  const git = gitIn(top);
  cpSync(shipped, join(top, 'policies'), { recursive: true });
  rmSync(join(top, 'policies', 'shipped.invariants'), { force: true });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Begin with what is shipped');

  const control = await startTestControl({ config: `policies: { git: { folder: ${join(top, 'policies')} } }\n` });
  t.after(() => control.stop());
  const read = async (path: string) => (await control.call('GET', `/api/v1${path}`)).body;
  const first = await read('/policies/current');
  assert.deepEqual(
    [first.git, first.message],
    [
      { commit: git('rev-parse', 'HEAD').trim(), author: 'Ada <ada@example.com>', isDirty: false, isStated: false },
      'Begin with what is shipped',
    ],
  );

  const until = async (isThere: () => Promise<boolean>) => {
    for (const end = Date.now() + waitMsMax; Date.now() < end; await pause(200)) if (await isThere()) return;
    assert.fail('it did not happen');
  };
  writeFileSync(
    join(top, 'policies', 'more.cedar'),
    '@id("more") permit (principal, action, resource) when { false };\n',
  );
  await until(async () => (await read('/events?q=differs%20from%20commit')).items.length > 0);
  assert.equal((await read('/policies/current')).sequence, first.sequence, 'what is not committed is not published');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Add a policy that permits nothing');
  await until(async () => (await read('/policies/current')).sequence > first.sequence);
  const [newest] = (await read('/policies/history')).items;
  assert.deepEqual(
    [newest.message, newest.git.commit],
    ['Add a policy that permits nothing', git('rev-parse', 'HEAD').trim()],
  );
  const refused = await control.call('POST', '/api/v1/policies/rollback', { body: {} });
  assert.equal(refused.body.code, 'config-origin');
});

test('the whole product takes policies from a Git checkout, where control has an environment of its own', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'nullius-checkout-'));
  t.after(() => rmSync(top, { recursive: true, force: true, maxRetries: 5 }));
  cpSync(shipped, join(top, 'policies'), { recursive: true });
  const git = gitIn(top);
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Begin with what is shipped');
  const installation = await startInstallation({ config: `policies: { git: { folder: ${join(top, 'policies')} } }\n` });
  t.after(async () => {
    await installation.stop();
    rmSync(installation.folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const history = await installation.cli('policy', 'history');
  assert.match(history.stdout, /Begin with what is shipped +[0-9a-f]{12} Ada <ada@example\.com>/, history.stderr);
});
