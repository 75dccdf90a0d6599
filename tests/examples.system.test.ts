// `examples/`: real third-party apps behind the whole product, with exactly the files a reader of the example copies.
import assert from 'node:assert/strict';
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Browser, BrowserContext, Page, WebSocket } from 'playwright-core';
import { exampleFolder, startNodeRed, startPrometheus } from './example-apps.ts';
import { eventually } from './faults/product.ts';
import { type Installation, installationFor } from './installation.ts';
import { addAuthenticator, startChromium } from './sign-in-browser.ts';

const shots = process.env['NULLIUS_SCREENSHOTS'];
/** A step that takes longer has failed. */
const stepMsMax = 90_000;

async function picture(page: Page, name: string): Promise<void> {
  if (shots === undefined) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `example-${name}.png`) });
}

/** A person with a passkey in a browser of their own. */
async function enrol(
  browser: Browser,
  options: { link: string; name?: string },
): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(stepMsMax);
  const page = await context.newPage();
  await addAuthenticator(context, page);
  await page.goto(options.link);
  if (options.name !== undefined) {
    await page.getByLabel('Name').first().fill(options.name);
    await page.getByLabel('How others see you').fill(options.name);
  }
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await page.getByRole('heading', { name: /^You are in/ }).waitFor();
  return { context, page };
}

async function invite(nullius: Installation, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await nullius.cli('user', 'invite', ...words);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

async function exampleFor(t: TestContext, name: string): Promise<{ folder: string; nullius: Installation }> {
  const folder = exampleFolder(t, name);
  return { folder, nullius: await installationFor(t, { configFile: join(folder, 'nullius.yaml') }) };
}

/** What the page sees when its own script asks. */
function ask(
  page: Page,
  request: { method: string; path: string; body?: string },
): Promise<{ status: number; body: string }> {
  const init = JSON.stringify({
    method: request.method,
    ...(request.body === undefined
      ? {}
      : { body: request.body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  });
  return page.evaluate(
    `fetch(${JSON.stringify(request.path)}, ${init}).then(async (answer) => ({ status: answer.status, body: await answer.text() }))`,
  );
}

/** A flow that says something every second. */
const flow = (words: string) =>
  JSON.stringify([
    {
      ...{ id: `${words}-1`, type: 'inject', name: words, x: 200, y: 120, wires: [[`${words}-2`]] },
      ...{ repeat: '1', once: true, onceDelay: 0.1, props: [{ p: 'payload' }], payload: words, payloadType: 'str' },
    },
    {
      ...{ id: `${words}-2`, type: 'debug', name: 'hear', x: 420, y: 120, wires: [] },
      ...{ active: true, tosidebar: true, complete: 'payload', targetType: 'msg' },
    },
  ]);

/** The editor's own way in: Ctrl-I, paste, import, put it down. */
async function importFlow(page: Page, words: string): Promise<void> {
  await page.locator('#red-ui-workspace-chart').click({ position: { x: 400, y: 300 } });
  await page.keyboard.press('Control+i');
  await page.locator('#red-ui-clipboard-dialog-import-text').fill(flow(words));
  await page.locator('#red-ui-clipboard-dialog-ok').click();
  // Until it hangs at the pointer there is nothing to put down.
  await page.locator('.red-ui-flow-node-label', { hasText: words }).first().waitFor();
  await page.locator('#red-ui-workspace-chart').click({ position: { x: 400, y: 200 } });
  await page.locator('#red-ui-header-button-deploy:not(.disabled)').waitFor();
}

function commsOf(page: Page): Promise<WebSocket> {
  return page.waitForEvent('websocket', { predicate: (socket) => new URL(socket.url()).pathname === '/comms' });
}

const hasFrame = (text: string) => ({
  predicate: ({ payload }: { payload: string | Buffer }) => String(payload).includes(text),
});

test('examples carry the policies that are shipped, unchanged', () => {
  const names = ['10-administration.cedar', '20-apps.cedar', '90-guards.cedar'];
  const copies = globSync('examples/*/policies/*.cedar').filter((file) => names.includes(basename(file)));
  const examples = new Set(copies.map((copy) => copy.split('/')[1]));
  assert.equal(examples.size, 3);
  assert.equal(copies.length, examples.size * names.length);
  for (const copy of copies) {
    assert.equal(readFileSync(copy, 'utf8'), readFileSync(`policies/${basename(copy)}`, 'utf8'), copy);
  }
});

test('Node-RED: readers watch, editors deploy, and a revoked session loses its WebSocket', async (t) => {
  const { folder, nullius } = await exampleFor(t, 'node-red');
  const origin = nullius.appOrigin('flows');
  const app = await startNodeRed(t, { folder, issuer: nullius.issuer, audience: origin });
  const browser = await startChromium('localhost');
  t.after(() => browser.close());
  await enrol(browser, { link: nullius.firstAdministrator, name: 'ada' });
  const editor = await enrol(browser, { link: await invite(nullius, 'edith', '--group', 'flow-editors') });
  const reader = await enrol(browser, { link: await invite(nullius, 'rita', '--group', 'flow-readers') });
  const stranger = await enrol(browser, { link: await invite(nullius, 'sam') });
  const open = async (page: Page) => {
    const comms = commsOf(page);
    await page.goto(origin);
    await page.locator('#red-ui-header-button-deploy').waitFor();
    await page.locator('.red-ui-palette-node').first().waitFor();
    return comms;
  };

  let editorComms: WebSocket | undefined;
  await t.test('the editor loads, and a deploy makes its WebSocket speak', async () => {
    editorComms = await open(editor.page);
    const heard = editorComms.waitForEvent('framereceived', hasFrame('"msg":"tick"'));
    await importFlow(editor.page, 'tick');
    await editor.page.locator('#red-ui-header-button-deploy').click();
    await editor.page.getByText('Successfully deployed').waitFor();
    await heard;
    await picture(editor.page, 'node-red-deployed');
  });

  await t.test('Node-RED knows the person by the signed header, and takes nothing without it', async () => {
    const said = /"event":"flows.set".*"username":"edith"/;
    await eventually(() => said.test(app.output()), `its log names edith\n${app.output()}`);
    for (const headers of [{}, { 'nullius-assertion': 'a.b.c' }]) {
      assert.equal((await fetch(`${app.origin}/flows`, { headers })).status, 401);
    }
  });

  await t.test('a reader watches, and is refused when she deploys', async () => {
    const comms = await open(reader.page);
    await comms.waitForEvent('framereceived', hasFrame('"msg":"tick"'));
    const before = readFileSync(join(folder, 'data', 'flows.json'), 'utf8');
    await importFlow(reader.page, 'meddle');
    await reader.page.locator('#red-ui-header-button-deploy').click();
    await reader.page.getByText('Deploy failed').first().waitFor();
    await picture(reader.page, 'node-red-refused');
    const answer = await ask(reader.page, { method: 'POST', path: '/flows', body: '[]' });
    assert.equal(answer.status, 403, answer.body);
    assert.equal(readFileSync(join(folder, 'data', 'flows.json'), 'utf8'), before);
  });

  await t.test('who is in neither group sees a refusal, and nothing of Node-RED', async () => {
    await stranger.page.goto(origin);
    await stranger.page.getByRole('heading', { name: 'You may not open this' }).waitFor();
    await picture(stranger.page, 'node-red-stranger');
  });

  await t.test('revoking the session of the editor cuts her open WebSocket, and the editor says so', async () => {
    assert.ok(editorComms !== undefined && !editorComms.isClosed());
    const closed = editorComms.waitForEvent('close');
    const { code, stderr } = await nullius.cli('session', 'revoke', '--user', 'edith');
    assert.equal(code, 0, stderr);
    await closed;
    await editor.page.getByText('Lost connection to server').first().waitFor();
    await picture(editor.page, 'node-red-cut');
    assert.equal((await ask(editor.page, { method: 'GET', path: '/flows' })).status, 401);
  });
});

test('Prometheus: everyone signed in queries, administrators alone administer', async (t) => {
  const { folder, nullius } = await exampleFor(t, 'prometheus');
  const app = await startPrometheus(t, folder);
  const origin = nullius.appOrigin('metrics');
  const browser = await startChromium('localhost');
  t.after(() => browser.close());
  const ada = await enrol(browser, { link: nullius.firstAdministrator, name: 'ada' });
  const grace = await enrol(browser, { link: await invite(nullius, 'grace') });

  await t.test('its page answers a query', async () => {
    // It has measured itself once.
    while (!(await (await fetch(`${app.origin}/api/v1/query?query=up`)).text()).includes('"job"'))
      await setTimeout(200);
    await grace.page.goto(origin);
    await grace.page.getByPlaceholder(/Expression/).fill('up');
    await grace.page.getByRole('button', { name: 'Execute' }).click();
    await grace.page.getByText('up{instance="127.0.0.1:9090",job="prometheus"}').first().waitFor();
    await picture(grace.page, 'prometheus-query');
    const posted = await ask(grace.page, { method: 'POST', path: '/api/v1/query', body: 'query=up' });
    assert.equal(posted.status, 200, posted.body);
    assert.match(posted.body, /"job":"prometheus"/);
  });

  await t.test('reloading, stopping and deleting are refused to her, and nothing happens', async () => {
    for (const path of [
      '/-/reload',
      '/-/quit',
      '/api/v1/admin/tsdb/delete_series?match[]=up',
      '/-/quit/',
      '/api/v1/write',
    ]) {
      const answer = await ask(grace.page, { method: 'POST', path });
      assert.equal(answer.status, 403, `${path}: ${answer.body}`);
    }
    // A grant opens the app; the forbid stands against it.
    const granted = await nullius.cli('grant', 'create', 'grace', 'metrics', '--for', '1h', '--reason', 'test');
    assert.equal(granted.code, 0, granted.stderr);
    assert.equal((await ask(grace.page, { method: 'POST', path: '/-/quit' })).status, 403);
    await grace.page.goto(`${origin}/-/healthy`);
    await grace.page.getByText('is for administrators, whatever else has been granted').waitFor();
    await picture(grace.page, 'prometheus-refused');
    assert.equal((await fetch(`${app.origin}/-/healthy`)).status, 200);
  });

  await t.test('an administrator may', async () => {
    await ada.page.goto(`${origin}/-/healthy`);
    assert.equal((await ask(ada.page, { method: 'POST', path: '/-/reload' })).status, 200);
    assert.equal((await ask(ada.page, { method: 'POST', path: '/api/v1/admin/tsdb/snapshot' })).status, 200);
  });

  await t.test('a dashboard queries with a token of its own, and may do no more', async () => {
    const made = await nullius.cli('token', 'create', '--scope', 'app:metrics', '--label', 'dashboard', '--json');
    const { token } = JSON.parse(made.stdout) as { token: string };
    const program = nullius.person();
    const call = (method: string, path: string) =>
      program.send(`${origin}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'content-length': '0' },
      });
    // The gateway hears of the token a moment after it was made.
    await eventually(async () => (await call('POST', '/api/v1/query?query=up')).status === 200, 'the token counts');
    assert.equal((await call('GET', '/api/v1/query?query=up')).status, 200);
    assert.equal((await call('POST', '/-/quit')).status, 403);
  });
});
