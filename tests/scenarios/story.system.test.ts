// The story people are shown, as they live it: two browsers, the demo, an app with a WebSocket, and the console.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { eventually, protectApp } from '../faults/product.ts';
import { installationFor } from '../installation.ts';
import { startLiveCounter } from '../live-counter.ts';
import { addAuthenticator, startChromium } from '../sign-in-browser.ts';

const shots = process.env['NULLIUS_SCREENSHOTS'];
/** A step that takes longer has failed. */
const stepMsMax = 90_000;

/** Keeps pictures of the page, light and dark, desktop and phone, when a folder is given; says when a phone must scroll sideways. */
async function look(page: Page, name: string): Promise<void> {
  for (const width of [1200, 375]) {
    await page.setViewportSize({ width, height: 800 });
    const isTooWide = await page.evaluate(
      'document.documentElement.scrollWidth > document.documentElement.clientWidth',
    );
    assert.equal(isTooWide, false, `${name} is wider than ${width} px`);
    if (shots === undefined) continue;
    mkdirSync(shots, { recursive: true });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png` });
    }
  }
  await page.setViewportSize({ width: 1200, height: 800 });
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly authenticator: Awaited<ReturnType<typeof addAuthenticator>>;
}

/** A person's own browser, with an authenticator that knows nobody yet. */
async function openBrowser(browser: Browser): Promise<Person> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  context.setDefaultTimeout(stepMsMax);
  const page = await context.newPage();
  return { context, page, authenticator: await addAuthenticator(context, page) };
}

test('a stranger becomes administrator, lets a colleague in, and cuts off what she has open', async (t) => {
  const counter = await startLiveCounter(t);
  const nullius = await installationFor(t);
  const browser = await startChromium('localhost');
  t.after(() => browser.close());
  const demo = nullius.appOrigin('demo');
  const ada = await openBrowser(browser);
  const grace = await openBrowser(browser);
  let invitation = '';

  await t.test('the first administrator enrols by the link', async () => {
    await ada.page.goto(nullius.firstAdministrator);
    await ada.page.getByLabel('Name').first().fill('ada');
    await ada.page.getByLabel('How others see you').fill('Ada');
    await ada.page.getByRole('button', { name: 'Create a passkey' }).click();
    await ada.page.getByRole('heading', { name: 'You are in, Ada' }).waitFor();
  });

  await t.test('the demo: its public page, the one for people, the one for administrators', async () => {
    await ada.page.goto(`${demo}/`);
    await ada.page.getByText('you have not signed in').waitFor();
    await look(ada.page, 'demo-public');
    await ada.page.getByRole('navigation').getByRole('link', { name: 'Signed in' }).click();
    await ada.page.getByRole('heading', { name: 'For everyone signed in' }).waitFor();
    await ada.page.locator('#clock', { hasText: 'UTC' }).waitFor();
    await look(ada.page, 'demo-members');
    await ada.page.getByRole('navigation').getByRole('link', { name: 'Administrators' }).click();
    await ada.page.getByRole('heading', { name: 'For administrators' }).waitFor();
    await look(ada.page, 'demo-administrators');
  });

  await t.test('an invitation from the console, and a second person enrols with it', async () => {
    await ada.page.goto(`${nullius.consoleOrigin}/people`);
    await ada.page.getByRole('button', { name: 'Invite a person' }).click();
    const dialog = ada.page.getByRole('dialog', { name: 'Invite a person' });
    await dialog.getByLabel('Login name').fill('grace');
    await dialog.getByLabel('Full name').fill('Grace');
    await dialog.getByRole('button', { name: 'Make the link' }).click();
    invitation = await dialog.getByLabel('Invitation link').inputValue();
    await grace.page.goto(invitation);
    await grace.page.getByRole('button', { name: 'Create a passkey' }).click();
    await grace.page.getByRole('heading', { name: 'You are in, Grace' }).waitFor();
  });

  await t.test('she opens what everyone may, and is told why not where she may not', async () => {
    await grace.page.goto(`${demo}/members`);
    await grace.page.locator('#clock', { hasText: 'UTC' }).waitFor();
    await grace.page.getByRole('navigation').getByRole('link', { name: 'Administrators' }).click();
    await grace.page.getByRole('heading', { name: 'You may not open this' }).waitFor();
    await grace.page.getByRole('button', { name: 'Request access' }).waitFor();
    await look(grace.page, 'refused');
  });

  await t.test('refused at a new app, she asks for access; once it is approved, the app opens', async () => {
    await protectApp(nullius, { upstream: counter.origin, name: 'counter' });
    await grace.page.goto(nullius.appOrigin('counter'));
    await grace.page.getByRole('heading', { name: 'You may not open this' }).waitFor();
    await look(grace.page, 'refused-requestable');
    await grace.page.getByLabel('Why do you need it?').fill('I count the visitors of the open day');
    await grace.page.getByRole('button', { name: 'Request access' }).click();
    await grace.page.getByRole('heading', { name: 'Access requested' }).waitFor();
    await look(grace.page, 'requested');
    assert.equal(counter.sockets().accepted, 0);

    await ada.page.goto(`${nullius.consoleOrigin}/access`);
    const row = ada.page.getByRole('row').filter({ hasText: 'I count the visitors of the open day' });
    await row.getByRole('button', { name: 'Approve' }).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await ada.page.getByText('Approved.').waitFor();
    const opens = async () => (await grace.page.goto(nullius.appOrigin('counter')))?.status() === 200;
    await eventually(opens, 'the gateway has heard of the grant');
    await grace.page.locator('#state', { hasText: 'open' }).waitFor();
    await grace.page.locator('#count', { hasText: /^[1-9]/ }).waitFor();
  });

  await t.test('her session is revoked: every open page of hers dies and none comes back', async () => {
    const clock = await grace.context.newPage();
    await clock.goto(`${demo}/members`);
    await clock.getByText('The stream is open.').waitFor();
    assert.deepEqual(counter.sockets(), { open: 1, accepted: 1 });

    await ada.page.goto(`${nullius.consoleOrigin}/people`);
    await ada.page.getByRole('table', { name: 'People' }).getByRole('link', { name: 'grace' }).click();
    const sessions = ada.page.getByRole('table', { name: 'Active sessions' });
    await sessions.getByRole('button', { name: /^Revoke/ }).click();
    await ada.page
      .getByRole('dialog', { name: 'Revoke this session?' })
      .getByRole('button', { name: 'Revoke' })
      .click();

    await grace.page.locator('#state', { hasText: 'closed' }).waitFor();
    await clock.locator('#clock.cut').waitFor();
    await clock.getByText('It does not open again').waitFor();
    await look(clock, 'demo-cut');
    // The page goes on trying; five refusals show that it is not merely waiting.
    await grace.page.waitForFunction("Number(document.getElementById('tries').textContent) >= 5");
    assert.deepEqual(counter.sockets(), { open: 0, accepted: 1 });
    await clock.close();
  });

  await t.test('she signs in again with her passkey, and the app is hers again while the grant lasts', async () => {
    await grace.page.goto(`${demo}/members`);
    const button = grace.page.getByRole('button', { name: 'Sign in with a passkey' });
    const inside = grace.page.getByRole('heading', { name: 'For everyone signed in' });
    // The browser's own suggestion of the passkey signs her in without a press, as her authenticator answers at once.
    await button.or(inside).first().waitFor();
    await inside.waitFor();
    await grace.page.goto(nullius.appOrigin('counter'));
    await grace.page.locator('#state', { hasText: 'open' }).waitFor();
  });

  await t.test('the administrator signs out in the console: console and apps ask again', async () => {
    await ada.page.goto(`${demo}/members`);
    await ada.page.getByRole('heading', { name: 'For everyone signed in' }).waitFor();
    await ada.page.goto(nullius.consoleOrigin);
    await ada.authenticator.touch(false);
    await ada.page.getByRole('button', { name: 'Ada', exact: true }).click();
    await ada.page.getByRole('menuitem', { name: 'Sign out' }).click();
    const button = ada.page.getByRole('button', { name: 'Sign in with a passkey' });
    await button.waitFor();
    await look(ada.page, 'sign-in');
    await ada.page.goto(`${demo}/members`);
    await button.waitFor();
    const { stdout } = await nullius.cli('session', 'list', '--user', 'ada', '--json');
    assert.doesNotMatch(stdout, /"active"/);
  });
});
