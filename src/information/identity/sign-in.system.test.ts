import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createInvitation } from '#information/identity';
import { loadPages } from '#shell/control/identity';
import { type IdentityInstallation, openInstallation, testApp } from '../../../tests/identity-installation.ts';
import { addAuthenticator, startChromium, startTls } from '../../../tests/sign-in-browser.ts';

/** Several labels, so that sibling hosts are same-site, as in real installations. */
const domain = 'nullius.example.test';
const shots = process.env['NULLIUS_SCREENSHOTS'];

let site: IdentityInstallation;
let chromium: Browser;
let tls: Awaited<ReturnType<typeof startTls>>;
let context: BrowserContext;
let page: Page;
let authenticator: Awaited<ReturnType<typeof addAuthenticator>>;
const refusedByPolicy: string[] = [];

before(async () => {
  tls = await startTls(domain);
  const pages = loadPages(resolve('console/dist'));
  assert.ok(pages.page(), 'the pages are not built: run npm ci');
  site = await openInstallation({
    urls: { domain, appsDomain: domain, scheme: 'https', port: tls.port },
    needs: { page: pages.page, asset: pages.asset },
  });
  await site.store.commit([{ kind: 'resource', id: 'evil', body: { ...testApp, displayName: 'Evil' } }]);
  tls.serve(serve);
  chromium = await startChromium(domain);
  context = await chromium.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1200, height: 800 } });
  page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') refusedByPolicy.push(message.text());
  });
  authenticator = await addAuthenticator(context, page);
});
after(async () => {
  await chromium?.close();
  await site?.close();
  tls?.server.closeAllConnections();
  tls?.server.close();
});

const origin = (host: string) => `https://${host}.${domain}:${tls.port}`;

/** What the gateway does on app hosts, as far as signing in goes; `evil` is an app that attacks its siblings. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const host = (request.headers.host ?? '').split('.')[0] ?? '';
  if (host === 'id') {
    site.identity.site(request, response);
    return;
  }
  if (host === 'evil') {
    response.setHeader('set-cookie', [
      `session=tossed; Domain=${domain}; Path=/; Secure`,
      `__Host-id_session=tossed; Domain=${domain}; Path=/; Secure`,
      `__Host-id_session=tossed; Path=/; Secure`,
      `interaction=tossed; Domain=${domain}; Path=/interaction; Secure`,
    ]);
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>evil</title>');
    return;
  }
  signInAt(host, { request, response }).catch((error: unknown) => {
    response.statusCode = 500;
    response.end(String(error));
  });
}

async function signInAt(resource: string, exchange: { request: IncomingMessage; response: ServerResponse }) {
  const { request, response } = exchange;
  const url = new URL(request.url ?? '/', origin(resource));
  const cookies = new Map(
    (request.headers.cookie ?? '').split('; ').map((pair) => pair.split('=') as [string, string]),
  );
  if (url.pathname === '/.nullius/callback') {
    const flow = cookies.get('__Host-nullius_flow') ?? '';
    const given = { resource, callbackUrl: url.href, flow, userAgent: '', address: '127.0.0.1' };
    const { cookie, returnTo } = await site.identity.finishSignIn(given);
    response.setHeader('set-cookie', `__Host-nullius_app=${cookie}; Path=/; Secure; HttpOnly; SameSite=Lax`);
    response.writeHead(303, { location: returnTo }).end();
  } else if (cookies.has('__Host-nullius_app') && !url.searchParams.has('fresh')) {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Wiki</title><h1>Signed in</h1>');
  } else {
    const fresh = url.searchParams.has('fresh');
    const begun = await site.identity.beginSignIn({ resource, returnTo: '/page', fresh });
    response.setHeader('set-cookie', `__Host-nullius_flow=${begun.flow}; Path=/; Secure; HttpOnly; SameSite=Lax`);
    response.writeHead(303, { location: begun.location }).end();
  }
}

/** Takes screenshots of the page as it stands, light and dark, desktop and phone, when a folder for them is given. */
async function look(name: string): Promise<void> {
  if (shots === undefined) return;
  mkdirSync(shots, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const [device, width] of [
      ['desktop', 1200],
      ['phone', 390],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.screenshot({ path: `${shots}/${name}-${colorScheme}-${device}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1200, height: 800 });
}

test('the first administrator enrols by the link, adds a second passkey and makes recovery codes', async () => {
  const request = { groups: [], admin: true };
  const { url } = await createInvitation(site.core, { request, by: 'Workload::"local-operator"' });
  await page.goto(url);
  await page.getByRole('heading', { name: 'Become an administrator' }).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the token must leave the address bar');
  await look('enrol');
  await page.getByLabel('Name', { exact: false }).first().fill('ada');
  await page.getByLabel('How others see you').fill('Ada Lovelace');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'You are in, Ada Lovelace' }).waitFor();
  await page.getByRole('button', { name: 'Make recovery codes' }).click();
  await page.getByRole('button', { name: 'Copy all' }).waitFor();
  assert.equal(await page.locator('.gate-codes li').count(), 10);
  await look('welcome');
  const [[, user] = assert.fail()] = site.core.store.facts().all('user');
  assert.deepEqual(user.groups, ['everyone', 'administrators']);
});

test('signed in at the sign-in site, an app opens without asking', async () => {
  await page.goto(`${origin('wiki')}/page`);
  await page.getByRole('heading', { name: 'Signed in' }).waitFor();
});

test('the account page shows passkeys and this session, and works by keyboard', async () => {
  await page.goto(`${origin('id')}/account`);
  await page.getByRole('heading', { name: 'Ada Lovelace' }).waitFor();
  await page.getByText('First passkey').waitFor();
  await page.getByText('this one').waitFor();
  await look('account');
});

test('cookies a hostile sibling app tosses onto the sign-in site change nothing', async () => {
  await page.goto(origin('evil'));
  await page.goto(`${origin('id')}/account`);
  await page.getByRole('heading', { name: 'Ada Lovelace' }).waitFor();
  const held = await context.cookies(origin('id'));
  assert.ok(
    held.some((cookie) => cookie.name === 'session' && cookie.value === 'tossed'),
    'the toss must have arrived',
  );
  const own = held.filter((cookie) => cookie.name === '__Host-id_session');
  assert.equal(own.length, 1);
  assert.notEqual(own[0]?.value, 'tossed');
});

test('an app host cannot ask for an assertion of the sign-in site: its RP ID is not theirs', async () => {
  await page.goto(`${origin('wiki')}/page`);
  // In the page's own words: these types are the browser's, not Node's.
  const outcome = await page.evaluate(`
    navigator.credentials.get({ publicKey: { rpId: 'id.${domain}', challenge: new Uint8Array(32) } })
      .then(() => 'given', (error) => error.name)`);
  assert.equal(outcome, 'SecurityError');
});

test('an app host cannot frame the sign-in site', async () => {
  await page.goto(`${origin('wiki')}/page`);
  const loaded = await page.evaluate(`(async () => {
    const frame = document.createElement('iframe');
    frame.src = '${origin('id')}/account';
    document.body.append(frame);
    await new Promise((done) => frame.addEventListener('load', done));
    try { return frame.contentDocument?.body.textContent ?? 'blocked'; } catch { return 'blocked'; }
  })()`);
  assert.ok(!String(loaded).includes('Ada'));
  assert.ok(page.frames().every((frame) => !frame.url().includes('/account')));
});

test('a page of an app host cannot post to the sign-in site in the name of its user', async () => {
  await page.goto(`${origin('wiki')}/page`);
  await page.evaluate(
    async (target) => {
      await fetch(target, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' }).catch(() => {});
    },
    `${origin('id')}/account/sign-out`,
  );
  const active = [...site.core.store.facts().all('session')].filter(([, session]) => session.status === 'active');
  assert.equal(active.length, 1);
});

test('a fresh proof is asked for and given by passkey', async () => {
  await page.goto(`${origin('wiki')}/page?fresh`);
  await page.getByRole('heading', { name: 'Is it you, Ada Lovelace?' }).waitFor();
  await look('confirm');
  await page.getByRole('button', { name: 'Confirm with a passkey' }).click();
  await page.getByRole('heading', { name: 'Signed in' }).waitFor();
});

test('signing out on the account page, then signing in again by passkey alone', async () => {
  await page.goto(`${origin('id')}/account`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await look('signed-out');
  await context.clearCookies({ name: '__Host-nullius_app' });
  await authenticator.touch(false);
  await page.goto(`${origin('wiki')}/page`);
  const signedIn = page.getByRole('heading', { name: 'Signed in' });
  const button = page.getByRole('button', { name: 'Sign in with a passkey' });
  await button.waitFor();
  await look('sign-in');
  await authenticator.touch(true);
  await page.reload();
  // The browser's suggestion (conditional mediation) may sign in before anybody presses.
  await button.or(signedIn).first().waitFor();
  await button.click({ timeout: 2000 }).catch(() => {});
  await signedIn.waitFor();
});

test('a used link says so', async () => {
  await page.goto(`${origin('id')}/enrol#used-or-made-up`);
  await page.reload();
  await page.getByRole('heading', { name: 'This link does not work' }).waitFor();
  await look('used-link');
});

test('no page broke its content security policy', () => {
  assert.deepEqual(
    refusedByPolicy.filter((text) => text.includes('Content Security Policy') && !text.includes('frame-ancestors')),
    [],
  );
  assert.deepEqual(site.errors, []);
});
