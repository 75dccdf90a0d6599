import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listenOnSocket } from './index.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'nullius-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('listenOnSocket() opens a socket that only its owner may use', async (t) => {
  const path = join(folder(t), 'a.sock');
  const server = createServer();
  t.after(() => server.close());
  const umask = process.umask();
  await listenOnSocket(server, path);
  assert.equal(lstatSync(path).mode & 0o777, 0o600);
  assert.equal(process.umask(), umask);
});

test('listenOnSocket() takes the place of a socket that a dead process left', async (t) => {
  const path = join(folder(t), 'a.sock');
  const dead = createServer();
  await listenOnSocket(dead, path);
  t.after(() => dead.close());
  const server = createServer();
  t.after(() => server.close());
  await listenOnSocket(server, path);
  assert.ok(server.listening);
});

test('listenOnSocket() refuses a file or a symlink in its place and leaves it alone', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'target'), 'mine');
  symlinkSync(join(dir, 'target'), join(dir, 'link.sock'));
  for (const name of ['target', 'link.sock']) {
    await assert.rejects(listenOnSocket(createServer(), join(dir, name)), /is in the way/);
  }
  assert.ok(lstatSync(join(dir, 'link.sock')).isSymbolicLink());
});

test('listenOnSocket() says so when the path is too long for a socket', async (t) => {
  const path = join(folder(t), `${'x'.repeat(120)}.sock`);
  await assert.rejects(listenOnSocket(createServer(), path), /choose a shorter --data folder/);
});
