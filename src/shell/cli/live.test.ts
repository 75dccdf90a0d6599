// Live commands as child processes, over the admin socket of a real control.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { startTestControl, type TestControl } from '../../../tests/fakes/test-control.ts';
import { freePort } from '../../../tests/free-port.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl();
});
after(async () => control.stop());

const main = join(import.meta.dirname, 'main.ts');

/** Runs a command; the control it speaks to lives in this process, so nothing here may block. */
function nullius(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['--conditions=nullius-source', main, '--data', control.handoff.dataDirectory, ...argv],
      {
        cwd: control.folder,
        timeout: 240_000,
      },
    );
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

test('protect puts an app behind the gateway, live, and says where it is', async () => {
  const { code, out, err } = await nullius('protect', 'http://localhost:3000', '--as', 'wiki');
  assert.equal(code, 0, err);
  assert.equal(out, 'http://wiki.localhost:8080/\n');
  const { body } = await control.call('GET', '/api/v1/resources/wiki');
  assert.equal(body.allowPrivate, true);
  const again = await nullius('protect', 'http://localhost:3000', '--as', 'wiki');
  assert.equal(again.code, 3);
  assert.match(
    again.err,
    /`wiki` is taken: http:\/\/wiki\.localhost:8080\/ is `http:\/\/localhost:3000`; .*resource remove wiki/,
  );
  const bad = await nullius('protect', 'http://localhost:3000', '--as', 'My Wiki');
  assert.equal(bad.code, 2);
  assert.match(bad.err, /^nullius: `name`: `My Wiki` may have lower-case letters, digits and inner hyphens.*\n$/);
  const metadata = await nullius('protect', 'http://169.254.169.254', '--as', 'meta');
  assert.deepEqual([metadata.code, /Nullius never connects there/.test(metadata.err)], [2, true], metadata.err);
  const body169 = { name: 'meta', upstream: 'http://169.254.169.254', allowPrivate: true };
  const asked = await control.call('POST', '/api/v1/resources', { body: body169 });
  assert.equal(asked.status, 400);
});

test('an invitation is listed until it is withdrawn, and its link works as long as it was made for', async () => {
  const made = await nullius('user', 'invite', 'grace', '--for', '2d', '--json');
  const { id, expiresAt } = JSON.parse(made.out) as { id: string; expiresAt: number };
  const listed = await nullius('invitation', 'list', '--json');
  const all = JSON.parse(listed.out) as { id: string; createdAt: number; expiresAt: number }[];
  const open = all.find((each) => each.id === id);
  assert.equal(open?.expiresAt, expiresAt);
  assert.equal((open?.expiresAt ?? 0) - (open?.createdAt ?? 0), 2 * 24 * 3_600_000);
  assert.equal((await nullius('user', 'invite', 'hopper', '--for', '8d')).code, 2);
  const withdrawn = await nullius('invitation', 'withdraw', id);
  assert.equal(withdrawn.code, 0, withdrawn.err);
  const left = JSON.parse((await nullius('invitation', 'list', '--json')).out) as { id: string }[];
  assert.ok(left.every((each) => each.id !== id));
  assert.equal((await nullius('invitation', 'withdraw', id)).code, 3);
});

test('protect says when nothing answers at the address, and protects it all the same', async () => {
  const server = createServer();
  // One that nothing else is given once it is free.
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const alive = await nullius('protect', `http://127.0.0.1:${port}`, '--as', 'alive');
  assert.equal(alive.code, 0, alive.err);
  assert.doesNotMatch(alive.err, /nothing answers/);
  await new Promise((resolve) => server.close(resolve));
  const dead = await nullius('protect', `http://127.0.0.1:${port}`, '--as', 'dead');
  assert.equal(dead.code, 0, dead.err);
  assert.match(dead.err, new RegExp(`nothing answers at \`http://127\\.0\\.0\\.1:${port}\` now: start the app there`));
  assert.equal((await control.call('GET', '/api/v1/resources/dead')).status, 200);
});

test('resource reach shows who can do what, strangers first', async () => {
  const { code, out, err } = await nullius('resource', 'reach', 'demo');
  assert.equal(code, 0, err);
  assert.match(out, /^PERSON +READ +WRITE +DELETE +CONNECT +JUDGED BY +POLICIES\n\(not signed in\) +\w+/);
  const writers = await nullius('resource', 'reach', 'demo', '--action', 'write', '--answer', 'allow');
  assert.doesNotMatch(writers.out, /not signed in/, 'strangers are listed with their answer only');
  const read = await nullius('resource', 'reach', 'demo', '--action', 'read', '--json');
  assert.deepEqual(
    JSON.parse(read.out).strangers.map(({ action }: { action: string }) => action),
    ['read'],
  );
  assert.equal((await nullius('resource', 'reach', 'demo', '--limit', 'many')).code, 2);
  assert.equal((await nullius('resource', 'reach', 'none')).code, 3);
});

test('--json leaves nothing but JSON on stdout', async () => {
  const lists = ['user list', 'group list', 'resource list', 'session list', 'token list', 'grant list', 'policy show'];
  const answers = await Promise.all(lists.map((words) => nullius('--json', ...words.split(' '))));
  for (const [index, { code, out, err }] of answers.entries()) {
    assert.equal(code, 0, `${lists[index]}: ${err}`);
    JSON.parse(out);
  }
});

test('user invite gives a one-time link on stdout and its end on stderr', async () => {
  const { code, out, err } = await nullius('user', 'invite', 'ada', '--admin');
  assert.equal(code, 0, err);
  assert.match(out, /^http:\/\/id\.localhost:8080\/enrol#\S+\n$/);
  assert.match(err, /valid once, until /);
});

test('a token made here is shown once and can be revoked', async () => {
  const { body } = {
    body: JSON.parse((await nullius('--json', 'token', 'create', '--scope', 'user:read', '--for', '1h')).out),
  };
  assert.match(body.token, /^nls_/);
  assert.equal((await nullius('token', 'revoke', body.id)).code, 0);
  assert.match((await nullius('token', 'create', '--scope', 'everything')).err, /`scopes\.0`/);
});

test('policy diff, publish, show, explain and rollback work on folders', async () => {
  const folder = join(control.folder, 'mine');
  cpSync('policies', folder, { recursive: true });
  assert.equal((await nullius('policy', 'diff', folder)).code, 0);
  writeFileSync(join(folder, '50-mine.cedar'), '@id("mine")\npermit (principal, action, resource) when { false };\n');
  const diff = await nullius('policy', 'diff', folder);
  assert.equal(diff.code, 1);
  assert.match(diff.out, /\+ @id\("mine"\)/);
  assert.match((await nullius('policy', 'publish', '--from', folder, '-m', 'mine')).err, /publication 2 is in force/);
  assert.match((await nullius('policy', 'show')).out, /@id\("mine"\)/);
  assert.match((await nullius('policy', 'rollback')).err, /publication 3 is in force: back to publication 1/);
  writeFileSync(join(folder, '60-bad.cedar'), 'permit (principal, action\n');
  const bad = await nullius('policy', 'publish', '--from', folder, '-m', 'bad');
  assert.equal(bad.code, 1);
  assert.match(bad.err, /60-bad\.cedar:1/);
});

test('policy publish, stage, promote, shadow, history, override and draft tell the life of a policy', async () => {
  const folder = join(control.folder, 'life');
  cpSync('policies', folder, { recursive: true });
  // Proved elsewhere; it takes its time.
  rmSync(join(folder, 'shipped.invariants'), { force: true });
  writeFileSync(join(folder, '50-new.cedar'), '@id("new")\npermit (principal, action, resource) when { false };\n');
  const tried = await nullius(
    'policy',
    'publish',
    folder,
    '-m',
    'try',
    '--override',
    'proved elsewhere',
    '--shadow',
    'new',
    '--stage',
    'auditors-read=group:administrators,everyone',
  );
  assert.equal(tried.code, 0, tried.err);
  assert.match(tried.err, /not enforced for everyone: .*new shadow/);
  assert.match((await nullius('policy', 'stage', 'new', '25%', '-m', 'a quarter')).err, /in force: a quarter/);
  assert.match((await nullius('policy', 'history')).out, /a quarter +.*new 25%/);
  assert.equal((await nullius('policy', 'promote', 'new', 'auditors-read')).code, 0);
  assert.equal((await nullius('policy', 'shadow', 'new')).code, 0);
  assert.equal((await nullius('policy', 'stage', 'new', '125%')).code, 2);
  assert.match((await nullius('policy', 'promote', 'ne')).err, /no policy has the id `ne`; the nearest is `new`/);
  const again = await nullius('policy', 'shadow', 'new');
  assert.deepEqual(
    [again.code, /nothing changes: publication \d+ says the same/.test(again.err)],
    [0, true],
    again.err,
  );

  writeFileSync(join(folder, '30-demo.cedar'), '@id("demo-public-page") permit (principal, action, resource);\n');
  const closed = await nullius('policy', 'publish', folder, '-m', 'open');
  assert.equal(closed.code, 1, closed.err);
  assert.match(closed.err, /apps\.test\.yaml:\d+: /);
  assert.match(
    closed.err,
    /a gate is closed, so nothing was put in force\n.*mend it, or repeat the command with `--override/s,
  );
  const forced = await nullius('policy', 'publish', folder, '-m', 'open', '--override', 'tonight only');
  assert.equal(forced.code, 0, forced.err);
  assert.match(forced.err, /although these gates were closed: tests/);
  assert.match((await nullius('policy', 'history')).out, /override: tonight only/);
  assert.equal((await nullius('log', 'query', '--shadow', 'allow')).code, 0);
  assert.equal((await nullius('log', 'query', '--shadow', 'perhaps')).code, 2);

  writeFileSync(join(folder, '51-other.cedar'), '@id("other") permit (principal == User::"x", action, resource);\n');
  assert.match(
    (await nullius('policy', 'draft', 'save', 'mine', '--from', folder, '-m', 'later')).err,
    /draft `mine` is kept/,
  );
  assert.match((await nullius('policy', 'draft', 'list')).out, /mine .*later/);
  assert.match((await nullius('policy', 'draft', 'show', 'mine')).out, /30-demo\.cedar/);
  const tested = await nullius('policy', 'draft', 'test', 'mine');
  assert.equal(tested.code, 1);
  assert.match(tested.out, /\d+ passed, [1-9]\d* failed/);
  const closedDraft = await nullius('policy', 'draft', 'publish', 'mine');
  assert.deepEqual([closedDraft.code, /repeat the command with `--override/.test(closedDraft.err)], [1, true]);
  const shadowed = ['--override', 'to be tried', '--shadow', 'other', '--stage', 'demo-public-page=10%'];
  const published = await nullius('policy', 'draft', 'publish', 'mine', ...shadowed);
  assert.match(published.err, /not enforced for everyone: .*other shadow, demo-public-page 10%/, published.err);
  assert.match(published.err, /although these gates were closed: tests/);
  assert.equal((await nullius('policy', 'draft', 'discard', 'mine')).code, 0);
  assert.equal((await nullius('policy', 'draft', 'lose', 'mine')).code, 2);
  assert.equal((await nullius('policy', 'rollback', '1')).code, 0);
});

test('what is not there is told with what is: publications, drafts, actions', async () => {
  assert.match((await nullius('group', 'show', 'administraters')).err, /the nearest is `administrators`/);
  const erased = await nullius('user', 'erase', 'somebody');
  assert.match(erased.err, /no removed person `somebody`; it takes the id that removing them told/);
  for (const argv of [
    ['policy', 'show', '99'],
    ['policy', 'rollback', '99'],
  ])
    assert.match((await nullius(...argv)).err, /there is no publication `99`; they go from `1` to `\d+`/);
  assert.match((await nullius('policy', 'show', 'last')).err, /`last` is no publication; `nullius policy history`/);
  assert.equal(
    (await nullius('policy', 'draft', 'show', 'bad name/')).err,
    'nullius: `bad name/` may have lower-case letters, digits and inner hyphens, at most 63 characters\n',
  );
  assert.match(
    (await nullius('policy', 'who-can', 'raed', 'demo')).err,
    /`action`: `raed` must be one of .*; the nearest is `read`/,
  );
});

/** Every command that reads a folder of policies. */
const readingPolicies = (folder: string) => [
  ['policy', 'publish', folder, '-m', 'x'],
  ['policy', 'test', folder],
  ['policy', 'prove', folder],
  ['policy', 'diff', folder, '--meaning'],
  ['policy', 'simulate', folder],
];

test('every command tells what is wrong in a policy in one shape, once for all actions', async () => {
  const folder = join(control.folder, 'wrong');
  cpSync('policies', folder, { recursive: true });
  writeFileSync(
    join(folder, '60-wrong.cedar'),
    '@id("w") permit (principal, action, resource) when { context.nun };\n',
  );
  const line =
    /^ *(.*wrong\/60-wrong\.cedar:1:\d+: for policy `w`, attribute `nun` in context for Action::"administer-read" not found \(the same for 5 other actions\); did you mean `noun`\?)$/gm;
  const told = [];
  for (const argv of readingPolicies(folder)) {
    const { code, err } = await nullius(...argv);
    assert.equal(code, 1, err);
    const lines = [...err.matchAll(line)].map(([, words]) => words);
    assert.equal(lines.length, 1, err);
    told.push(...lines);
  }
  assert.equal(new Set(told).size, 1);
});

test('every command tells where in the schema something is wrong', async () => {
  const folder = join(control.folder, 'wrong-schema');
  cpSync('policies', folder, { recursive: true });
  const file = join(folder, 'schema.cedarschema');
  writeFileSync(file, readFileSync(file, 'utf8').replace('entity Group in [Group];', 'entity Group in [Grupo];'));
  const line =
    /^ *.*wrong-schema\/schema\.cedarschema:4:18: failed to resolve type: Grupo; .*`Grupo` has not been declared/m;
  for (const argv of readingPolicies(folder)) {
    const { code, err } = await nullius(...argv);
    assert.equal(code, 1, err);
    assert.match(err, line);
  }
});

test('a time that is not written as one is refused, whatever JavaScript would make of it', async () => {
  for (const text of ['7', '0', '1 2', '2026-02-31', '2026-01-31T12:00:00']) {
    const commands = [
      ['log', 'query', '--since', text],
      ['policy', 'simulate', '--since', text, resolve('policies')],
      ['policy', 'explain', '--operator', '--resource', 'console', '--at', text],
    ];
    for (const argv of commands) {
      const { code, err } = await nullius(...argv);
      assert.deepEqual([code, err.includes(`\`${text}\` is no time; write \`2026-01-31T12:00:00Z\``)], [2, true], err);
    }
  }
  for (const text of ['1h', '2026-01-31', '2026-01-31 12:00:00Z', '2026-01-31T12:00:00+01:00']) {
    const { code, err } = await nullius('log', 'query', '--since', text);
    assert.equal(code, 0, err);
  }
});

test('publishing what is in force already makes no other publication, and says so', async () => {
  const { body: before } = await control.call('GET', '/api/v1/policies/current');
  const folder = join(control.folder, 'same');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.cedarschema'), before.schema);
  for (const { file, text } of [...before.policies, ...before.tests, ...before.invariants])
    writeFileSync(join(folder, file), text);
  const same = await nullius('policy', 'publish', folder, '-m', 'the same');
  assert.deepEqual([same.code, /nothing changes: publication/.test(same.err)], [0, true], same.err);
  const back = await nullius('policy', 'rollback', String(before.sequence));
  assert.deepEqual([back.code, /nothing changes.*come back with `--override/.test(back.err)], [0, true], back.err);
  const enforced = await nullius('policy', 'publish', folder, '-m', 'x', '--enforce', 'nobody');
  assert.match(enforced.err, /no policy has the id `nobody`/);
  assert.equal((await control.call('GET', '/api/v1/policies/current')).body.sequence, before.sequence);
  writeFileSync(join(folder, 'b.cedar'), '@id("b") permit (principal, action, resource) when { false };\n');
  const never = '@id("closed") never (principal is Anonymous, action == Action::"administer-write", resource);\n';
  writeFileSync(join(folder, 'c.invariants'), never);
  const other = await nullius('policy', 'publish', folder, '-m', 'another');
  const progress = /^checking the policies and running their tests\nproving the invariants\nproved 1 of \d+: [a-z-]+\n/;
  assert.match(other.err, progress);
  assert.match(other.err, new RegExp(`publication ${before.sequence + 1} is in force`));
});

test('check validates the policies that the configuration names, with their places', async () => {
  const folder = join(control.folder, 'checked');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.cedar'), '@id("a")\n@descripton("x")\npermit (principal, action, resource);\n');
  const file = join(control.folder, 'checked.yaml');
  writeFileSync(file, 'policies: ./checked\n');
  const { code, err } = await nullius('check', '--config', file);
  assert.equal(code, 1);
  assert.match(err, /a\.cedar:\d+:\d+: policy `a` has an unknown annotation `@descripton`/);
});

test('check runs the tests of the policies: what they refuse is not put in force either', async () => {
  const folder = join(control.folder, 'tested');
  cpSync(join(import.meta.dirname, '../../../policies'), folder, { recursive: true });
  const file = join(control.folder, 'tested.yaml');
  writeFileSync(file, 'policies: ./tested\n');
  const good = await nullius('check', '--config', file);
  assert.deepEqual([good.code, good.out], [0, ''], good.err);
  const apps = join(folder, '20-apps.cedar');
  writeFileSync(apps, readFileSync(apps, 'utf8').replaceAll('"administrators"', '"adminstrators"'));
  const { code, err } = await nullius('check', '--config', file);
  assert.equal(code, 1);
  assert.match(
    err,
    /tested\/apps\.test\.yaml:\d+:1: the test `an administrator opens an ordinary app` fails: expected allow/,
  );
});
