// An older store put back by hand, and the right way to put one back.
import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Installation, startApp, startInstallation } from '../installation.ts';
import { ask, eventually, signalTo } from './product.ts';

test('a gateway does not go back to an older store, unless `nullius restore` put it there', async (t) => {
  const app = await startApp(t);
  const folder = mkdtempSync(join(tmpdir(), 'nullius-older-'));
  let running: Installation | undefined;
  t.after(async () => {
    await running?.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const start = async (port?: number) => {
    running = await startInstallation(port === undefined ? { folder } : { folder, port });
    return running;
  };
  const first = await start();
  const { port } = first;
  const admin = first.person();
  await admin.enrol(first.firstAdministrator, { name: 'ada' });
  assert.equal((await first.cli('protect', app.origin, '--as', 'wiki')).code, 0);
  const wiki = first.appOrigin('wiki');
  assert.equal((await admin.open(wiki)).status, 200);
  const backedUp = await first.cli('backup', join(folder, 'backup'));
  assert.equal(backedUp.code, 0, backedUp.stderr);
  await first.stop();
  const store = join(first.data, 'store');
  const older = join(folder, 'older');
  cpSync(store, older, { recursive: true });
  const putBack = () => {
    rmSync(store, { recursive: true });
    cpSync(older, store, { recursive: true });
    chmodSync(store, 0o700);
  };

  const second = await start(port);
  assert.equal((await ask(admin, `${wiki}/page`)).status, 200);
  assert.equal((await second.cli('session', 'revoke', '--user', 'ada')).code, 0);
  await eventually(async () => (await ask(admin, `${wiki}/page`)).status === 401, 'the revoked session is refused');

  await t.test('under the running gateway: its lease ends, and the revoked session stays out', async () => {
    putBack();
    signalTo(second, { name: 'control', signal: 'SIGKILL' });
    await eventually(() => /older than.*nullius restore/s.test(second.stderr()), 'the gateway says what it refuses');
    const { status } = await ask(admin, `${wiki}/page`);
    assert.ok(status === 401 || status === 503, String(status));
    await second.stop();
  });

  await t.test('before a start: nothing starts, and the words say how to put a store back', async () => {
    putBack();
    await assert.rejects(start(port), /ended with 3.*gateway could not start.*older than.*nullius restore/s);
  });

  await t.test('`nullius restore` puts it back, and the gateway believes it', async () => {
    rmSync(first.data, { recursive: true });
    const restored = await second.cli('restore', join(folder, 'backup'));
    assert.equal(restored.code, 0, restored.stderr);
    assert.ok(existsSync(store));
    const third = await start(port);
    // As of the backup, the session was not revoked yet: whoever restores learns that from the manual.
    await eventually(
      async () => [200, 401].includes((await ask(admin, `${wiki}/page`)).status),
      'the gate judges again',
    );
    const verified = await third.cli('log', 'verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  });
});
