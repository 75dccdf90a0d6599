// A person is removed and erased: what they did can be read no more, and the journal still proves itself.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { enrolled, eventually } from '../faults/product.ts';
import { installationFor, startApp } from '../installation.ts';

/** All bytes under a folder, as text. */
function everythingIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('\n');
}

test('a removed person is erased: nobody can read what they did, and the journal still proves itself', async (t) => {
  const app = await startApp(t);
  const installation = await installationFor(t);
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  await admin.open(installation.consoleOrigin);
  assert.equal((await installation.cli('protect', app.origin, '--as', 'wiki')).code, 0);
  const grace = await enrolled(installation, 'grace-of-accounts');
  assert.equal((await grace.open(installation.appOrigin('wiki'))).status, 403);

  const query = async (...options: string[]) => {
    const { code, stdout, stderr } = await installation.cli('log', 'query', '--json', '--limit', '1000', ...options);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as { id: string; subject: string | null; payload: object | null }[];
  };
  const users = JSON.parse((await installation.cli('user', 'list', '--json')).stdout) as { id: string; name: string }[];
  const id = users.find(({ name }) => name === 'grace-of-accounts')?.id ?? '';
  const refused = await eventually(async () => {
    const events = await query('--user', 'grace-of-accounts');
    return events.find(({ payload }) => JSON.stringify(payload).includes('wiki'));
  }, 'her refusal is in the log');

  for (const asked of [id, 'grace-of-accounts']) {
    const tooEarly = await installation.cli('user', 'erase', asked);
    assert.equal(tooEarly.code, 3);
    assert.match(
      tooEarly.stderr,
      /`grace-of-accounts` .* is not removed yet; `.* user remove grace-of-accounts --erase`/,
    );
  }
  for (const ours of ['system', 'stranger', 'nobody-s'])
    assert.match((await installation.cli('user', 'erase', ours)).stderr, /there is no removed person/);

  const removed = await installation.cli('user', 'remove', 'grace-of-accounts', '--erase');
  assert.equal(removed.code, 0, removed.stderr);
  assert.match((await installation.cli('user', 'erase', id)).stderr, /there is no removed person/);

  const [event] = await query('--json').then((events) => events.filter((each) => each.id === refused.id));
  assert.deepEqual([event?.subject, event?.payload], [null, null], 'the record is there, and says nothing');
  const why = await installation.cli('policy', 'explain', refused.id);
  assert.match(why.stdout + why.stderr, /erased/);
  const history = await query();
  assert.ok(
    history.some(({ payload }) => JSON.stringify(payload)?.includes('erased a removed person') === true),
    'that it was done is in the log',
  );
  const verified = await installation.cli('log', 'verify');
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  // Stopped, so that the write-ahead log is in the file.
  await installation.stop();
  assert.ok(!everythingIn(join(installation.folder, 'data', 'store')).includes('grace-of-accounts'));
});
