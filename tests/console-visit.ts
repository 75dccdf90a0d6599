// The console in a real browser against the whole product: the first administrator signed in, and what the tests of the
// console look at on every page.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type Installation, startInstallation } from './installation.ts';
import { addAuthenticator, startChromium } from './sign-in-browser.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Set to keep the screenshots that are taken on the way. */
const picturesFolder = process.env['NULLIUS_TEST_PICTURES'];
/** A step that takes longer has failed. */
const stepMsMax = 90_000;

export const desktop = { width: 1280, height: 860 };
export const phone = { width: 375, height: 760 };

/** Chromium reports violations to the console too, but a violation must be seen even if it stops doing so. */
const recordViolations = `
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) =>
    window.violations.push(event.effectiveDirective + ' ' + event.blockedURI));
`;

/** A fresh installation and its first administrator at the console. */
export class ConsoleVisit {
  readonly installation: Installation;
  readonly browser: Browser;
  readonly page: Page;
  /** What the browser complained about, with the page it was on. */
  readonly complaints: string[] = [];

  private constructor({ installation, browser, page }: { installation: Installation; browser: Browser; page: Page }) {
    this.installation = installation;
    this.browser = browser;
    this.page = page;
  }

  static async begin(): Promise<ConsoleVisit> {
    if (picturesFolder !== undefined) mkdirSync(picturesFolder, { recursive: true });
    const installation = await startInstallation();
    const browser = await startChromium('localhost');
    const page = await browser.newPage({ reducedMotion: 'reduce', viewport: desktop });
    const visit = new ConsoleVisit({ installation, browser, page });
    try {
      await visit.#signIn();
      return visit;
    } catch (error) {
      await visit.end();
      throw error;
    }
  }

  async #signIn(): Promise<void> {
    const { page } = this;
    await page.addInitScript(recordViolations);
    page.setDefaultTimeout(stepMsMax);
    await addAuthenticator(page.context(), page);
    await page.goto(this.installation.firstAdministrator);
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('ada');
    await page.getByLabel('How others see you').fill('Ada');
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await page.getByRole('heading', { name: /You are in/ }).waitFor();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        this.complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`${page.url()}: ${error.message}`));
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.installation.stop();
    rmSync(this.installation.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async open(path: string): Promise<void> {
    await this.page.goto(`${this.installation.consoleOrigin}${path}`);
    await this.page.locator('h1').first().waitFor();
    await this.page.locator('[aria-busy="true"]:visible').first().waitFor({ state: 'detached' });
  }

  /** Of the whole page, or of a part of it. */
  async picture(
    name: string,
    of: { screenshot(options: { path: string }): Promise<unknown> } = this.page,
  ): Promise<void> {
    if (picturesFolder !== undefined) await of.screenshot({ path: join(picturesFolder, `${name}.png`) });
  }

  async isWiderThanWindow(): Promise<boolean> {
    return await this.page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
  }

  /** Nothing that axe calls serious or worse, in the colours shown. */
  async axeFindings(): Promise<string[]> {
    // Colours that are on their way from light to dark are nobody's to read.
    await this.page.evaluate(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() =>
        Promise.all(document.getAnimations().flatMap((each) =>
          each.effect?.getComputedTiming().endTime === Infinity ? [] : [each.finished.catch(() => undefined)])))
        .then(() => undefined)`);
    // Injected by the debugger, which the policy of the page does not bind.
    await this.page.evaluate(axeSource);
    const found = await this.page.evaluate<{ impact: string; id: string; nodes: { html: string }[] }[]>(
      "axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations)",
    );
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${this.page.url()}: ${id}: ${nodes[0]?.html.slice(0, 200)}`);
  }
}
