// Sign-in as people meet it: the whole product as `nullius up` starts it, in Chromium.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { startExternalProvider } from '../external-provider.ts';
import { freePort } from '../free-port.ts';
import { installationFor } from '../installation.ts';
import { addAuthenticator } from '../sign-in-browser.ts';

const shots = process.env['NULLIUS_SCREENSHOTS'];

async function look(page: Page, name: string): Promise<void> {
  if (shots === undefined) return;
  mkdirSync(shots, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: `${shots}/${name}-${colorScheme}.png`, fullPage: true });
  }
}

test('first administrator by link and passkey to the console; a colleague through the external provider', async (t) => {
  const port = await freePort();
  const external = await startExternalProvider({
    clientSecret: 'secret-of-the-test',
    redirectUris: [`http://id.localhost:${port}/federation/corp/callback`],
    account: {
      sub: 'kc-7',
      claims: { name: 'Grace Hopper', preferred_username: 'grace', realm_access: { roles: ['staff'] } },
    },
  });
  t.after(() => external.close());
  const secretFile = join(mkdtempSync(join(tmpdir(), 'nullius-corp-')), 'secret');
  t.after(() => rmSync(dirname(secretFile), { recursive: true, force: true }));
  writeFileSync(secretFile, 'secret-of-the-test\n', { mode: 0o600 });
  const nullius = await installationFor(t, {
    overrides: [`listen.plain=127.0.0.1:${port}`],
    config: `identity:
  providers:
    - name: corp
      displayName: Corp
      issuer: ${external.issuer}
      clientId: nullius
      clientSecret: { file: ${secretFile} }
      groupsClaim: realm_access.roles
`,
  });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  t.after(() => browser.close());

  await t.test('the link, a passkey, the console', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await addAuthenticator(context, page);
    await page.goto(nullius.firstAdministrator);
    await page.getByLabel('Name').first().fill('ada');
    await page.getByLabel('How others see you').fill('Ada Lovelace');
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await page.getByRole('heading', { name: 'You are in, Ada Lovelace' }).waitFor();
    await page.getByRole('link', { name: 'Continue to the console' }).click();
    await page.waitForURL(`${nullius.consoleOrigin}/**`);
    await page.getByRole('navigation').first().waitFor();
    await page.getByText('Ada Lovelace').first().waitFor();
    await look(page, 'console');
    await context.close();
  });

  await t.test('the link does not serve again; another one does, in the same tab', async () => {
    const page = await browser.newPage();
    await page.goto(nullius.firstAdministrator);
    await page.getByRole('heading', { name: 'This link does not work' }).waitFor();
    const { stdout } = await nullius.cli('user', 'invite', 'hedy');
    await page.goto(stdout.trim());
    await page.getByRole('heading', { name: 'Welcome' }).waitFor();
    await page.getByRole('button', { name: 'Create a passkey' }).waitFor();
    await page.close();
  });

  await t.test('continue with Corp: the session says who vouched', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${nullius.issuer}/account`);
    const button = page.getByRole('button', { name: 'Continue with Corp' });
    await button.waitFor();
    await look(page, 'sign-in-with-provider');
    await button.click();
    await page.getByRole('heading', { name: 'Grace Hopper' }).waitFor();
    await page.getByText('You sign in through').waitFor();
    const { stdout, code } = await nullius.cli('session', 'list', '--json');
    assert.equal(code, 0);
    assert.match(stdout, /"credential":\s*"federated"/);
    assert.match(stdout, /"provider":\s*"corp"/);
    await context.close();
  });
});
