import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { installationFor, startInstallation } from '../installation.ts';

test('a root key is rotated, everything is wrapped anew, and only then can the old one be dropped', async (t) => {
  const first = await installationFor(t);
  const listed = async () => (JSON.parse((await first.cli('key', 'list', '--json')).stdout) as { keys: string[] }).keys;
  const [old = ''] = await listed();
  const drop = (id: string) => first.cli('key', 'drop-root', '--id', id);
  assert.match((await drop(old)).stderr, /is the newest root key/);
  assert.equal((await first.cli('key', 'rotate-root')).code, 0);
  const [, newest = ''] = await listed();

  const tooEarly = await first.cli('key', 'rewrap');
  assert.equal(tooEarly.code, 3);
  assert.match(tooEarly.stderr, /restart `\S*nullius up`/);
  assert.match((await drop(old)).stderr, /still wraps keys/);
  assert.match((await drop('nobody')).stderr, /holds no root key `nobody`/);
  await first.stop();

  const second = await startInstallation({ folder: first.folder });
  t.after(() => second.stop());
  assert.match((await drop(old)).stderr, /still wraps keys/, 'the store still needs it after the restart');
  const rewrapped = await second.cli('key', 'rewrap');
  assert.equal(rewrapped.code, 0, rewrapped.stderr);
  assert.equal(rewrapped.stdout.trim(), newest);
  assert.match((await second.cli('key', 'rewrap')).stderr, /^0 of/m, 'a second time there is nothing to do');
  const dropped = await drop(old);
  assert.equal(dropped.code, 0, dropped.stderr);
  assert.deepEqual(await listed(), [newest]);
  assert.ok(!readFileSync(`${first.data}.root-key`, 'utf8').includes(old));
  await second.stop();

  const third = await startInstallation({ folder: first.folder });
  t.after(() => third.stop());
  const events = await third.cli('log', 'query', '--limit', '5');
  assert.equal(events.code, 0, events.stderr);
  // Before the folder goes, which is removed by what was set up first.
  await third.stop();
});
