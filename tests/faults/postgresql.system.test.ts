// Needs PostgreSQL. The product on it by one setting, and the database killed under the running product.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { installationFor, startApp } from '../installation.ts';
import { startPostgres } from '../postgresql.ts';
import { ask, enrolled, eventually, openStream, protectApp } from './product.ts';

test('the product runs on PostgreSQL by one setting, and outlives its death', async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const app = await startApp(t);
  const installation = await installationFor(t, { config: `store: ${await postgres.createDatabase()}\n` });
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  await admin.open(installation.consoleOrigin);
  const wiki = installation.appOrigin('wiki');
  const groups = `${installation.consoleOrigin}/api/v1/groups`;

  await t.test('protect, refuse, grant, cut', async () => {
    await protectApp(installation, { upstream: app.origin, name: 'wiki' });
    assert.equal((await admin.open(wiki)).status, 200);
    const grace = await enrolled(installation, 'grace');
    assert.equal((await grace.open(wiki)).status, 403);
    const granted = await installation.cli('grant', 'create', 'grace', 'wiki', '--for', '1h', '--reason', 'test');
    assert.equal(granted.code, 0, granted.stderr);
    await eventually(async () => (await ask(grace, `${wiki}/page`)).status === 200, 'the grant opens the app');
    const stream = openStream(installation, { person: grace, app: 'wiki', path: '/events' });
    assert.equal(await stream.open, 200);
    assert.equal((await installation.cli('session', 'revoke', '--user', 'grace')).code, 0);
    await stream.closed;
    assert.equal((await ask(grace, `${wiki}/page`)).status, 401);
  });

  await t.test(
    'PostgreSQL is killed: changes get a clear no, the signed in go on; it is back: so is everything',
    async () => {
      assert.equal((await ask(admin, groups, { body: { name: 'before' } })).status, 201);
      await postgres.kill();
      const refused = await ask(admin, groups, { body: { name: 'meanwhile' } });
      assert.equal(refused.status, 503, refused.body);
      assert.match(refused.body, /the store cannot be reached|lost touch/);
      assert.equal((await ask(admin, `${wiki}/page`)).status, 200);
      const users = await installation.cli('user', 'list');
      assert.match(users.stderr, /the store cannot be reached; check its disk or its database server/);
      const lines = () => installation.stderr().match(/the database cannot be reached/g)?.length ?? 0;
      await eventually(async () => lines() > 0, 'the log says it');
      await sleep(2_000);
      assert.ok(lines() < 4, `the log says it once, not each time it is tried\n${installation.stderr()}`);
      await postgres.start();
      await eventually(async () => /the store answers again/.test(installation.stderr()), 'and that it is over');
      await eventually(
        async () => (await ask(admin, groups, { body: { name: 'after' } })).status === 201,
        `changes are taken again\n${installation.stderr()}`,
      );
      const listed = await installation.cli('group', 'list', '--json');
      assert.match(listed.stdout, /"before"/);
      assert.match(listed.stdout, /"after"/);
      assert.equal((await ask(admin, `${wiki}/page`)).status, 200);
      const verified = await installation.cli('log', 'verify');
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    },
  );
});
