// Needs root, to mount a small tmpfs, and util-linux. Disks that are full or fail, and a store that somebody holds.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { startApp, startInstallation } from '../installation.ts';
import { ask, eventually, openStream, processesOf, protectApp } from './product.ts';

/** Fills the file system to its last byte, as another program would. */
function fill(path: string): void {
  writeFileSync(path, '');
  for (let at = 1024 * 1024; at >= 1; ) {
    try {
      writeFileSync(path, Buffer.alloc(at, 1), { flag: 'a' });
    } catch {
      at = Math.floor(at / 2);
    }
  }
}

test('a full disk, a failing disk and a held store: the answer is no in words, and all is well afterwards', async (t) => {
  assert.equal(process.getuid?.(), 0, 'this test mounts a tmpfs: run it as root');
  const mount = mkdtempSync(join(tmpdir(), 'nullius-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=0700', 'tmpfs', mount]);
  t.after(() => {
    execFileSync('umount', ['-l', mount]);
    rmSync(mount, { recursive: true, force: true });
  });
  const app = await startApp(t);
  const installation = await startInstallation({ folder: mount });
  t.after(() => installation.stop());
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  await admin.open(installation.consoleOrigin);
  await protectApp(installation, { upstream: app.origin, name: 'wiki' });
  const wiki = installation.appOrigin('wiki');
  assert.equal((await admin.open(wiki)).status, 200);
  const groups = `${installation.consoleOrigin}/api/v1/groups`;

  await t.test('the store is held by another process: 503 with words, apps are served, then all goes on', async () => {
    const other = new DatabaseSync(join(installation.data, 'store', 'nullius.sqlite'));
    other.exec('begin immediate');
    const refused = await ask(admin, groups, { body: { name: 'meanwhile' } });
    assert.equal(refused.status, 503, refused.body);
    assert.match(refused.body, /another process holds the store/);
    assert.equal((await ask(admin, `${wiki}/page`)).status, 200);
    other.exec('rollback');
    other.close();
    await eventually(async () => (await ask(admin, groups, { body: { name: 'later' } })).status === 201, 'taken again');
  });

  await t.test(
    'the disk is full: nothing passes unlogged, an administrator can still act, space mends it all',
    async () => {
      const filler = join(mount, 'filler');
      fill(filler);
      // A journal that looked at the disk just before still writes into what is left of its last page.
      const refused = await eventually(async () => {
        const before = app.requests.length;
        const answer = await ask(admin, `${wiki}/page`);
        return answer.status !== 200 && { ...answer, passed: app.requests.length - before };
      }, 'it is refused');
      assert.equal(refused.status, 503, refused.body);
      assert.match(refused.body, /the answer is no/);
      assert.equal(refused.passed, 0);
      const listed = await installation.cli('session', 'list', '--json');
      assert.equal(listed.code, 0, listed.stderr);
      const acted = await installation.cli('group', 'create', 'on-a-full-disk');
      assert.equal(acted.code, 0, acted.stderr);
      const console = await ask(admin, groups, { body: { name: 'from-the-console' } });
      assert.equal(console.status, 201, console.body);
      rmSync(filler);
      await eventually(async () => (await ask(admin, `${wiki}/page`)).status === 200, 'the app opens again');
      assert.equal((await ask(admin, groups, { body: { name: 'with-space-again' } })).status, 201);
    },
  );

  await t.test(
    'the disk of the journal fails: the gateway ends, cuts what is open, and serves again when it can',
    async () => {
      const stream = openStream(installation, { person: admin, app: 'wiki', path: '/events' });
      assert.equal(await stream.open, 200);
      const gateway = processesOf(installation).gateway;
      // No file may grow any more: writes fail, and not for want of space.
      execFileSync('prlimit', ['--fsize=1000', '--pid', String(gateway)]);
      const before = app.requests.length;
      assert.notEqual((await ask(admin, `${wiki}/page`)).status, 200);
      assert.equal(app.requests.length, before);
      await stream.closed;
      await eventually(() => /gateway serves again/.test(installation.stderr()), 'gateway serves again');
      assert.match(installation.stderr(), /gateway is gone: the journal cannot be written/);
      await eventually(async () => (await ask(admin, `${wiki}/page`)).status === 200, 'the app opens again');
      const verified = await installation.cli('log', 'verify');
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    },
  );
});
