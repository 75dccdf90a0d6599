// The console in a real browser against the whole product: every page under its content security policy, and the work
// that people do there.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Installation, startInstallation } from './installation.ts';
import { addAuthenticator, startChromium } from './sign-in-browser.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Set to keep the screenshots that are taken on the way. */
const picturesFolder = process.env['NULLIUS_TEST_PICTURES'];
/** A step that takes longer has failed. */
const stepMsMax = 15_000;
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

let installation: Installation;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the browser complained about, with the page it was on. */
const complaints: string[] = [];

function watch(watched: Page): void {
  watched.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${watched.url()}: ${message.text()}`);
  });
  watched.on('pageerror', (error) => complaints.push(`${watched.url()}: ${error.message}`));
}

/** Chromium reports violations to the console too, but a violation must be seen even if it stops doing so. */
const recordViolations = `
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) =>
    window.violations.push(event.effectiveDirective + ' ' + event.blockedURI));
`;

async function open(path: string): Promise<void> {
  await page.goto(`${installation.consoleOrigin}${path}`);
  await page.locator('h1').first().waitFor();
  await page.locator('[aria-busy="true"]:visible').first().waitFor({ state: 'detached' });
}

async function picture(name: string): Promise<void> {
  if (picturesFolder !== undefined) await page.screenshot({ path: join(picturesFolder, `${name}.png`) });
}

/** Nothing that axe calls serious or worse, in the colours given. */
async function axeFindings(): Promise<string[]> {
  // Injected by the debugger, which the policy of the page does not bind.
  // Colours that are on their way from light to dark are nobody's to read.
  await page.evaluate(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() =>
    Promise.all(document.getAnimations().flatMap((each) =>
      each.effect?.getComputedTiming().endTime === Infinity ? [] : [each.finished.catch(() => undefined)])))
    .then(() => undefined)`);
  await page.evaluate(axeSource);
  const found = await page.evaluate<{ impact: string; id: string; nodes: { html: string }[] }[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations)",
  );
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${page.url()}: ${id}: ${nodes[0]?.html.slice(0, 200)}`);
}

before(async () => {
  if (picturesFolder !== undefined) mkdirSync(picturesFolder, { recursive: true });
  installation = await startInstallation();
  browser = await startChromium('localhost');
  context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 1280, height: 860 } });
  await context.addInitScript(recordViolations);
  page = await context.newPage();
  page.setDefaultTimeout(stepMsMax);
  await addAuthenticator(context, page);
  await page.goto(installation.firstAdministrator);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('ada');
  await page.getByLabel('How others see you').fill('Ada');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await page.getByRole('heading', { name: /You are in/ }).waitFor();
  watch(page);
});

after(async () => {
  await browser?.close();
  await installation?.stop();
  if (installation !== undefined) rmSync(installation.folder, { recursive: true, force: true, maxRetries: 5 });
});

test('the first administrator arrives at an overview that says what now', async () => {
  await open('/');
  await page.getByRole('heading', { name: 'Where to begin' }).waitFor();
  await picture('first-run');
});

test('every page opens without console errors or policy violations, in light and dark', {
  timeout: 240_000,
}, async () => {
  const findings: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const path of pages) {
      await open(path);
      assert.deepEqual(await page.evaluate('window.violations'), [], path);
      findings.push(...(await axeFindings()));
      await picture(`${colorScheme}${path.replaceAll('/', '-')}`);
    }
  }
  assert.deepEqual(findings, []);
  assert.deepEqual(complaints, []);
  await page.emulateMedia({ colorScheme: 'light' });
});

test('nothing is wider than a phone', { timeout: 120_000 }, async () => {
  await page.setViewportSize({ width: 375, height: 760 });
  const wide: string[] = [];
  for (const path of pages) {
    await open(path);
    if (await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth'))
      wide.push(path);
    await picture(`phone${path.replaceAll('/', '-')}`);
  }
  await page.getByRole('button', { name: 'Open navigation' }).click();
  await page.getByRole('dialog').getByRole('link', { name: 'People' }).click();
  await page.getByRole('heading', { name: 'People', level: 1 }).waitFor();
  await page.setViewportSize({ width: 1280, height: 860 });
  assert.deepEqual(wide, []);
});

test('the keyboard skips to the content, and a change of page moves the focus to its heading', async () => {
  await open('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  await page.getByRole('link', { name: 'Groups', exact: true }).first().click();
  await page.getByRole('heading', { name: 'Groups', level: 1 }).waitFor();
  await page.waitForFunction(
    "document.activeElement.textContent === 'Groups' && document.activeElement.tagName === 'H1'",
  );
});

test('an app is added in two fields, and a bad or metadata address is refused in words', async () => {
  await open('/apps');
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
  await open('/people');
  await page.getByRole('button', { name: 'Invite a person' }).click();
  const dialog = page.getByRole('dialog', { name: 'Invite a person' });
  await dialog.getByLabel('Login name').fill('grace');
  await dialog.getByLabel('Full name').fill('Grace <img src=x onerror=alert(1)>');
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  const link = await dialog.getByLabel('Invitation link').inputValue();
  assert.ok(link.startsWith(`${installation.issuer}/enrol#`), link);
  await picture('invited');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('table', { name: 'Open invitations' }).getByText('Grace <img').waitFor();

  const person = await browser.newContext();
  const theirs = await person.newPage();
  await addAuthenticator(person, theirs);
  await theirs.goto(link);
  await theirs.getByRole('button', { name: 'Create a passkey' }).click();
  await theirs.getByRole('heading', { name: /You are in/ }).waitFor();
  await open('/people');
  await page.getByRole('table', { name: 'People' }).getByRole('link', { name: 'grace' }).waitFor();
  assert.equal(await page.locator('img').count(), 0);
  await person.close();
});

test('revoking a session in the console ends it', async () => {
  await open('/people');
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

test('nothing typed into the policy editor is lost, however slow the machine is', { timeout: 60_000 }, async () => {
  await open('/policies');
  const editor = page.getByRole('textbox', { name: /^Text of/ });
  await editor.click();
  await page.keyboard.press('Control+End');
  // Typed between the page's own tasks, where what it shows lags behind what it knows.
  const words = Array.from({ length: 200 }, (_, each) => `word${each}`);
  await page.evaluate(`(async () => {
    for (const word of ${JSON.stringify(words)}) {
      document.execCommand('insertText', false, ' ' + word);
      await new Promise((resolve) => setTimeout(resolve));
    }
  })()`);
  await page.getByRole('heading', { name: 'Problems' }).waitFor();
  assert.ok((await editor.innerText()).includes(words.join(' ')), await editor.innerText());
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await page.locator('button[aria-disabled]:has-text("Publish")').waitFor();
});

test('a policy with a mistake is marked at its place, a good one is published and rolled back', {
  timeout: 150_000,
}, async () => {
  await open('/policies');
  const editor = page.getByRole('textbox', { name: /^Text of/ });
  await editor.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText(
    '\n@id("test-nobody-deletes-demo")\nforbid (principal, action == Action::"delete", resouce);\n',
  );
  await page.getByRole('heading', { name: 'Problems' }).waitFor();
  await picture('policy-problem');
  await page.keyboard.press('Control+z');
  await page.getByText('valid', { exact: false }).first().waitFor();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText(
    '\n@id("test-nobody-deletes-demo")\n@description("Nothing of the demo is deleted.")\nforbid (principal, action == Action::"delete", resource == App::"demo");\n',
  );
  await page.locator('button:not([aria-disabled]):has-text("Publish")').click();
  const dialog = page.getByRole('dialog', { name: 'Publish policies' });
  await dialog.getByText('test-nobody-deletes-demo').waitFor();
  await picture('publish');
  await dialog.getByLabel('What changes, and why').fill('Try the editor');
  await dialog.getByRole('button', { name: 'Publish' }).click();
  // Tests run and invariants are proved first.
  await dialog.waitFor({ state: 'detached', timeout: 100_000 });
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByText('Try the editor').waitFor();
  await picture('history');
  await page.getByRole('button', { name: 'Roll back to no. 1', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
  // The invariants of today are proved first.
  await page.getByRole('row').filter({ hasText: 'active' }).filter({ hasText: /^3/ }).waitFor({ timeout: 60_000 });
  await open('/policies');
  await page.getByRole('textbox', { name: /^Text of/ }).waitFor();
  assert.equal(await page.getByText('test-nobody-deletes-demo').count(), 0);
});

test('a policy goes from shadow to staged to enforced, its tests are shown, and a closed gate opens only with a reason', {
  timeout: 180_000,
}, async () => {
  await open('/policies');
  await page.getByRole('tab', { name: 'States' }).click();
  const states = page.getByRole('table', { name: 'States of policies' });
  const row = states.getByRole('row').filter({ hasText: 'demo-public-page' });
  const change = async (choose: () => Promise<void>) => {
    await row.getByRole('button', { name: 'Change the state of demo-public-page' }).click();
    const dialog = page.getByRole('dialog', { name: 'State of demo-public-page' });
    await choose();
    await dialog.getByRole('button', { name: 'Change state' }).click();
    // Invariants are proved before.
    await dialog.waitFor({ state: 'detached', timeout: 60_000 });
  };
  await change(async () => {
    await page.getByText('shadow', { exact: true }).last().click();
  });
  await row
    .getByText('would have changed nothing')
    .or(row.getByText(/would have let in/))
    .first()
    .waitFor();
  await change(async () => {
    await page.getByText('staged', { exact: true }).last().click();
    await page.getByLabel('Share of subjects in percent').fill('25');
    await picture('policy-state');
  });
  await row.getByText('25% of subjects').waitFor();
  await picture('policy-states');
  assert.deepEqual(await axeFindings(), []);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 844 });
  await picture('policy-states-dark-phone');
  assert.deepEqual(await axeFindings(), []);
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.emulateMedia({ colorScheme: 'light' });
  await change(async () => {
    await page.getByText('enforced', { exact: true }).last().click();
  });
  await page.getByRole('tab', { name: 'Tests' }).click();
  await page.getByText(/passed, 0 failed/).waitFor();
  await page.getByText('100% covered').waitFor();
  await picture('policy-tests');
  assert.deepEqual(await axeFindings(), []);

  await page.getByRole('tab', { name: 'Policies' }).click();
  await page.getByRole('button', { name: '30-demo.cedar' }).click();
  const editor = page.getByRole('textbox', { name: /^Text of/ });
  await editor.click();
  await page.keyboard.press('Control+a');
  // Text typed over a selection would be given its style by the browser, which the policy of the page refuses.
  await page.keyboard.press('Delete');
  await page.keyboard.insertText('@id("demo-public-page")\npermit (principal, action, resource == App::"demo");\n');
  await page.locator('button:not([aria-disabled]):has-text("Publish")').click();
  const dialog = page.getByRole('dialog', { name: 'Publish policies' });
  await dialog.getByLabel('What changes, and why').fill('The demo is for everyone');
  await dialog.getByRole('button', { name: 'Publish' }).click();
  await dialog.getByText(/a gate is closed \(tests/).waitFor({ timeout: 60_000 });
  // The closed gate is a 409, which Chromium notes.
  const noted = complaints.findIndex((complaint) => complaint.endsWith('status of 409 (Conflict)'));
  assert.notEqual(noted, -1);
  complaints.splice(noted, 1);
  await picture('policy-gate');
  assert.deepEqual(await axeFindings(), []);
  await dialog.getByLabel('Publish all the same, because').fill('The demo goes away tonight');
  await dialog.getByRole('button', { name: 'Override and publish' }).click();
  await dialog.waitFor({ state: 'detached', timeout: 60_000 });
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByText('although tests failed: The demo goes away tonight').waitFor();
  await picture('policy-history');
  assert.deepEqual(await axeFindings(), []);
  await page.getByRole('button', { name: 'Roll back to no. 1', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
  await page.getByText('back to publication 1').last().waitFor({ timeout: 60_000 });
});

test('invariants are proved in the console, and a draft without its guards shows a request that gets in', {
  timeout: 180_000,
}, async () => {
  await open('/policies');
  const proofs = page.getByRole('region', { name: 'Proofs' });
  const prove = proofs.getByRole('button', { name: 'Prove the invariants' });
  const slowly = { timeout: 60_000 };
  await prove.click();
  await proofs.getByText('holds', { exact: true }).first().waitFor(slowly);
  await page.getByRole('navigation', { name: 'Policy files' }).getByText('90-guards.cedar').click();
  await page.getByRole('button', { name: 'Remove file' }).click();
  await proofs.getByText('The policies changed since this was asked.').waitFor();
  await prove.click();
  await proofs.getByText('broken', { exact: true }).first().waitFor(slowly);
  await proofs.getByText('principal.status', { exact: true }).first().waitFor();
  await proofs.getByRole('button', { name: 'What do my changes change?' }).click();
  await proofs.getByText('Some requests would be let in that are refused now, and none the other way.').waitFor(slowly);
  await proofs.getByRole('button', { name: 'Find policies that do nothing' }).click();
  await proofs.getByText(/^\d+ of \d+ policies looked at$/).waitFor(slowly);
  await proofs.getByText('Every policy decides something.').waitFor(slowly);
  const findings: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    findings.push(...(await axeFindings()));
    await proofs.scrollIntoViewIfNeeded();
    if (picturesFolder !== undefined)
      await proofs.screenshot({ path: join(picturesFolder, `${colorScheme}-proofs.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 375, height: 760 });
  const isWide = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
  if (picturesFolder !== undefined) await proofs.screenshot({ path: join(picturesFolder, 'phone-proofs.png') });
  await page.setViewportSize({ width: 1280, height: 860 });
  assert.deepEqual([findings, isWide], [[], false]);
  await page.getByRole('button', { name: 'Discard changes' }).click();
});

test('tests and invariants are written, run and proved in the editor, kept as a draft, and published from it', {
  timeout: 240_000,
}, async () => {
  const slowly = { timeout: 60_000 };
  await open('/policies');
  const files = page.getByRole('navigation', { name: 'Policy files' });
  const editor = page.getByRole('textbox', { name: /^Text of/ });
  const add = async (name: string) => {
    await files.getByRole('button', { name: 'New file' }).click();
    await page.getByLabel('File name').fill(name);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('textbox', { name: `Text of ${name}` }).waitFor();
  };
  const write = async (text: string) => {
    await editor.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(text);
  };
  await add('wiki.test.yaml');
  await page.getByText('valid', { exact: true }).waitFor(slowly);
  await page.getByRole('button', { name: 'Run the tests' }).click();
  const tests = page.getByRole('region', { name: 'Tests' });
  await tests.getByText(/passed, 0 failed/).waitFor(slowly);
  await tests.getByText('ada may not read the wiki', { exact: true }).waitFor();
  await write('tests:\n  - nonsense\n');
  await page.getByRole('heading', { name: 'Problems' }).waitFor(slowly);
  await page.getByText('wiki.test.yaml:2', { exact: false }).first().waitFor();
  await page.getByRole('button', { name: 'Remove file' }).click();

  await add('demo.invariants');
  await write('@id("demo-is-shut")\nnever (principal is Anonymous, action, resouce);\n');
  await page.getByText('demo.invariants:2', { exact: false }).first().waitFor(slowly);
  await picture('invariant-problem');
  await write(
    '@id("nobody-deletes-demo")\nnever (principal is Anonymous, action == Action::"delete", resource == App::"demo");\n',
  );
  await page.getByText('valid', { exact: true }).waitFor(slowly);
  const proofs = page.getByRole('region', { name: 'Proofs' });
  await proofs.getByRole('button', { name: 'Prove the invariants' }).click();
  await proofs.getByText('nobody-deletes-demo').waitFor(slowly);

  await page.getByRole('button', { name: 'Save draft' }).click();
  const save = page.getByRole('dialog', { name: 'Save as a draft' });
  await save.getByLabel('Name').fill('demo-guard');
  await save.getByLabel('What it is for').fill('Strangers delete nothing');
  await picture('draft-save');
  await save.getByRole('button', { name: 'Save draft' }).click();
  await save.waitFor({ state: 'detached' });
  // What is kept is not lost by leaving.
  await open('/people');
  await open('/policies');
  assert.equal(await files.getByText('demo.invariants').count(), 0);
  await page.getByRole('button', { name: 'Drafts' }).click();
  const drafts = page.getByRole('dialog', { name: 'Drafts' });
  await drafts.getByText('Strangers delete nothing').waitFor();
  await picture('drafts');
  assert.deepEqual(await axeFindings(), []);
  await drafts.getByRole('button', { name: 'Open demo-guard' }).click();
  await files.getByText('demo.invariants').click();
  await page.getByText('draft demo-guard', { exact: false }).waitFor();
  const findings: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    findings.push(...(await axeFindings()));
    await picture(`${colorScheme}-invariants`);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  const isWide = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
  await picture('phone-invariants');
  await page.getByRole('button', { name: 'Drafts' }).click();
  await drafts.getByText('Strangers delete nothing').waitFor();
  await picture('phone-drafts');
  findings.push(...(await axeFindings()));
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.emulateMedia({ colorScheme: 'light' });
  assert.deepEqual([findings, isWide], [[], false]);

  await page.locator('button:not([aria-disabled]):has-text("Publish")').click();
  const dialog = page.getByRole('dialog', { name: 'Publish policies' });
  await dialog.getByText('demo.invariants').waitFor();
  await dialog.getByLabel('What changes, and why').fill('Guard the demo');
  await dialog.getByRole('button', { name: 'Publish' }).click();
  await dialog.waitFor({ state: 'detached', timeout: 100_000 });
  await page.getByRole('button', { name: 'Drafts' }).click();
  await drafts.getByRole('button', { name: 'Discard demo-guard' }).click();
  await page
    .getByRole('dialog', { name: 'Discard the draft demo-guard?' })
    .getByRole('button', { name: 'Discard' })
    .click();
  await drafts.getByText('No draft is kept').waitFor();
  await page.keyboard.press('Escape');
});

test('a refusal appears live, and why is one link away', { timeout: 60_000 }, async () => {
  const grace = await browser.newContext();
  const theirs = await grace.newPage();
  await open('/events');
  await page.getByText('live', { exact: true }).waitFor();
  await theirs.goto(`${installation.appOrigin('demo')}/public/`);
  const line = page.getByRole('table', { name: 'Live events' }).getByRole('button', { name: /demo/ }).first();
  await line.click();
  const drawer = page.getByRole('dialog', { name: 'Event' });
  await drawer.getByLabel('OCSF event as JSON').waitFor();
  await picture('event');
  await drawer.getByRole('link', { name: 'Why?' }).click();
  await page.getByRole('heading', { name: 'The question and its answer' }).waitFor();
  await picture('why');
  await grace.close();
  await open('/');
  await picture('overview');
  assert.deepEqual(complaints, []);
});
