// The configuration file changed under the running product: a good change is in force within a second, a bad one never.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { installationFor, startApp } from '../installation.ts';
import { ask, eventually, openStream, processesOf, signalTo } from './product.ts';

/** Every half second the file is looked at; this is long enough that a change which was to be taken would have been. */
const lookedAtMs = 1_500;

test('a changed configuration is taken when it is good, and only then', async (t) => {
  const app = await startApp(t);
  const entry = (name: string) => `  - { name: ${name}, upstream: "${app.origin}", allowPrivate: true }\n`;
  const both = `resources:\n${entry('wiki')}${entry('notes')}`;
  const installation = await installationFor(t, { config: both });
  const file = join(installation.folder, 'nullius.yaml');
  /** As editors write: beside, then renamed over. */
  const change = (text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  const [wiki, notes] = [installation.appOrigin('wiki'), installation.appOrigin('notes')];
  assert.equal((await admin.open(wiki)).status, 200);
  assert.equal((await admin.open(notes)).status, 200);
  const stderrSince = () => {
    const from = installation.stderr().length;
    return () => installation.stderr().slice(from);
  };

  const bad: Record<string, string> = {
    'no YAML': 'resources: [',
    'an unknown key': `${both}resorces: []\n`,
    'a reserved name': `${both}${entry('console')}`,
    'an app twice': `${both}${entry('wiki')}`,
    'policies that do not parse': `${both}policies: ./broken\n`,
    'policies that are not there': `${both}policies: ./nowhere\n`,
    'policies that lock everybody out': `${both}policies: ./closed\n`,
    'nothing at all': '\u0000\u0000',
  };
  mkdirSync(join(installation.folder, 'broken'));
  writeFileSync(join(installation.folder, 'broken', 'a.cedar'), '@id("a") permit (principal, action');
  mkdirSync(join(installation.folder, 'closed'));
  writeFileSync(join(installation.folder, 'closed', 'a.cedar'), '@id("none") forbid (principal, action, resource);');
  for (const [name, text] of Object.entries(bad)) {
    await t.test(`${name}: refused in words, and what ran goes on`, async () => {
      const said = stderrSince();
      change(text);
      await eventually(() => /is not taken: /.test(said()), `the refusal is told\n${said()}`);
      assert.equal((await ask(admin, `${wiki}/page`)).status, 200);
      assert.equal((await ask(admin, `${notes}/page`)).status, 200);
    });
  }

  for (const [name, text] of Object.entries({ 'nothing at all': '\u0000', closed: `${both}policies: ./closed\n` })) {
    await t.test(`control starts again over a bad file (${name}) with what was in force`, async () => {
      change(text);
      const said = stderrSince();
      const old = signalTo(installation, { name: 'control', signal: 'SIGKILL' });
      await eventually(() => /control serves again/.test(said()), `control serves again\n${said()}`);
      assert.notEqual(processesOf(installation).control, old);
      await eventually(() => /is not taken: /.test(said()), `the refusal is told\n${said()}`);
      await eventually(async () => (await ask(admin, `${wiki}/page`)).status === 200, 'the app opens');
      assert.equal((await ask(admin, `${notes}/page`)).status, 200);
    });
  }

  await t.test('a file that is removed changes nothing either', async () => {
    rmSync(file);
    await sleep(lookedAtMs);
    assert.equal((await ask(admin, `${wiki}/page`)).status, 200);
  });

  await t.test('refusals are in the log', async () => {
    const found = await installation.cli('log', 'query', '--json', '--text', 'a changed configuration was refused');
    assert.equal(found.code, 0, found.stderr);
    assert.ok((JSON.parse(found.stdout) as unknown[]).length >= Object.keys(bad).length);
  });

  await t.test(
    'an app that is taken out is gone within a second or two, its streams are cut, others stay',
    async () => {
      const cut = openStream(installation, { person: admin, app: 'notes', path: '/events' });
      const kept = openStream(installation, { person: admin, app: 'wiki', path: '/events' });
      assert.equal(await cut.open, 200);
      assert.equal(await kept.open, 200);
      change(`resources:\n${entry('wiki')}`);
      await cut.closed;
      assert.equal((await ask(admin, `${notes}/page`)).status, 404);
      assert.equal((await ask(admin, `${wiki}/page`)).status, 200);
      assert.ok(!kept.isClosed());
      kept.destroy();
    },
  );

  await t.test('an app that is added is served, without any process starting again', async () => {
    const children = processesOf(installation);
    change(`${both}${entry('third')}`);
    const third = installation.appOrigin('third');
    await eventually(async () => (await ask(admin, `${third}/page`)).status === 401, 'the new app has a host');
    assert.equal((await admin.open(third)).status, 200);
    assert.deepEqual(processesOf(installation), children);
  });
});
