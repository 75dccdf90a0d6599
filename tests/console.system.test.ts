// The console in a real browser against the whole product: every page under its content security policy, and the work
// that people do there.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { ConsoleVisit, desktop, phone } from './console-visit.ts';
import { addAuthenticator } from './sign-in-browser.ts';
import { makeCertificate } from './test-certificate.ts';

const pages = [
  '/',
  '/events',
  '/apps',
  '/apps/demo',
  '/segments',
  '/people',
  '/groups',
  '/groups/administrators',
  '/sessions',
  '/tokens',
  '/gateways',
  '/pdp',
  '/keys',
  '/policies',
  '/why',
  '/who-can',
  '/access',
  '/my-apps',
  '/no-such-page',
];

let visit: ConsoleVisit;
let page: Page;

before(async () => {
  visit = await ConsoleVisit.begin();
  page = visit.page;
});

after(async () => {
  await visit?.end();
});

test('the first administrator arrives at an overview that says what now', async () => {
  await visit.open('/');
  await page.getByRole('heading', { name: 'Where to begin' }).waitFor();
  await visit.picture('first-run');
});

test('every page opens without console errors or policy violations, in light and dark', {
  timeout: 240_000,
}, async () => {
  const findings: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const path of pages) {
      await visit.open(path);
      assert.deepEqual(await page.evaluate('window.violations'), [], path);
      findings.push(...(await visit.axeFindings()));
      await visit.picture(`${colorScheme}${path.replaceAll('/', '-')}`);
    }
  }
  assert.deepEqual(findings, []);
  assert.deepEqual(visit.complaints, []);
  await page.emulateMedia({ colorScheme: 'light' });
});

test('nothing is wider than a phone', { timeout: 240_000 }, async () => {
  await page.setViewportSize(phone);
  const wide: string[] = [];
  for (const path of pages) {
    await visit.open(path);
    if (await visit.isWiderThanWindow()) wide.push(path);
    await visit.picture(`phone${path.replaceAll('/', '-')}`);
  }
  await page.getByRole('button', { name: 'Open navigation' }).click();
  await page.getByRole('dialog').getByRole('link', { name: 'People' }).click();
  await page.getByRole('heading', { name: 'People', level: 1 }).waitFor();
  await page.setViewportSize(desktop);
  assert.deepEqual(wide, []);
});

test('the keyboard skips to the content, and a change of page moves the focus to its heading', async () => {
  await visit.open('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to content');
  await page.keyboard.press('Enter');
  await page.waitForFunction("document.activeElement.id === 'main'");
  await page.getByRole('link', { name: 'Groups', exact: true }).first().click();
  await page.getByRole('heading', { name: 'Groups', level: 1 }).waitFor();
  await page.waitForFunction(
    "document.activeElement.textContent === 'Groups' && document.activeElement.tagName === 'H1'",
  );
});

test('an app is added in two fields, and a bad or metadata address is refused in words', async () => {
  await visit.open('/apps');
  await page.getByRole('button', { name: 'Add an app' }).first().click();
  const form = page.getByRole('form', { name: 'Add an app' });
  await form.getByLabel('Name').fill('wiki');
  await form.getByLabel('Where it runs').fill('http://169.254.169.254');
  await form.getByText('Nullius never connects there').waitFor();
  assert.equal(await form.getByRole('button', { name: 'Protect this app' }).isDisabled(), true);
  await form.getByLabel('Where it runs').fill('http://127.0.0.1:9');
  await form.getByRole('button', { name: 'Protect this app' }).click();
  await page.getByRole('heading', { name: 'wiki', level: 1 }).waitFor();
  await page.getByText('http://127.0.0.1:9').first().waitFor();
});

test('an invitation shows its link once, and a name that is markup stays text', async () => {
  await visit.open('/people');
  await page.getByRole('button', { name: 'Invite a person' }).click();
  const dialog = page.getByRole('dialog', { name: 'Invite a person' });
  await dialog.getByLabel('Login name').fill('grace');
  await dialog.getByLabel('Full name').fill('Grace <img src=x onerror=alert(1)>');
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  const link = await dialog.getByLabel('Invitation link').inputValue();
  assert.ok(link.startsWith(`${visit.installation.issuer}/enrol#`), link);
  await visit.picture('invited');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('table', { name: 'Open invitations' }).getByText('Grace <img').waitFor();

  const person = await visit.browser.newContext();
  const theirs = await person.newPage();
  await addAuthenticator(person, theirs);
  await theirs.goto(link);
  await theirs.getByRole('button', { name: 'Create a passkey' }).click();
  await theirs.getByRole('heading', { name: /You are in/ }).waitFor();
  // Who administers nothing arrives at what is theirs, and sees no places that are closed to them.
  await theirs.getByRole('link', { name: 'Continue to the console' }).click();
  await theirs.getByRole('heading', { name: 'My apps', level: 1 }).waitFor();
  assert.deepEqual(await theirs.locator('.side .nav-link').allTextContents(), ['My apps']);
  await visit.open('/people');
  await page.getByRole('table', { name: 'People' }).getByRole('link', { name: 'grace' }).waitFor();
  assert.equal(await page.locator('img').count(), 0);
  await person.close();
});

test('revoking a session in the console ends it', async () => {
  await visit.open('/people');
  await page.getByRole('table', { name: 'People' }).getByRole('link', { name: 'grace' }).click();
  const sessions = page.getByRole('table', { name: 'Active sessions' });
  await sessions
    .getByRole('button', { name: /^Revoke/ })
    .first()
    .click();
  const dialog = page.getByRole('dialog', { name: 'Revoke this session?' });
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Not signed in').waitFor();
});

test('a caller of the PDP is known by its certificate, and the key beside it is not sent', async () => {
  const { cert, key } = await makeCertificate(['reports.example.com']);
  const sent: string[] = [];
  page.on('request', (request) => sent.push(request.postData() ?? ''));
  await visit.open('/pdp');
  await page.getByRole('link', { name: 'Add a caller' }).click();
  await page.getByRole('button', { name: 'Create a token' }).click();
  const dialog = page.getByRole('dialog', { name: 'Create a token' });
  await dialog.getByLabel('What uses it').fill('the reports of wiki');
  await dialog.getByRole('combobox', { name: 'What it may do' }).fill('pdp:app:wiki');
  await dialog.getByRole('option', { name: 'pdp:app:wiki', exact: true }).click();
  const field = dialog.getByLabel('Its certificate, instead of a token');
  await field.fill(key);
  await dialog.getByText('There is no certificate in it').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Create', exact: true }).isDisabled(), true);
  await field.fill(key + cert);
  assert.doesNotMatch(await field.inputValue(), /PRIVATE KEY/);
  await visit.picture('caller-certificate');
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await dialog.getByText('Whoever shows a certificate of this key may ask').waitFor();
  await visit.picture('caller-made');
  await dialog.getByRole('link', { name: 'PDP' }).click();
  const line = page.getByRole('table', { name: 'Callers' }).getByRole('row', { name: /the reports of wiki/ });
  await line.getByText('a certificate').waitFor();
  assert.ok(sent.some((body) => body.includes('BEGIN CERTIFICATE')));
  assert.ok(!sent.some((body) => body.includes('PRIVATE KEY')));
});

test('a refusal appears live, and why is one link away', { timeout: 240_000 }, async () => {
  const grace = await visit.browser.newContext();
  const theirs = await grace.newPage();
  await visit.open('/events');
  await page.getByText('live', { exact: true }).waitFor();
  await theirs.goto(`${visit.installation.appOrigin('demo')}/public/`);
  const line = page.getByRole('table', { name: 'Live events' }).getByRole('button', { name: /demo/ }).first();
  await line.click();
  const drawer = page.getByRole('dialog', { name: 'Event' });
  await drawer.getByLabel('OCSF event as JSON').waitFor();
  await visit.picture('event');
  await drawer.getByRole('link', { name: 'Why?' }).click();
  await page.getByRole('heading', { name: 'The question and its answer' }).waitFor();
  await visit.picture('why');
  await grace.close();
  await visit.open('/');
  await visit.picture('overview');
  assert.deepEqual(visit.complaints, []);
});
