// What an attacker tries at the front door of the whole product: sign-in, cookies, own addresses, upstreams.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installationFor, startApp } from '../installation.ts';

const program = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' };

test('the front door holds against somebody who knows the product', async (t) => {
  const app = await startApp(t);
  const installation = await installationFor(t);
  const { port, consoleOrigin } = installation;
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  const protect = (upstream: string, name: string) => installation.cli('protect', upstream, '--as', name);
  assert.equal((await protect(app.origin, 'wiki')).code, 0);
  assert.equal((await protect(app.origin, 'chat')).code, 0);
  const wiki = installation.appOrigin('wiki');
  const chat = installation.appOrigin('chat');

  await t.test('sign-in leads back to the app and nowhere else, whatever it was told', async () => {
    const evil = [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example/',
      'javascript:alert(1)',
      '/\t/evil.example',
    ];
    for (const path of [...evil, '/%0d%0aset-cookie:x=1', `${wiki}@evil.example/`]) {
      const begun = await admin.send(`${wiki}/.nullius/sign-in?return_to=${encodeURIComponent(path)}`);
      const callback = await admin.send(await admin.authorize(begun.headers.location ?? ''));
      assert.equal(callback.status, 303, path);
      const location = callback.headers.location ?? '';
      assert.equal(new URL(location, wiki).origin, wiki, `${path} became ${location}`);
      assert.equal(callback.headers['set-cookie']?.filter((line) => !line.startsWith('__Host-nullius')).length, 0);
    }
  });

  await t.test('a callback works once, in the browser that began it, at the app it was begun for', async () => {
    const attacker = installation.person();
    const begun = await admin.send(`${wiki}/.nullius/sign-in?return_to=/`);
    const back = await admin.authorize(begun.headers.location ?? '');
    assert.equal((await attacker.send(back)).status, 400, 'no flow cookie');
    await attacker.send(`${wiki}/.nullius/sign-in?return_to=/`);
    assert.ok((await attacker.send(back)).status >= 400, 'another flow');
    const flow = admin.cookies(new URL(wiki).host).get('__Host-nullius_flow') ?? '';
    const host = new URL(chat).host;
    const elsewhere = await attacker.send(back.replace(wiki, chat), {
      headers: { host, cookie: `__Host-nullius_flow=${flow}` },
    });
    assert.ok(elsewhere.status >= 400, 'another app');
    const again = installation.person();
    const replay = () => again.send(back, { headers: { cookie: `__Host-nullius_flow=${flow}` } });
    assert.equal((await replay()).status, 303, 'flow and code together are the browser that began');
    assert.ok((await replay()).status >= 400, 'and once only');
  });

  assert.equal((await admin.open(wiki)).status, 200);
  const cookie = `__Host-nullius_app=${admin.cookies(new URL(wiki).host).get('__Host-nullius_app')}`;
  const thief = installation.person();

  await t.test('the cookie of one app opens no other host', async () => {
    assert.equal((await thief.send(`${wiki}/`, { headers: { ...program, cookie } })).status, 200);
    for (const origin of [chat, consoleOrigin, installation.appOrigin('demo')]) {
      const answer = await thief.send(`${origin}/api/v1/me`, { headers: { ...program, cookie } });
      assert.equal(answer.status, 401, origin);
    }
    const twice = await thief.send(`${wiki}/`, { headers: { ...program, cookie: `${cookie}; ${cookie}x` } });
    assert.equal(twice.status, 401);
  });

  await t.test('forms of our own that another page sends change nothing', async () => {
    const sites = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: chat },
      { 'sec-fetch-site': 'none' },
    ];
    for (const endpoint of ['sign-out', 'request-access']) {
      for (const headers of sites) {
        const sent = { method: 'POST', headers: { ...headers, cookie, 'content-length': '0' } };
        assert.equal((await thief.send(`${wiki}/.nullius/${endpoint}`, sent)).status, 403, JSON.stringify(headers));
      }
    }
    assert.equal((await thief.send(`${wiki}/`, { headers: { ...program, cookie } })).status, 200);
  });

  await t.test('no name of ours and no socket can be taken by an app', async () => {
    for (const name of ['id', 'console', 'pdp', 'device']) assert.notEqual((await protect(app.origin, name)).code, 0);
    for (const upstream of ['unix:/run/web.sock', 'file:///etc/passwd', 'http://a:b@127.0.0.1:1', 'ftp://127.0.0.1']) {
      assert.notEqual((await protect(upstream, 'odd')).code, 0, upstream);
    }
  });

  await t.test('no upstream leads back to us or to what only this machine may reach', async () => {
    const hosts = [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '[::ffff:127.0.0.1]',
      '127.1',
      '0177.0.0.1',
      '127.1.2.3',
    ];
    const upstreams = [...hosts.map((host) => `http://${host}:${port}`), `http://0.0.0.0:${new URL(app.origin).port}`];
    let at = 0;
    for (const upstream of [...upstreams, 'http://169.254.169.254', 'http://2852039166', 'http://[fd00:ec2::254]']) {
      at += 1;
      const made = await protect(upstream, `loop-${at}`);
      if (made.code !== 0) continue;
      const answer = await admin.open(installation.appOrigin(`loop-${at}`));
      assert.equal(answer.status, 502, `${upstream} ${answer.status} ${answer.body.slice(0, 200)}`);
    }
  });
});
