// What commands say of policies that are wrong or doubtful, over the admin socket of a real control.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startTestControl, type TestControl } from '../../../tests/fakes/test-control.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl();
  await control.call('POST', '/api/v1/groups', { body: { name: 'contractors' } });
});
after(async () => control.stop());

const main = join(import.meta.dirname, 'main.ts');

/** Runs a command; the control it speaks to lives in this process, so nothing here may block. */
function nullius(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const flags = ['--conditions=nullius-source', main, '--data', control.handoff.dataDirectory];
    const child = spawn(process.execPath, [...flags, ...argv], { cwd: control.folder, timeout: 60_000 });
    const told = { out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      told.out += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      told.err += String(chunk);
    });
    child.on('close', (code) => resolve({ code, ...told }));
  });
}

/** The shipped policies and one more file, in a folder beside the data. */
function folderWith(name: string, text: string): void {
  const folder = join(control.folder, name);
  mkdirSync(folder);
  cpSync(join(import.meta.dirname, '../../../policies'), folder, { recursive: true });
  writeFileSync(join(folder, 'x.cedar'), text);
}

test('publishing, and keeping a draft, name a group that is not there with its place, and do it all the same', async () => {
  folderWith('strayed', '@id("x")\nforbid (principal in Group::"contractrs", action == Action::"delete", resource);\n');
  const warning =
    'strayed/x.cedar:2:22: warning: policy `x` names `Group::"contractrs"`, and there is no such group now; did you mean `Group::"contractors"`?\n';
  const kept = await nullius('policy', 'draft', 'save', 'tighter', '--from', 'strayed');
  assert.deepEqual([kept.code, kept.err], [0, `${warning}draft \`tighter\` is kept; nothing judges by it\n`]);
  const published = await nullius('policy', 'publish', 'strayed', '-m', 'no deletes');
  assert.equal(published.code, 0, published.err);
  assert.ok(published.err.includes(warning), published.err);
});

test('a folder that is not valid is compared only after it was said to be so, and why', async () => {
  folderWith(
    'broken',
    '@id("x")\npermit (principal, action == Action::"read", resource) when { context.metod == "" };\n',
  );
  const why =
    '`broken` is not valid:\nbroken/x.cedar:2:63: for policy `x`, attribute `metod` in context for Action::"read" not found; did you mean `method`?\n';
  const texts = await nullius('policy', 'diff', 'broken');
  assert.deepEqual([texts.code, texts.err], [1, why]);
  assert.match(texts.out, /^\+\+\+ folder: x\.cedar$/m);
  const meanings = await nullius('policy', 'diff', '--meaning', 'broken');
  assert.deepEqual([meanings.code, meanings.out], [1, '']);
  assert.equal(meanings.err, `${why}nullius: nothing was compared: mend what is wrong first\n`);
});

test('comparing a folder warns of what it names and is not there', async () => {
  folderWith('doubtful', '@id("x") forbid (principal in Group::"contractrs", action == Action::"delete", resource);\n');
  const { code, err } = await nullius('policy', 'diff', 'doubtful');
  assert.equal(code, 1);
  assert.match(err, /^doubtful\/x\.cedar:1:31: warning: policy `x` names `Group::"contractrs"`.*\n$/);
});
