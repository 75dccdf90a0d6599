// Ctrl-C while policies are put in force.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listenOnSocket } from '#shell/child';
import { adminTokenFile } from '#shell/wire';
import { startTestControl } from '../../../tests/fakes/test-control.ts';

const main = join(import.meta.dirname, 'main.ts');
const shipped = join(import.meta.dirname, '../../../policies');

/** Publishes a folder and presses Ctrl-C when these words are there; the control it speaks to lives in this process. */
function publishUntil(words: string, at: { readonly data: string; readonly folder: string; readonly more?: string[] }) {
  const { data, folder, more = [] } = at;
  const argv = ['--data', data, 'policy', 'publish', folder, '-m', 'called off', ...more];
  const child = spawn(process.execPath, ['--conditions=nullius-source', main, ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return new Promise<{ code: number | null; err: string }>((resolve) => {
    let err = '';
    child.stderr.on('data', (chunk) => {
      const isNew = !err.includes(words);
      err += String(chunk);
      if (isNew && err.includes(words)) child.kill('SIGINT');
    });
    child.on('close', (code) => resolve({ code, err }));
  });
}

/** Takes the solver so long that no proof is over before it is called off. */
const number = 'context.session.authAgeSeconds';
const slow = Array.from(
  { length: 60 },
  (_, at) =>
    `@id("slow-${at}") never (principal is User, action, resource) when { ${number} * ${number} * ${number} == 3 * ${number} * ${number} + ${74_699_381 + at} };`,
);

function folderWith(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-call-off-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(shipped, folder, { recursive: true });
  writeFileSync(join(folder, 'mine.cedar'), text);
  writeFileSync(join(folder, 'slow.invariants'), slow.join('\n'));
  return folder;
}

test('policy publish called off while invariants are proved puts nothing in force, not even by an override', async (t) => {
  const control = await startTestControl();
  t.after(() => control.stop());
  const open = '@id("open") permit (principal, action in Action::"administer", resource);';
  const data = control.handoff.dataDirectory;
  for (const more of [[], ['--override', 'tonight only']]) {
    const { code, err } = await publishUntil('proving', { data, folder: folderWith(t, open), more });
    assert.equal(code, 3, err);
    assert.match(err, /called off: publication 1 stays in force\n$/);
  }
  // Behind what was called off: the parser takes one set after the other, and so does the queue of changes.
  const { body } = await control.call('GET', '/api/v1/policies/current');
  const other = { file: 'other.cedar', text: '@id("other") forbid (principal == User::"nobody", action, resource);' };
  const published = await control.call('POST', '/api/v1/policies/publish', {
    body: { policies: [...body.policies, other], message: 'another' },
  });
  assert.deepEqual([published.status, published.body.sequence], [200, 2], published.text);
});

test('policy publish called off too late says what is in force', async (t) => {
  const folder = folderWith(t, '');
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'application/json');
      asked += 1;
      response.end(JSON.stringify({ items: [{ sequence: asked, message: `number ${asked}` }], next: null }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"type":"progress","step":"invariants","done":0,"total":0,"what":""}\n\n');
  });
  t.after(() => server.close());
  await listenOnSocket(server, join(folder, 'control.sock'));
  writeFileSync(adminTokenFile(folder), 'token');
  const { code, err } = await publishUntil('proving', { data: folder, folder });
  assert.equal(code, 3, err);
  assert.match(err, /too late to call it off: publication 2 is in force: number 2\n$/);
});
