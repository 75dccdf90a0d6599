// What a hostile app says and does in the browser of somebody who opens it: headers that outlive it, service workers, passkeys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { domain, startNeighbourhood } from '../neighbourhood.ts';
import { addAuthenticator } from '../sign-in-browser.ts';

/** What Chromium would otherwise keep for the host, the domain or the next hop. */
const lastingHeaders = {
  'clear-site-data': '"cookies", "storage", "cache"',
  'strict-transport-security': 'max-age=0',
  'alt-svc': 'h2="attacker.example:443"; ma=31536000; persist=1',
  nel: '{"report_to":"x","max_age":31536000,"include_subdomains":true,"success_fraction":1.0}',
  'report-to': '{"group":"x","max_age":31536000,"endpoints":[{"url":"https://attacker.example/"}]}',
  'sec-session-registration': '(ES256);path="/register";challenge="x"',
  'secure-session-registration': '(ES256);path="/register";challenge="x"',
  'nullius-decision': 'forged',
};

type Outcome = string;

/** Asks the browser to register a service worker, in the page's own words; `'registered'` or the error's name. */
const registerWorker = (page: Page, script: string, scope: string): Promise<Outcome> =>
  page.evaluate(`navigator.serviceWorker.register(${JSON.stringify(script)}, { scope: ${JSON.stringify(scope)} })
    .then((it) => it.unregister().then(() => 'registered'), (error) => error.name)`);

/** Asks for a passkey, or for a proof by one, for this RP ID; `'given'` or the error's name. */
const askPasskey = (page: Page, kind: 'create' | 'get', rpId: string): Promise<Outcome> =>
  page.evaluate(`(() => {
    const bytes = new Uint8Array(32);
    const asked = { rpId: ${JSON.stringify(rpId)}, rp: { id: ${JSON.stringify(rpId)}, name: 'x' }, challenge: bytes,
      user: { id: bytes, name: 'ada', displayName: 'Ada' }, pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required' } };
    return navigator.credentials.${kind}({ publicKey: asked, signal: AbortSignal.timeout(90_000) })
      .then((it) => { window.proof = it; return 'given'; }, (error) => error.name);
  })()`);

test('a hostile app reaches no further than its own pages', async (t) => {
  const near = await startNeighbourhood(t);
  const { page, context, evil, wiki, origin, whoCame } = near;

  await t.test('headers that would outlive it or reach its neighbours never reach the browser', async () => {
    evil.answer('/last', { headers: { 'content-type': 'text/html', ...lastingHeaders }, body: '<title>x</title>' });
    const answer = await page.goto(`${origin('evil')}/last`);
    const headers = (await answer?.headersArray()) ?? [];
    for (const [name, value] of Object.entries(lastingHeaders)) {
      const said = headers.filter((header) => header.name.toLowerCase() === name).map((header) => header.value);
      assert.ok(!said.includes(value), name);
    }
    await page.goto(`${origin('wiki')}/`);
    assert.equal(whoCame(wiki), 'ada');
    const held = (await context.cookies(origin('id'))).map((cookie) => cookie.name);
    assert.ok(held.includes('__Host-id_session'), 'Clear-Site-Data would have signed her out everywhere');
  });

  await t.test('no service worker of it stands before `/.nullius/`, whatever it is served with', async () => {
    const script = 'self.addEventListener("fetch", (event) => event.respondWith(new Response("stolen")));';
    for (const [path, allowed] of [
      ['/worker.js', undefined],
      ['/worker.js?x=/a/', '/'],
      ['/a/root.js', '/'],
      ['/a/dot.js', '/.'],
      ['/a/ours.js', '/.nullius/'],
      ['/a/encoded.js', '/%2enullius/'],
      ['/a/folder.js', undefined],
    ] as const) {
      const headers = { 'content-type': 'text/javascript' };
      evil.answer(path.split('?')[0] ?? '', {
        headers: allowed === undefined ? headers : { ...headers, 'service-worker-allowed': allowed },
        body: script,
      });
      const lured = await near.lure();
      const outcomes = await Promise.all(
        ['/', '/.', '/.nullius/', '/.nullius/callback', '/a/'].map(async (scope) => [
          scope,
          await registerWorker(lured, path, scope),
        ]),
      );
      const done = outcomes.filter(([, outcome]) => outcome === 'registered').map(([scope]) => scope);
      assert.deepEqual(done, path.startsWith('/a/') ? ['/a/'] : [], path);
      await lured.close();
    }
    const lured = await near.lure();
    for (const ours of ['/.nullius/sign-in', '/.nullius/callback', '/.nullius/worker.js'])
      assert.notEqual(await registerWorker(lured, ours, '/.nullius/'), 'registered', ours);
  });

  await t.test('it gets neither a passkey nor a proof for the sign-in site, and lends its name to nobody', async () => {
    const lured = await near.lure();
    await addAuthenticator(context, lured);
    const listed = { origins: [origin('evil'), 'https://attacker.example'] };
    evil.answer('/.well-known/webauthn', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(listed),
    });
    await lured.reload();
    for (const kind of ['create', 'get'] as const) {
      assert.equal(await askPasskey(lured, kind, `id.${domain}`), 'SecurityError', kind);
      assert.equal(await askPasskey(lured, kind, `console.${domain}`), 'SecurityError', kind);
    }
    const related = await page.goto(`${origin('id')}/.well-known/webauthn`);
    assert.equal(related?.status(), 404, 'no related origins: only `id` itself may use its passkeys');
  });

  await t.test('a passkey it makes for the domain they share is worth nothing at sign-in', async () => {
    const lured = await near.lure();
    await addAuthenticator(context, lured);
    assert.equal(await askPasskey(lured, 'create', domain), 'given', 'browsers let every host use its parent domain');
    assert.equal(await askPasskey(lured, 'get', domain), 'given');
    const proof = await lured.evaluate('JSON.parse(JSON.stringify(window.proof.toJSON()))');
    const stranger = near.installation.person();
    const begun = await stranger.send(`${origin('wiki')}/.nullius/sign-in?return_to=/`);
    const interaction = await stranger.send(begun.headers.location ?? '');
    const path = `${new URL(interaction.headers.location ?? '', origin('id')).pathname}/passkey`;
    const options = await stranger.send(`${origin('id')}${path}/options`, { body: {} });
    assert.equal(JSON.parse(options.body).rpId, `id.${domain}`);
    const answer = await stranger.send(`${origin('id')}${path}`, { body: proof });
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.body}`);
  });

  await t.test('it opens itself to other origins by CORS, and they still see nothing of the person’s', async () => {
    const headers = {
      'content-type': 'text/plain',
      'access-control-allow-origin': origin('wiki'),
      'access-control-allow-credentials': 'true',
    };
    evil.answer('/mine', { headers, body: 'for the person signed in' });
    await page.goto(`${origin('wiki')}/`);
    const before = evil.seen.length;
    const read = await page.evaluate(
      (url) => fetch(url, { credentials: 'include' }).then((answer) => answer.text(), String),
      `${origin('evil')}/mine`,
    );
    assert.doesNotMatch(read, /person/);
    assert.equal(evil.seen.length, before, 'the cookie does not count, so the request is a stranger’s');
  });
});
