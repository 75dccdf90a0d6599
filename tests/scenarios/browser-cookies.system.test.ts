// Cookies as a weapon: a hostile app tosses them onto its neighbours, `id` and `console`, or floods the browser with them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { domain, type Neighbourhood, startNeighbourhood } from '../neighbourhood.ts';

const appCookie = '__Host-nullius_app';

/** Every way known to have a browser send a cookie that some server reads as `name`; and who set it. */
function tosses(name: string, value: string): string[] {
  const names = [
    `${name}=${value}`,
    `${name.toLowerCase()}=${value}`,
    `${name.toUpperCase()}=${value}`,
    `=${name}=${value}`,
    `= ${name}=${value}`,
    `${name}`,
    `${name}="${value}"`,
    `"${name}"=${value}`,
    `${name.replace('__Host-', '__Secure-')}=${value}`,
    `${name.replace('__Host-', '')}=${value}`,
    `$Version=1; ${name}=${value}`,
    `$Version=1,${name}=${value}`,
    `x="; ${name}=${value}; y="`,
    // The browser sees no prefix, a server that strips what it calls blank does.
    ...['\u0085', '\u00a0', '\u1680', '\u2000', '\u2028', '\u3000', '\ufeff'].flatMap((blank) => [
      `${blank}${name}=${value}`,
      `${name}${blank}=${value}`,
      `=${blank}${name}=${value}`,
    ]),
  ];
  const places = [`Domain=${domain}; Path=/`, 'Domain=example.test; Path=/', `Domain=.${domain}; Path=/secret`];
  return names.flatMap((pair) => places.map((place) => `${pair}; ${place}; Secure`));
}

const setCookies = (page: Page, lines: readonly string[]) =>
  page.evaluate((each) => {
    const { document } = globalThis as unknown as { document: { cookie: string } };
    for (const line of each) document.cookie = line;
    // Chromium sets cookies behind the page's back; reading waits until it has.
    return document.cookie.length;
  }, lines);

/** `count` cookies of `size` bytes, set by a hostile app's script for the domain that all apps share. */
const flood = (page: Page, { count, size, of = domain }: { count: number; size: number; of?: string }) =>
  setCookies(
    page,
    Array.from({ length: count }, (_, index) => `f${index}=${'x'.repeat(size)}; Domain=${of}; Path=/; Secure`),
  );

/** Opens `wiki` as the victim does, signing in by passkey if asked (the browser's suggestion needs no press). */
async function openWiki({ page, origin }: Neighbourhood): Promise<void> {
  await page.goto(`${origin('wiki')}/`);
  await page.getByRole('heading', { name: 'app', exact: true }).waitFor();
}

test('cookies of a hostile app sign nobody in as somebody else, and lock nobody out', async (t) => {
  const near = await startNeighbourhood(t);
  const { installation, page, context, evil, wiki, origin, whoCame } = near;
  const invited = await installation.cli('user', 'invite', '--admin');
  const mallory = installation.person();
  await mallory.enrol(invited.stdout.trim(), { name: 'mallory' });
  await mallory.open(origin('wiki'));
  await mallory.open(origin('console'));
  assert.equal(whoCame(wiki), 'mallory', 'what is tossed must be worth something');
  const hers = (host: string, name: string) =>
    mallory.cookies(new URL(origin(host)).host).get(name) ?? assert.fail(`no ${name}`);
  await t.test('tossed by script in every spelling, they change nobody’s session at apps, id or console', async () => {
    const lured = await near.lure();
    for (const [host, name] of [
      ['id', '__Host-id_session'],
      ['console', appCookie],
      ['wiki', appCookie],
    ] as const) {
      await setCookies(lured, tosses(name, hers(host, name)));
      const arrived = (await context.cookies(origin(host))).filter((cookie) => cookie.domain.startsWith('.'));
      assert.ok(arrived.length > 10, `only ${arrived.length} were taken by the browser`);
      assert.ok(arrived.every((cookie) => !cookie.name.startsWith('__Host-')));
      for (const path of ['/', '/secret']) {
        await page.goto(`${origin('wiki')}${path}`);
        assert.equal(whoCame(wiki), 'ada');
      }
      await page.goto(`${origin('id')}/account`);
      await page.getByRole('heading', { name: 'Ada' }).waitFor();
      await page.goto(origin('console'));
      await page.getByRole('button', { name: 'Ada', exact: true }).waitFor();
    }
  });

  await t.test('planted before the person signs in, they make nobody of her: she signs in as herself', async () => {
    // The console would notice and go to sign in by itself.
    await page.goto('about:blank');
    await context.clearCookies({ name: appCookie });
    await openWiki(near);
    assert.equal(whoCame(wiki), 'ada', 'by her own session at id');
    await context.clearCookies({ name: /^__Host-/ });
    const before = wiki.seen.length;
    await openWiki(near);
    assert.ok(wiki.seen.slice(before).length > 0);
    assert.equal(whoCame(wiki), 'ada', 'by her passkey');
    await context.clearCookies({ domain: /^\./ });
  });

  await t.test('an app’s answer sets no cookie for the domain, and none of ours', async () => {
    const own = async () => (await context.cookies(origin('evil'))).find((cookie) => cookie.name === appCookie)?.value;
    await page.goto(`${origin('evil')}/`);
    const before = await own();
    const lines = [
      `tossed=1; Domain=${domain}`,
      `tossed2=1; domain=example.test; Path=/`,
      `tossed3=1;DOMAIN =.${domain}`,
      ...tosses(appCookie, 'evil').slice(0, 15),
      `${appCookie}=evil; Path=/; Secure; HttpOnly`,
      `${appCookie}=evil; Path=/; Secure; HttpOnly; Partitioned; SameSite=None`,
      'fine=1; Path=/',
    ];
    evil.answer('/set', { headers: { 'content-type': 'text/html', 'set-cookie': lines } });
    await page.goto(`${origin('evil')}/set`);
    const held = await context.cookies([origin('evil'), origin('wiki'), origin('id'), 'https://example.test']);
    assert.deepEqual(
      held.filter((cookie) => cookie.domain.startsWith('.')),
      [],
    );
    assert.ok(held.some((cookie) => cookie.name === 'fine'));
    assert.equal(await own(), before);
    assert.equal(held.filter((cookie) => cookie.domain === `evil.${domain}` && cookie.name === appCookie).length, 1);
  });

  await t.test('partitioned twins that a script sets at its own app do not lock people out of it', async () => {
    await openWiki(near);
    for (const name of [appCookie, '__Host-nullius_flow'])
      await setCookies(page, [`${name}=twin; Path=/; Secure; SameSite=None; Partitioned`]);
    const held = (await context.cookies(origin('wiki'))).filter((cookie) => cookie.name === appCookie);
    assert.equal(held.length, 2, 'the twin must have been set');
    await openWiki(near);
    assert.equal(whoCame(wiki), 'ada');
  });

  await t.test('160 small cookies for the domain lock nobody out of anything', async () => {
    const lured = await near.lure();
    await flood(lured, { count: 160, size: 10 });
    const flooded = (await context.cookies(origin('id'))).filter((cookie) => cookie.domain === `.${domain}`).length;
    assert.equal(flooded, 160, 'the browser must have kept them all');
    await openWiki(near);
    await page.goto(`${origin('id')}/account`);
    await page.getByRole('heading', { name: 'Ada' }).waitFor();
    await page.goto(origin('console'));
    await page.getByRole('button', { name: 'Ada', exact: true }).waitFor();
    await page.goto('about:blank');
    await context.clearCookies({ domain: `.${domain}` });
  });

  await t.test('more bytes of cookies than apps take: a page says so, and the browser forgets them', async () => {
    const lured = await near.lure();
    await flood(lured, { count: 5, size: 4000 });
    const answer = await page.goto(origin('console'));
    assert.equal(answer?.status(), 431);
    await page.getByRole('heading', { name: 'Too many cookies' }).waitFor();
    await openWiki(near);
    assert.equal(whoCame(wiki), 'ada');
  });

  await t.test('a background request that is refused for its cookies has nothing forgotten', async () => {
    const lured = await near.lure();
    await flood(page, { count: 5, size: 4000 });
    const status = await lured.evaluate(async () => (await fetch('/x')).status);
    assert.equal(status, 431);
    const names = (await context.cookies(origin('id'))).map((cookie) => cookie.name);
    assert.ok(names.includes('__Host-id_session'));
    assert.ok(names.includes('f0'));
  });
});

test('where apps have a domain of their own, no flood from them reaches id or console', async (t) => {
  const appsDomain = 'apps.test';
  const near = await startNeighbourhood(t, { appsDomain });
  const { page, context, origin } = near;
  const lured = await near.lure();
  await flood(lured, { count: 40, size: 4000, of: appsDomain });
  await setCookies(lured, [`near=1; Domain=${domain}`, 'near=1; Domain=example.test', 'near=1; Domain=test']);
  await assert.rejects(page.goto(`${origin('wiki')}/`), /ERR_/, 'what a flood of bytes does to its own domain');
  // Chromium goes to its error page after it has said so, and would break off what is opened meanwhile.
  await page.waitForURL('chrome-error://chromewebdata/');
  await page.goto(`${origin('id')}/account`);
  await page.getByRole('heading', { name: 'Ada' }).waitFor();
  await page.goto(origin('console'));
  await page.getByRole('button', { name: 'Ada', exact: true }).waitFor();
  const held = await context.cookies([origin('id'), origin('console')]);
  assert.ok(held.every((cookie) => cookie.name.startsWith('__Host-')));
});
