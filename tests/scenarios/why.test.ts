// Decisions explained and rehearsed through the public surface: real requests, the journal they left, and the CLI.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { installationFor, startApp } from '../installation.ts';

test('a refusal is explained by the facts and policies of then, whatever they are now', async (t) => {
  const app = await startApp(t);
  const installation = await installationFor(t);
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await installation.cli(...args, '--json');
    assert.ok(stdout !== '', `${args.join(' ')}: ${code} ${stderr}`);
    return JSON.parse(stdout);
  };
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  assert.equal((await installation.cli('protect', app.origin, '--as', 'wiki')).code, 0);
  const invited = await json('user', 'invite', 'grace');
  const grace = installation.person();
  await grace.enrol(invited.url, { name: 'grace' });
  const refused = await grace.open(installation.appOrigin('wiki'), '/plan?token=secret-value');
  assert.equal(refused.status, 403);
  const id = /[A-Za-z0-9_-]{22}/.exec(String(refused.headers['nullius-decision'] ?? ''))?.[0] ?? idIn(refused.body);

  await t.test('what came nearest, what failed there, and the least that would turn it', async () => {
    const why = await json('policy', 'explain', id);
    assert.equal(why.answer, 'deny');
    assert.equal(why.isExact, true, JSON.stringify(why.notes));
    assert.equal(why.principal.type, 'User');
    const failed = why.nearest.map((each: { id: string; parts: { holds: boolean; text: string }[] }) => [
      each.id,
      ...each.parts.filter(({ holds }) => !holds).map(({ text }) => text),
    ]);
    assert.deepEqual(failed.slice(0, 2), [
      ['administrators-open-apps', 'principal in Group::"administrators"'],
      ['granted-access', '!context.grants.isEmpty()'],
    ]);
    assert.equal(why.change.turnsTo, 'allow');
    assert.equal(why.change.isSmallest, true);
    assert.deepEqual(
      why.change.alternatives.map((all: { words: string }[]) => all.map(({ words }) => words)),
      [['Join the group `administrators`.'], ['Give a grant on `wiki`.']],
    );
    assert.doesNotMatch(JSON.stringify(why), /secret-value/, 'query values were dropped and do not come back');
  });

  await t.test('the same explanation after the facts have changed', async () => {
    const before = await json('policy', 'explain', id);
    assert.equal((await installation.cli('group', 'add', 'administrators', 'grace')).code, 0);
    const now = await json('policy', 'explain', '--user', 'grace', '--resource', 'wiki');
    assert.equal(now.answer, 'allow');
    assert.deepEqual(
      now.paths.map(({ principal }: { principal: { id: string }[] | null }) => principal?.at(-1)?.id),
      ['administrators'],
    );
    const again = await json('policy', 'explain', id);
    assert.deepEqual(again, before);
    const who = await json('policy', 'who-can', 'read', 'wiki');
    assert.deepEqual(
      who.items.map(({ name, basis }: { name: string; basis: string }) => [name, basis]),
      [
        ['ada', 'session'],
        ['grace', 'session'],
      ],
    );
    const what = await installation.cli('policy', 'what-can', '--stranger');
    assert.equal(what.code, 0, what.stderr);
    assert.match(what.stdout, /^id +default +read write delete connect/m);
  });

  await t.test('words for people name the condition that failed and its values', async () => {
    const { stdout, stderr, code } = await installation.cli('policy', 'explain', id);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /answer: deny for User::/);
    assert.match(stdout, /NO {2}when: !context\.grants\.isEmpty\(\) {2}\(20-apps\.cedar:\d+:\d+\)/);
    assert.match(stdout, /context\.grants is \[\]/);
    assert.match(stdout, /- Join the group `administrators`\./);
  });

  const folder = join(installation.folder, 'rehearsed');
  cpSync(join(import.meta.dirname, '../../policies'), folder, { recursive: true });

  await t.test('a rehearsal of the policies in force changes nothing and reproduces every decision', async () => {
    const same = await installation.cli('policy', 'simulate', '--since', '1h', folder, '--json');
    assert.equal(same.code, 0, same.stderr);
    const report = JSON.parse(same.stdout);
    assert.ok(report.replayed >= 2, same.stdout);
    assert.deepEqual([report.gained.decisions, report.lost.decisions, report.notReproduced.count], [0, 0, 0]);
    assert.equal(report.same, report.replayed);
    assert.deepEqual(report.unverified, 0);
  });

  await t.test('a rehearsal shows who gains and who loses what, and why the example was refused then', async () => {
    await admin.open(installation.appOrigin('wiki'), '/plan');
    const file = join(folder, '20-apps.cedar');
    const apps = readFileSync(file, 'utf8').replace(
      'when { resource.sensitivity != "high" };',
      'when { resource.sensitivity == "low" };',
    );
    writeFileSync(
      file,
      `${apps}
@id("grace-opens-wiki")
permit (principal is User, action in Action::"access", resource == App::"wiki") when { principal.name == "grace" };
`,
    );
    const changed = await installation.cli('policy', 'simulate', '--since', '1h', folder, '--json');
    assert.equal(changed.code, 1, changed.stderr);
    assert.match(changed.stderr, /\d+ decisions from/);
    const report = JSON.parse(changed.stdout);
    assert.deepEqual(
      report.groups
        .filter(({ resource }: { resource: string }) => resource === 'wiki')
        .map((each: { change: string; subject: { name: string }; before: string[]; after: string[] }) => [
          each.change,
          each.subject.name,
          each.before,
          each.after,
        ])
        .sort(),
      [
        ['gained', 'grace', [], ['grace-opens-wiki']],
        ['lost', 'ada', ['administrators-open-apps'], []],
      ],
      changed.stdout,
    );
    const gained = report.groups.find(({ change }: { change: string }) => change === 'gained');
    assert.deepEqual(gained.examples, [id]);
    const words = await installation.cli('policy', 'simulate', '--since', '1h', folder);
    assert.match(words.stdout, /gains +grace +read wiki/);
    assert.match(words.stdout, /LOSES +ada +read wiki/);
  });

  await t.test('policies that are not valid are not rehearsed', async () => {
    writeFileSync(join(folder, 'bad.cedar'), 'permit (principal');
    const bad = await installation.cli('policy', 'simulate', folder);
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /bad\.cedar:1/);
  });
});

function idIn(page: string): string {
  const found = /\b[A-Za-z0-9_-]{22}\b/.exec(page)?.[0];
  assert.ok(found, page);
  return found;
}
