// Our own pages turned against the person who sees them: links that lead elsewhere, markup in what they echo, and connections that
// Chromium shares between hosts of one certificate.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { domain, type Neighbourhood, startNeighbourhood } from '../neighbourhood.ts';

const attacker = 'attacker.example';

/** Return paths that some parser takes for an address elsewhere. */
const ways = [
  `https://${attacker}/`,
  `//${attacker}/`,
  `///${attacker}/`,
  `/\\${attacker}/`,
  `\\\\${attacker}/`,
  `/\t/${attacker}/`,
  `\t//${attacker}/`,
  `/\r\n/${attacker}/`,
  `https:${attacker}/`,
  `https:/${attacker}/`,
  `/%2f${attacker}/`,
  `/.//${attacker}/`,
  `/..//${attacker}/`,
  `\uff0f\uff0f${attacker}/`,
  `@${attacker}/`,
  `.${attacker}/`,
  `:@${attacker}/`,
  'javascript:alert(document.domain)',
  'data:text/html,<script>alert(1)</script>',
];

/** Markup that runs, or is seen to be stopped, wherever it is put into a page as it stands. */
const markup = [
  '<img src=x onerror=pwned=1>',
  '"><script>pwned=1</script>',
  "'><svg/onload=pwned=1>",
  '</title><b id=pwned>',
];

/** Puts marks into every page that tell when markup had an effect. */
async function watch(page: Page): Promise<() => Promise<unknown>> {
  await page.addInitScript(`window.stopped = [];
    document.addEventListener('securitypolicyviolation', (it) => window.stopped.push(it.effectiveDirective + ' ' + it.sample));`);
  page.on('dialog', (dialog) => void dialog.accept());
  return () =>
    page.evaluate(`({
      ran: typeof window.pwned !== 'undefined',
      elements: document.querySelectorAll('img[src=x], svg[onload], #pwned').length,
      stopped: window.stopped,
    })`);
}
const harmless = { ran: false, elements: 0, stopped: [] };

/** A page of a browser without any connection yet, and how often the gateway refused a shared one since. */
async function freshBrowser({ browser, metrics }: Neighbourhood) {
  const count = async () => (await metrics()).get('nullius_refused_total{code="misdirected"}') ?? 0;
  const before = await count();
  const context = await browser.newContext();
  return { context, page: await context.newPage(), misdirected: async () => (await count()) - before };
}

test('our own pages lead nowhere else, run nothing and keep hosts apart', async (t) => {
  const near = await startNeighbourhood(t);
  const { installation, page, context, evil, wiki, origin, whoCame } = near;

  await t.test('sign-in returns to the app it was begun for, whatever the link said', async () => {
    for (const way of ways) {
      await page.goto(`${origin('wiki')}/.nullius/sign-in?return_to=${encodeURIComponent(way)}`);
      assert.equal(new URL(page.url()).origin, origin('wiki'), JSON.stringify(way));
    }
    assert.equal(whoCame(wiki), 'ada');
  });

  await t.test('the sign-in site sends nobody to an address that is not registered', async () => {
    const elsewhere = encodeURIComponent(`https://${attacker}/`);
    const challenge = 'code_challenge_method=S256&code_challenge=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';
    for (const path of [
      `/auth?client_id=wiki&response_type=code&scope=openid&state=s&${challenge}&redirect_uri=${elsewhere}`,
      `/auth?client_id=wiki&response_type=code&scope=openid&${challenge}&redirect_uri=${encodeURIComponent(`${origin('wiki')}/.nullius/callback@${attacker}`)}`,
      `/auth?client_id=${elsewhere}&response_type=code&redirect_uri=${elsewhere}`,
      `/account/sign-in?return_to=${elsewhere}&redirect_uri=${elsewhere}`,
      `/signed-out?post_logout_redirect_uri=${elsewhere}&return_to=${elsewhere}`,
      `/session/end?post_logout_redirect_uri=${elsewhere}`,
      `/federation/corp/callback?state=x&code=x&iss=${elsewhere}`,
    ]) {
      await page.goto(`${origin('id')}${path}`);
      assert.equal(new URL(page.url()).origin, origin('id'), path);
    }
  });

  await t.test('markup in addresses stays text on every page that echoes it', async () => {
    const watched = await context.newPage();
    const effect = await watch(watched);
    const port = new URL(origin('id')).port;
    const addresses = (text: string) => [
      `https://nobody.${domain}:${port}/${text}`,
      `${origin('wiki')}/.nullius/${text}`,
      `${origin('wiki')}/.nullius/callback?error=${text}&error_description=${text}&state=${text}`,
      `${origin('wiki')}/.nullius/callback?code=${text}&state=${text}&iss=${text}`,
      `${origin('id')}/auth?client_id=${text}&scope=${text}&response_type=${text}`,
      `${origin('id')}/auth?client_id=wiki&response_type=code&scope=${text}&login_hint=${text}&prompt=${text}`,
      `${origin('id')}/interaction/${text}`,
      `${origin('id')}/federation/${text}/callback?error=${text}&error_description=${text}`,
      `${origin('id')}/account?error=${text}#${text}`,
      `${origin('id')}/enrol#${text}`,
      `${origin('console')}/apps/${text}?x=${text}#${text}`,
      `${origin('console')}/events?text=${text}&resource=${text}`,
      `${origin('console')}/why?event=${text}`,
      `${origin('console')}/groups/${text}`,
    ];
    for (const text of markup.slice(0, 2).map(encodeURIComponent)) {
      for (const url of addresses(text)) {
        await watched.goto(url);
        assert.deepEqual(await effect(), harmless, url);
      }
    }
    await watched.close();
  });

  await t.test('markup in names, reasons and labels stays text in the console and on refusal pages', async () => {
    const [name, label, reason, words] = markup as [string, string, string, string];
    await page.goto(origin('console'));
    const made = await page.evaluate(
      async (bodies) => {
        const headers = { 'content-type': 'application/json' };
        const ask = ([path, body]: [string, unknown]) =>
          fetch(`/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }).then((it) => it.status);
        return Promise.all(bodies.map(ask));
      },
      [
        ['groups', { name: 'marked', displayName: name, description: label }],
        ['segments', { name: 'marked', displayName: name, sensitivity: 'low' }],
        ['resources', { name: 'marked', upstream: 'https://example.test', displayName: name, description: label }],
        ['tokens', { label: name, scopes: ['read'], lifetimeMs: 3_600_000 }],
      ] as [string, unknown][],
    );
    assert.deepEqual(made, [201, 201, 201, 201]);
    const invited = await installation.cli('user', 'invite', '--display', name);
    const mallory = installation.person();
    await mallory.enrol(invited.stdout.trim(), { name: 'mallory', displayName: label });
    const refused = await mallory.open(origin('marked'));
    assert.equal(refused.status, 403);
    const asked = await mallory.send(`${origin('marked')}/.nullius/request-access`, {
      form: { reason },
      headers: { 'user-agent': words, accept: 'text/html' },
    });
    assert.equal(asked.status, 202);
    for (const html of [refused.body, asked.body]) {
      for (const text of markup) assert.ok(!html.includes(text), 'escaped');
    }
    const watched = await context.newPage();
    const effect = await watch(watched);
    for (const path of [
      '/apps',
      '/apps/marked',
      '/groups',
      '/groups/marked',
      '/people',
      '/segments',
      '/access',
      '/tokens',
    ]) {
      await watched.goto(`${origin('console')}${path}`);
      await watched.getByText('pwned').first().waitFor({ state: 'attached' });
      assert.deepEqual(await effect(), harmless, path);
    }
    for (const path of ['/', '/events']) {
      await watched.goto(`${origin('console')}${path}`);
      await watched.waitForLoadState('networkidle');
      assert.deepEqual(await effect(), harmless, path);
    }
    await watched.close();
  });

  await t.test('a connection that Chromium shares between hosts serves only the host it was opened for', async () => {
    const fresh = await freshBrowser(near);
    await fresh.page.goto(`${origin('id')}/enrol`);
    assert.equal(await fresh.misdirected(), 0);
    const answer = await fresh.page.goto(`${origin('wiki')}/.nullius/nothing`);
    assert.equal(answer?.status(), 404, 'answered on a connection of its own');
    assert.ok((await fresh.misdirected()) > 0, 'Chromium did share the connection, and was refused');
    await fresh.context.close();
  });

  await t.test('so does one that begins with a form, which is sent again and not lost', async () => {
    const fresh = await freshBrowser(near);
    await fresh.page.goto(`${origin('id')}/enrol`);
    await fresh.page.goto('about:blank');
    const answered = fresh.page.waitForResponse((response) => response.url().startsWith(`${origin('wiki')}/`));
    await fresh.page.setContent(`<form method="post" action="${origin('wiki')}/pay"><input name="a" value="b"></form>`);
    await fresh.page.evaluate('document.forms[0].submit()');
    assert.equal((await answered).status(), 303, 'a stranger is sent to sign in');
    assert.ok((await fresh.misdirected()) > 0);
    await fresh.context.close();
  });

  await t.test('no app ever saw a request for another', () => {
    for (const [name, app] of [
      ['wiki', wiki],
      ['evil', evil],
    ] as const) {
      const hosts = new Set(app.seen.map((seen) => seen.headers['x-forwarded-host']));
      assert.deepEqual([...hosts], [new URL(origin(name)).host]);
    }
  });
});
