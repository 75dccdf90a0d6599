import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const main = join(import.meta.dirname, '..', 'main.ts');
const shipped = join(import.meta.dirname, '../../../../policies');

/** A copy of the shipped policies, and the CLI beside it. */
function workshop(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-policy-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(shipped, join(folder, 'policies'), { recursive: true });
  const nullius = (...argv: string[]) => {
    const args = ['--conditions=nullius-source', main, 'policy', 'test', ...argv];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: 240_000,
    });
    return { code: status, out: stdout, err: stderr };
  };
  const change = (file: string, edit: (text: string) => string) => {
    const path = join(folder, 'policies', file);
    writeFileSync(path, edit(readFileSync(path, 'utf8')));
  };
  return { nullius, change };
}

test('nullius policy test passes the shipped policies, of which every outcome is covered', (t) => {
  const { nullius } = workshop(t);
  const { code, out, err } = nullius('--json', '--min-coverage', '100');
  assert.equal(err, '');
  assert.equal(code, 0);
  const report = JSON.parse(out) as { ok: boolean; failed: number; coverage: { percent: number } };
  assert.deepEqual([report.ok, report.failed, report.coverage.percent], [true, 0, 100]);
});

test('nullius policy test exits 1 when a policy no longer does what its tests say, and names both', (t) => {
  const { nullius, change } = workshop(t);
  change('90-guards.cedar', (text) => text.replace('authAgeSeconds <= 3600', 'authAgeSeconds <= 3700'));
  const { code, out } = nullius();
  assert.equal(code, 1);
  assert.match(out, /FAILED apps\.test\.yaml:\d+: a grant does not help a person whose proof is older than an hour/);
  assert.match(out, /expected deny, the answer is allow \(by `granted-access`\)/);
  assert.match(out, /24 passed, 1 failed/);
});

test('nullius policy test says what no test shows, and exits 1 below --min-coverage', (t) => {
  const { nullius, change } = workshop(t);
  change(
    '30-demo.cedar',
    (text) => `${text}\n@id("new") permit(principal, action, resource) when { context.tls && context.noun == "x" };\n`,
  );
  assert.equal(nullius().code, 0);
  const { code, out, err } = nullius('--min-coverage', '100');
  assert.equal(code, 1);
  assert.match(out, /30-demo\.cedar:\d+: `new` is satisfied by no test/);
  assert.match(out, /in its `when` `context\.tls` was never false/);
  assert.match(err, /coverage is \d\d%, less than the 100% asked for/);
});

test('nullius policy test tells wrong use from files that are wrong', (t) => {
  const { nullius, change } = workshop(t);
  assert.equal(nullius('nowhere').code, 2);
  assert.equal(nullius('--min-coverage', '101').code, 2);
  change('apps.test.yaml', (text) => text.replace('decision: allow', 'decision: perhaps'));
  const unreadable = nullius();
  assert.equal(unreadable.code, 1);
  assert.match(unreadable.err, /policies\/apps\.test\.yaml:\d+:\d+: `tests\[0\]\.decision` must be `allow` or `deny`/);
  change('30-demo.cedar', (text) => `${text}\npermit(`);
  const invalid = nullius();
  assert.equal(invalid.code, 1);
  assert.match(invalid.err, /policies\/30-demo\.cedar:\d+:\d+: /);
});
