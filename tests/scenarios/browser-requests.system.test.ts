// What a hostile app's page makes the browser of a signed-in person ask of its neighbours, `id` and `console`: all of them same-site,
// so that no cookie attribute keeps its requests apart from theirs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { domain, secret, startNeighbourhood } from '../neighbourhood.ts';

/** Milliseconds in which a request of the attacker's page has arrived or been refused. */
const settleMs = 400;

interface Forgery {
  readonly url: string;
  readonly body: string;
}

/** Sends `body` to `url` in every way a page can without being asked, and waits until all are through. */
const forge = (page: Page, forgery: Forgery) =>
  page.evaluate(`(async ({ url, body }) => {
    const form = (enctype, target, name, value) => {
      const it = Object.assign(document.createElement('form'), { action: url, method: 'post', enctype, target });
      const field = Object.assign(document.createElement('textarea'), { name, value });
      it.append(field);
      document.body.append(it);
      it.submit();
    };
    const frame = Object.assign(document.createElement('iframe'), { name: 'hidden' });
    document.body.append(frame);
    const asked = [fetch(url, { mode: 'no-cors', credentials: 'include' })];
    const ask = (method, mode, headers, at = url) =>
      asked.push(fetch(at, { method, mode, credentials: 'include', headers, body }));
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
      ask('POST', 'no-cors', { 'content-type': type });
      ask('POST', 'cors', { 'content-type': type });
    }
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      ask(method, 'cors', { 'content-type': 'application/json' });
      ask('POST', 'cors', { 'x-http-method-override': method });
      ask('POST', 'no-cors', {}, url + '?_method=' + method);
    }
    await Promise.allSettled(asked);
    navigator.sendBeacon(url, body);
    navigator.sendBeacon(url, new Blob([body], { type: 'text/plain' }));
    form('text/plain', 'hidden', body.slice(0, -1) + ',"x":"', '"}');
    await new Promise((done) => setTimeout(done, ${settleMs}));
    form('application/x-www-form-urlencoded', 'hidden', 'reason', body);
    form('text/plain', '_blank', body.slice(0, -1) + ',"x":"', '"}');
    form('application/x-www-form-urlencoded', '_blank', 'reason', body);
    await new Promise((done) => setTimeout(done, ${settleMs}));
  })(${JSON.stringify(forgery)})`);

/** Milliseconds after which a frame, which may never say what became of it, is looked at as it is. */
const frameMs = 3_000;

/** Loads `url` into the page by this element and says whether the browser called it a success. */
const embed = (page: Page, element: string, url: string): Promise<string> =>
  page.evaluate(`new Promise((done) => {
    const it = document.createElement(${JSON.stringify(element)});
    it.onload = () => done('load');
    it.onerror = () => done('error');
    if (it.tagName === 'LINK') { it.rel = 'stylesheet'; it.href = ${JSON.stringify(url)}; }
    else if (it.tagName === 'OBJECT') it.data = ${JSON.stringify(url)};
    else it.src = ${JSON.stringify(url)};
    document.body.append(it);
    if (['IFRAME', 'OBJECT', 'EMBED'].includes(it.tagName)) setTimeout(() => done('nothing'), ${frameMs});
  })`);

test('a hostile app’s page acts and reads as nobody at its neighbours', async (t) => {
  const near = await startNeighbourhood(t);
  const { installation, page, context, wiki, origin, whoCame } = near;
  const lured = await near.lure();
  const own = await context.newPage();
  await own.goto(origin('console'));
  /** Everything a forgery could change, as the console shows it. */
  const state = async () => {
    const read =
      await own.evaluate(`Promise.all(['groups', 'sessions', 'grants', 'resources', 'users', 'invitations'].map((it) =>
      fetch('/api/v1/' + it).then((answer) => answer.text())))`);
    return (read as string[]).map((text) =>
      JSON.parse(text.replaceAll(/"(?:lastSeenAt|revision)":\d+,?/g, '').replaceAll(',}', '}')),
    );
  };
  const before = await state();

  await t.test('the console’s API takes nothing from it, in any form', async () => {
    for (const [path, body] of [
      ['groups', { name: 'pwned' }],
      ['invitations', { groups: [], admin: true }],
      ['me/grants', { resource: 'wiki', reason: 'pwned' }],
    ] as const) {
      await forge(lured, { url: `${origin('console')}/api/v1/${path}`, body: JSON.stringify(body) });
    }
    assert.deepEqual(await state(), before);
    const mine = await own.evaluate(`(async () => {
      const headers = { 'content-type': 'application/json' };
      const made = await fetch('/api/v1/groups', { method: 'POST', headers, body: '{"name":"mine"}' });
      const gone = await fetch('/api/v1/groups/mine', { method: 'DELETE' });
      return [made.status, gone.status];
    })()`);
    assert.deepEqual(mine, [201, 204], 'the console’s own page can, so the forgeries failed for their origin');
  });

  await t.test('neither does sign-out, asking for access, nor an app that does not guard itself', async () => {
    for (const path of ['/.nullius/sign-out', '/.nullius/request-access', '/pay'])
      await forge(lured, { url: `${origin('wiki')}${path}`, body: '{"reason":"pwned"}' });
    assert.deepEqual(await state(), before);
    const forged = wiki.seen.filter(
      (seen) => seen.url.startsWith('/pay') && seen.headers['nullius-assertion'] !== undefined,
    );
    assert.deepEqual(
      forged.map(({ method, url }) => `${method} ${url}`),
      [],
    );
  });

  await t.test('nor the sign-in site: no sign-out, no enrolment, no recovery codes', async () => {
    for (const path of ['/account/sign-out', '/account/recovery-codes', '/enrol/passkey'])
      await forge(lured, { url: `${origin('id')}${path}`, body: '{"token":"x"}' });
    assert.deepEqual(await state(), before);
    await page.goto(`${origin('id')}/account`);
    await page.getByRole('heading', { name: 'Ada' }).waitFor();
    await page.getByText('First passkey').waitFor();
  });

  await t.test('the attacker’s own callback and interaction sign nobody in as the attacker', async () => {
    const invited = await installation.cli('user', 'invite', '--admin');
    const mallory = installation.person();
    await mallory.enrol(invited.stdout.trim(), { name: 'mallory' });
    const begun = await mallory.send(`${origin('wiki')}/.nullius/sign-in?return_to=/`);
    const callback = await mallory.authorize(begun.headers.location ?? '');
    const answer = await page.goto(callback);
    assert.ok([400, 410].includes(answer?.status() ?? 0), 'refused: no flow of this browser, or another one');
    const again = await installation.person().send(`${origin('wiki')}/.nullius/sign-in?return_to=/`);
    const interaction = await mallory.send(again.headers.location ?? '');
    await page.goto(`${origin('id')}${new URL(interaction.headers.location ?? '', origin('id')).pathname}`);
    await page.waitForLoadState('networkidle');
    await page.goto(`${origin('wiki')}/`);
    assert.equal(whoCame(wiki), 'ada');
  });

  await t.test('no page of ours can be framed, and no app shows a framing neighbour what the person sees', async () => {
    wiki.answer('/page', { headers: { 'content-type': 'text/html' }, body: `<p>${secret}</p>` });
    const targets = [
      `${origin('console')}/`,
      `${origin('console')}/people`,
      `${origin('console')}/api/v1/me`,
      `${origin('id')}/account`,
      `${origin('id')}/enrol`,
      `${origin('wiki')}/page`,
      `${origin('wiki')}/.nullius/nothing`,
      `${origin('wiki')}/.nullius/sign-in?return_to=/page`,
      `https://nobody.${domain}:${new URL(origin('id')).port}/`,
    ];
    await Promise.all(targets.flatMap((url) => ['iframe', 'object', 'embed'].map((it) => embed(lured, it, url))));
    const shown = lured.frames().filter((frame) => frame !== lured.mainFrame());
    // Asked of the document itself: the driver learns the address of Chromium's own error page later than it sees its text.
    const ask = `[location.href, document.body?.innerText ?? '']`;
    const texts = await Promise.all(shown.map((frame) => frame.evaluate<string[]>(ask).catch(() => ['', ''])));
    assert.ok(shown.length >= targets.length, `only ${shown.length} frames`);
    assert.deepEqual(
      texts.filter(
        ([url, text]) => !`${url}`.startsWith('chrome-error:') && !`${url}`.startsWith('about:') && text !== '',
      ),
      [],
    );
    await lured.reload();
  });

  await t.test('a window it opens on our pages is lost to it, and hears none of its messages', async () => {
    for (const url of [
      `${origin('console')}/`,
      `${origin('id')}/account`,
      `${origin('wiki')}/.nullius/nothing`,
      `https://nobody.${domain}:${new URL(origin('id')).port}/`,
    ]) {
      const opened = context.waitForEvent('page');
      await lured.evaluate(`window.opened = window.open(${JSON.stringify(url)}); undefined`);
      const popup = await opened;
      // the empty document a window begins with has loaded, too: what is asked here is only true of ours
      await popup.waitForURL((it) => it.origin === new URL(url).origin);
      await lured.waitForFunction('window.opened.closed');
      const seen = await lured.evaluate(`(() => {
        window.opened.postMessage({ type: 'sign-in', location: 'https://attacker.example' }, '*');
        return { closed: window.opened.closed, frames: window.opened.length };
      })()`);
      assert.deepEqual(seen, { closed: true, frames: 0 }, url);
      assert.equal(await popup.evaluate('window.opener === null'), true, url);
      assert.equal(new URL(popup.url()).origin, new URL(url).origin);
      await popup.close();
    }
  });

  await t.test('it reads nothing of a neighbour: by fetch, script, style, image, stream or socket', async () => {
    wiki.answer('/data.js', { headers: { 'content-type': 'text/javascript' }, body: `window.leak = '${secret}';` });
    const neighbour = await context.newPage();
    await neighbour.goto(`${origin('wiki')}/`);
    const listen = (by: Page, kind: 'EventSource' | 'WebSocket', url: string) =>
      by.evaluate(`new Promise((done) => {
        const source = new ${kind}(${JSON.stringify(url)}, ${kind === 'EventSource' ? '{ withCredentials: true }' : '[]'});
        source.onmessage = (event) => { source.close(); done(event.data); };
        source.onerror = () => { source.close(); done('refused'); };
      })`);
    const socket = `${origin('wiki').replace('https:', 'wss:')}/socket`;
    assert.equal(await listen(neighbour, 'EventSource', `${origin('wiki')}/events`), secret, 'its own page may');
    assert.equal(await listen(neighbour, 'WebSocket', socket), secret, 'its own page may');
    const reached = wiki.seen.length;
    const accepted = wiki.sockets();
    assert.equal(await listen(lured, 'EventSource', `${origin('wiki')}/events`), 'refused');
    assert.equal(await listen(lured, 'WebSocket', socket), 'refused');
    for (const mode of ['cors', 'no-cors'] as const) {
      const read = await lured.evaluate(
        ([url, how]) =>
          fetch(url, { mode: how as 'cors', credentials: 'include' }).then(
            (it) => it.text(),
            (error) => error.name,
          ),
        [`${origin('wiki')}/secret`, mode] as const,
      );
      assert.equal(read, 'TypeError', mode);
    }
    await Promise.all(
      ['script', 'link', 'img', 'video'].map((element) => embed(lured, element, `${origin('wiki')}/data.js`)),
    );
    assert.equal(await lured.evaluate('window.leak'), undefined);
    assert.deepEqual(
      wiki.seen.slice(reached).map(({ url }) => url),
      [],
      'nothing even reached the app',
    );
    assert.equal(wiki.sockets(), accepted);
  });

  await t.test('an app it may open, one it may not and one that is not there look alike to it', async () => {
    const port = new URL(origin('id')).port;
    const urls = [
      `${origin('wiki')}/secret`,
      `${origin('wiki')}/.nullius/nothing`,
      `https://nobody.${domain}:${port}/`,
    ];
    for (const element of ['script', 'img', 'link']) {
      const outcomes = await Promise.all(urls.map((url) => embed(lured, element, url)));
      assert.deepEqual(
        outcomes,
        urls.map(() => 'error'),
        element,
      );
    }
    const fetched = await Promise.all(
      urls.map((url) =>
        lured.evaluate(
          (each) =>
            fetch(each, { mode: 'no-cors', credentials: 'include' }).then(
              (it) => it.type,
              (error) => error.name,
            ),
          url,
        ),
      ),
    );
    assert.deepEqual(fetched, ['TypeError', 'TypeError', 'TypeError']);
  });
});
