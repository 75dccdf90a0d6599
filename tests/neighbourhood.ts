import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { protectApp } from './faults/product.ts';
import { freePort } from './free-port.ts';
import { type Installation, installationFor } from './installation.ts';
import { addAuthenticator, startChromium } from './sign-in-browser.ts';
import { type BrowserApp, startBrowserApp } from './stand-ins/browser-app.ts';

/** Several labels, so that app hosts are same-site with each other, `id` and `console`, as in real installations. */
export const domain = 'nullius.example.test';
/** A step that takes longer has failed. */
const stepMsMax = 90_000;

/**
 * The whole product over TLS, two apps behind it and a person's browser: `evil` belongs to the attacker, `wiki` to the victim, who
 * is signed in to both, to `id` and to `console`.
 */
export interface Neighbourhood {
  readonly installation: Installation;
  readonly browser: Browser;
  readonly context: BrowserContext;
  /** The victim's page. */
  readonly page: Page;
  readonly evil: BrowserApp;
  readonly wiki: BrowserApp;
  /** `origin('evil')`: `https://evil.nullius.example.test:port`. */
  origin(host: string): string;
  /** A page of the attacker's app in the victim's browser: what its scripts may do is done with `evaluate`. */
  lure(): Promise<Page>;
  /** Who the newest request was that reached an app: the name in the assertion, or null. */
  whoCame(app: BrowserApp): string | null;
  /** The gateway's counters, by name with labels. */
  metrics(): Promise<Map<string, number>>;
}

/** What only the victim may read at `wiki`. */
export const secret = 'the-victims-secret';

export async function startNeighbourhood(
  t: TestContext,
  /** Another registrable domain for the apps; by default they lie under `domain`. */
  options: { readonly appsDomain?: string } = {},
): Promise<Neighbourhood> {
  const operations = await freePort();
  const { appsDomain = domain } = options;
  const installation = await installationFor(t, {
    tls: true,
    config: `domain: ${domain}\nappsDomain: ${appsDomain}\n`,
    overrides: [`listen.operations=127.0.0.1:${operations}`],
  });
  const evil = await startBrowserApp(t, { secret: 'nothing of worth' });
  const wiki = await startBrowserApp(t, { secret });
  const origin = (host: string) =>
    `https://${host}.${host === 'id' || host === 'console' ? domain : appsDomain}:${installation.port}`;
  for (const [name, app] of [
    ['evil', evil],
    ['wiki', wiki],
  ] as const)
    await protectApp(installation, { upstream: app.origin, name, origin: origin(name) });
  const trustedKeys = await Promise.all([domain, appsDomain].map((each) => keyOf(installation, `id.${each}`)));
  const browser = await startChromium(domain, { trustedKeys, others: [appsDomain] });
  t.after(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  context.setDefaultTimeout(stepMsMax);
  const page = await context.newPage();
  await addAuthenticator(context, page);
  await page.goto(installation.firstAdministrator);
  await page.getByLabel('Name').first().fill('ada');
  await page.getByLabel('How others see you').fill('Ada');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await page.getByRole('heading', { name: 'You are in, Ada' }).waitFor();
  wiki.answer('/secret', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret }),
  });
  for (const host of ['wiki', 'evil', 'console']) {
    await page.goto(`${origin(host)}/`);
    await page.locator('h1').first().waitFor();
  }
  return {
    installation,
    browser,
    context,
    page,
    evil,
    wiki,
    origin,
    lure: async () => {
      const lured = await context.newPage();
      await lured.goto(`${origin('evil')}/`);
      return lured;
    },
    whoCame: (app) => nameIn(app.seen.at(-1)?.headers['nullius-assertion']),
    metrics: async () => {
      const text = await (await fetch(`http://127.0.0.1:${operations}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
    },
  };
}

function nameIn(assertion: string | string[] | undefined): string | null {
  if (typeof assertion !== 'string') return null;
  const claims = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as { name?: string };
  return claims.name ?? null;
}

/**
 * SHA-256 of the gateway's public key, as Chromium's `--ignore-certificate-errors-spki-list` takes it. Ignoring every certificate
 * error instead would switch HTTP/2 connection reuse across hosts off, and attacks on it would fail for the wrong reason.
 */
async function keyOf(installation: Installation, host: string): Promise<string> {
  const socket = connect(installation.tlsTo(host));
  await once(socket, 'secureConnect');
  const { publicKey } = new X509Certificate(socket.getPeerCertificate().raw);
  socket.destroy();
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}
