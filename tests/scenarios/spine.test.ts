// The spine from end to end, through the public surface: the program as started by a user, HTTP, and the CLI.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, openStream } from '../faults/product.ts';
import { installationFor, startApp } from '../installation.ts';

test('a stranger becomes administrator, protects an app, lets one person in and cuts another off', async (t) => {
  const app = await startApp(t);
  const installation = await installationFor(t);
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });

  await t.test('the console opens for the administrator', async () => {
    const page = await admin.open(installation.consoleOrigin);
    assert.equal(page.status, 200);
    assert.match(page.body, /<div id="root">/);
    const me = await admin.send(`${installation.consoleOrigin}/api/v1/me`, { headers: { accept: 'application/json' } });
    assert.equal(JSON.parse(me.body).user.name, 'ada');
  });

  await t.test('one command puts an app behind the gateway', async () => {
    const protect = await installation.cli('protect', app.origin, '--as', 'wiki');
    assert.equal(protect.code, 0, protect.stderr);
    const page = await admin.open(installation.appOrigin('wiki'), '/hello');
    assert.equal(page.status, 200, page.body);
    const seen = JSON.parse(page.body) as { url: string; headers: Record<string, string> };
    assert.equal(seen.url, '/hello');
    assert.ok(seen.headers['nullius-assertion']);
    assert.ok(!(seen.headers['cookie'] ?? '').includes('nullius'));
  });

  const invited = await installation.cli('user', 'invite', 'grace', '--json');
  assert.equal(invited.code, 0, invited.stderr);
  const grace = installation.person();
  await grace.enrol((JSON.parse(invited.stdout) as { url: string }).url, { name: 'grace' });

  await t.test('another person is refused, told why, and offered a way', async () => {
    const before = app.requests.length;
    const refused = await grace.open(installation.appOrigin('wiki'));
    assert.equal(refused.status, 403);
    assert.match(refused.body, /request-access/);
    assert.equal(app.requests.length, before);
  });

  await t.test('an approved request opens the app; revoking the session cuts what is open', async () => {
    const asked = await grace.send(`${installation.appOrigin('wiki')}/.nullius/request-access`, {
      method: 'POST',
      body: undefined,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': '0',
        'sec-fetch-site': 'same-origin',
      },
    });
    assert.equal(asked.status, 400, 'a reason is asked for');
    const granted = await installation.cli('grant', 'create', 'grace', 'wiki', '--for', '1h', '--reason', 'test');
    assert.equal(granted.code, 0, granted.stderr);
    const stream = openStream(installation, { person: grace, app: 'wiki', path: '/events' });
    assert.equal(await stream.open, 200);
    await eventually(async () => {
      const { stdout } = await installation.cli('resource', 'show', 'wiki', '--json');
      return (JSON.parse(stdout) as { live: { open: number; sessions: number } }).live.open === 1;
    }, 'the open stream is told');
    const revoked = await installation.cli('session', 'revoke', '--user', 'grace');
    assert.equal(revoked.code, 0, revoked.stderr);
    await stream.closed;
    const after = await grace.send(`${installation.appOrigin('wiki')}/hello`, {
      headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' },
    });
    assert.equal(after.status, 401);
  });

  await t.test('the log tells all of it and proves itself', async () => {
    const verified = await installation.cli('log', 'verify');
    assert.equal(verified.code, 0, verified.stderr);
    // A stream is cut first and its end told then.
    await eventually(async () => {
      const events = await installation.cli('log', 'query', '--json', '--limit', '200');
      assert.equal(events.code, 0, events.stderr);
      assert.match(events.stdout, /"grace"/);
      const told = JSON.parse(events.stdout) as {
        id: string;
        payload: { unmapped?: { cut?: string; request?: string } };
      }[];
      const cut = told.find(({ payload }) => payload.unmapped?.cut === 'session-ended');
      return cut !== undefined && told.some(({ id }) => id === cut.payload.unmapped?.request);
    }, 'the end of the stream has an event');
  });
});
