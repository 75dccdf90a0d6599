// Writing, testing, proving, staging and publishing policies in the console, in a real browser against the whole product.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { ConsoleVisit, desktop, phone } from './console-visit.ts';

let visit: ConsoleVisit;
let page: Page;

before(async () => {
  visit = await ConsoleVisit.begin();
  page = visit.page;
});

after(async () => {
  await visit?.end();
});

/** The policy editor, with the cursor behind all of its text. */
async function openEditor() {
  await visit.open('/policies');
  const editor = page.getByRole('textbox', { name: /^Text of/ });
  await editor.click();
  await page.keyboard.press('Control+End');
  return editor;
}

test('nothing typed into the policy editor is lost, however slow the machine is', { timeout: 240_000 }, async () => {
  const editor = await openEditor();
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

test('a group that is not there is marked where a policy names it, with the one that was meant', {
  timeout: 240_000,
}, async () => {
  await openEditor();
  await page.keyboard.insertText(
    '\n@id("typo")\nforbid (principal in Group::"adminstrators", action == Action::"delete", resource == App::"demo");\n',
  );
  await page.getByText('valid, 1 warning', { exact: true }).waitFor();
  await page.getByText('and there is no such group now').waitFor();
  await page.getByText('did you mean Group::"administrators"?').waitFor();
  await page.locator('.cm-lintRange-warning').filter({ hasText: 'Group' }).waitFor();
  await visit.picture('policy-missing-group');
  await page.keyboard.press('Control+z');
  await page.getByText('valid', { exact: true }).waitFor();
});

test('a policy with a mistake is marked at its place, a good one is published and rolled back', {
  timeout: 400_000,
}, async () => {
  await openEditor();
  await page.keyboard.insertText(
    '\n@id("test-nobody-deletes-demo")\nforbid (principal, action == Action::"delete", resouce);\n',
  );
  await page.getByRole('heading', { name: 'Problems' }).waitFor();
  await visit.picture('policy-problem');
  await page.keyboard.press('Control+z');
  await page.getByText('valid', { exact: false }).first().waitFor();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText(
    '\n@id("test-nobody-deletes-demo")\n@description("Nothing of the demo is deleted.")\nforbid (principal, action == Action::"delete", resource == App::"demo");\n',
  );
  await page.locator('button:not([aria-disabled]):has-text("Publish")').click();
  const dialog = page.getByRole('dialog', { name: 'Publish policies' });
  await dialog.getByText('test-nobody-deletes-demo').waitFor();
  await visit.picture('publish');
  await dialog.getByLabel('What changes, and why').fill('Try the editor');
  await dialog.getByRole('button', { name: 'Publish' }).click();
  // Tests run and invariants are proved first.
  await dialog.waitFor({ state: 'detached', timeout: 120_000 });
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByText('Try the editor').waitFor();
  await visit.picture('history');
  await page.getByRole('button', { name: 'Roll back to no. 1', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
  // The invariants of today are proved first.
  await page.getByRole('row').filter({ hasText: 'active' }).filter({ hasText: /^3/ }).waitFor({ timeout: 120_000 });
  await visit.open('/policies');
  await page.getByRole('textbox', { name: /^Text of/ }).waitFor();
  assert.equal(await page.getByText('test-nobody-deletes-demo').count(), 0);
});

test('a policy goes from shadow to staged to enforced, its tests are shown, and a closed gate opens only with a reason', {
  timeout: 400_000,
}, async () => {
  await visit.open('/policies');
  await page.getByRole('tab', { name: 'States' }).click();
  const states = page.getByRole('table', { name: 'States of policies' });
  const row = states.getByRole('row').filter({ hasText: 'demo-public-page' });
  const dialog = page.getByRole('dialog', { name: 'State of demo-public-page' });
  // Asked of the dialog: the table behind it has the same words.
  const choose = (state: string) => dialog.getByText(state, { exact: true }).click();
  const change = async (fill: () => Promise<void>) => {
    await row.getByRole('button', { name: 'Change the state of demo-public-page' }).click();
    await fill();
    await dialog.getByRole('button', { name: 'Change state' }).click();
    // Invariants are proved before.
    await dialog.waitFor({ state: 'detached', timeout: 120_000 });
  };
  await change(() => choose('shadow'));
  await row
    .getByText('would have changed nothing')
    .or(row.getByText(/would have let in/))
    .first()
    .waitFor();
  await change(async () => {
    await choose('staged');
    await page.getByLabel('Share of subjects in percent').fill('25');
    await visit.picture('policy-state');
  });
  await row.getByText('25% of subjects').waitFor();
  await visit.picture('policy-states');
  assert.deepEqual(await visit.axeFindings(), []);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize(phone);
  await visit.picture('policy-states-dark-phone');
  assert.deepEqual(await visit.axeFindings(), []);
  await page.setViewportSize(desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  await change(() => choose('enforced'));
  await page.getByRole('tab', { name: 'Tests' }).click();
  await page.getByText(/passed, 0 failed/).waitFor();
  await page.getByText('100% covered').waitFor();
  await visit.picture('policy-tests');
  assert.deepEqual(await visit.axeFindings(), []);

  await page.getByRole('tab', { name: 'Policies' }).click();
  await page.getByRole('button', { name: '30-demo.cedar' }).click();
  const editor = page.getByRole('textbox', { name: /^Text of/ });
  await editor.click();
  await page.keyboard.press('Control+a');
  // Text typed over a selection would be given its style by the browser, which the policy of the page refuses.
  await page.keyboard.press('Delete');
  await page.keyboard.insertText('@id("demo-public-page")\npermit (principal, action, resource == App::"demo");\n');
  await page.locator('button:not([aria-disabled]):has-text("Publish")').click();
  const publish = page.getByRole('dialog', { name: 'Publish policies' });
  await publish.getByLabel('What changes, and why').fill('The demo is for everyone');
  await publish.getByRole('button', { name: 'Publish' }).click();
  await publish.getByText('A gate is closed').waitFor({ timeout: 120_000 });
  assert.equal(await publish.getByText(/the demo is open to everyone who has signed in/).count(), 1, 'told once');
  await visit.picture('policy-gate');
  assert.deepEqual(await visit.axeFindings(), []);
  await publish.getByLabel('Publish all the same, because').fill('The demo goes away tonight');
  await publish.getByRole('button', { name: 'Override and publish' }).click();
  await publish.waitFor({ state: 'detached', timeout: 120_000 });
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByText('although tests failed: The demo goes away tonight').waitFor();
  await visit.picture('policy-history');
  assert.deepEqual(await visit.axeFindings(), []);
  await page.getByRole('button', { name: 'Roll back to no. 1', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
  // Whoever leaves earlier calls it off.
  await page.getByRole('row').filter({ hasText: 'active' }).filter({ hasText: /^8/ }).waitFor({ timeout: 120_000 });
});

test('invariants are proved in the console, and a draft without its guards shows a request that gets in', {
  timeout: 400_000,
}, async () => {
  await visit.open('/policies');
  const proofs = page.getByRole('region', { name: 'Proofs' });
  const prove = proofs.getByRole('button', { name: 'Prove the invariants' });
  const slowly = { timeout: 120_000 };
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
  // Told one by one, as by a slow line: a browser that is late is told everything at once, and shows only the last of it.
  await page.evaluate(`window.fetch = new Proxy(window.fetch, {
    async apply(fetch, self, asked) {
      const answer = await Reflect.apply(fetch, self, asked);
      if (!String(asked[0]).endsWith('/policies/analyse')) return answer;
      const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const oneByOne = new TransformStream({
        async transform(chunk, told) {
          for (const each of chunk.split(/(?<=\\n\\n)/)) {
            told.enqueue(each);
            await drawn();
          }
        },
      });
      const parts = [new TextDecoderStream(), oneByOne, new TextEncoderStream()];
      return new Response(parts.reduce((body, part) => body.pipeThrough(part), answer.body), answer);
    },
  })`);
  await page.evaluate(`window.progress = new Set(); new MutationObserver(() => {
    for (const said of document.body.textContent.match(/\\d+ of \\d+ policies looked at/g) ?? []) window.progress.add(said);
  }).observe(document.body, { subtree: true, childList: true, characterData: true })`);
  await proofs.getByRole('button', { name: 'Find policies that do nothing' }).click();
  await proofs.getByText('Every policy decides something.').waitFor(slowly);
  assert.notEqual(await page.evaluate('window.progress.size'), 0, 'it says how far it is');
  const findings: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    findings.push(...(await visit.axeFindings()));
    await proofs.scrollIntoViewIfNeeded();
    await visit.picture(`${colorScheme}-proofs`, proofs);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(phone);
  const isWide = await visit.isWiderThanWindow();
  await visit.picture('phone-proofs', proofs);
  await page.setViewportSize(desktop);
  assert.deepEqual([findings, isWide], [[], false]);
  await page.getByRole('button', { name: 'Discard changes' }).click();
});

test('tests and invariants are written, run and proved in the editor, kept as a draft, and published from it', {
  timeout: 400_000,
}, async () => {
  const slowly = { timeout: 120_000 };
  await visit.open('/policies');
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
  await visit.picture('invariant-problem');
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
  await visit.picture('draft-save');
  await save.getByRole('button', { name: 'Save draft' }).click();
  await save.waitFor({ state: 'detached' });
  // What is kept is not lost by leaving.
  await visit.open('/people');
  await visit.open('/policies');
  assert.equal(await files.getByText('demo.invariants').count(), 0);
  await page.getByRole('button', { name: 'Drafts' }).click();
  const drafts = page.getByRole('dialog', { name: 'Drafts' });
  await drafts.getByText('Strangers delete nothing').waitFor();
  await visit.picture('drafts');
  assert.deepEqual(await visit.axeFindings(), []);
  await drafts.getByRole('button', { name: 'Open demo-guard' }).click();
  await files.getByText('demo.invariants').click();
  await page.getByText('draft demo-guard', { exact: false }).waitFor();
  const findings: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    findings.push(...(await visit.axeFindings()));
    await visit.picture(`${colorScheme}-invariants`);
  }
  await page.setViewportSize(phone);
  const isWide = await visit.isWiderThanWindow();
  await visit.picture('phone-invariants');
  await page.getByRole('button', { name: 'Drafts' }).click();
  await drafts.getByText('Strangers delete nothing').waitFor();
  await visit.picture('phone-drafts');
  findings.push(...(await visit.axeFindings()));
  await page.keyboard.press('Escape');
  await page.setViewportSize(desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  assert.deepEqual([findings, isWide], [[], false]);

  await page.locator('button:not([aria-disabled]):has-text("Publish")').click();
  const dialog = page.getByRole('dialog', { name: 'Publish policies' });
  await dialog.getByText('demo.invariants').waitFor();
  await dialog.getByLabel('What changes, and why').fill('Guard the demo');
  await dialog.getByRole('button', { name: 'Publish' }).click();
  await dialog.waitFor({ state: 'detached', timeout: 120_000 });
  await page.getByRole('button', { name: 'Drafts' }).click();
  await drafts.getByRole('button', { name: 'Discard demo-guard' }).click();
  await page
    .getByRole('dialog', { name: 'Discard the draft demo-guard?' })
    .getByRole('button', { name: 'Discard' })
    .click();
  await drafts.getByText('No draft is kept').waitFor();
  await page.keyboard.press('Escape');
});

test('none of this made the browser complain', () => {
  assert.deepEqual(visit.complaints, []);
});
