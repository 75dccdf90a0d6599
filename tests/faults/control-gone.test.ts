// Control killed and kept away, or standing still: the gateway goes on for those who are signed in while its lease lasts, then shuts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { installationFor, startApp } from '../installation.ts';
import type { PasskeyClient } from '../passkey-client.ts';
import { ask, eventually, openStream, processesOf, signalTo } from './product.ts';

/** Long enough that a busy machine sees what holds meanwhile. */
const leaseMs = 15_000;
/** What a gateway would have that was not told of ours. */
const usualLeaseMs = 60_000;

/** The gate is shut by words, not by silence. */
async function isUnavailable(person: PasskeyClient, url: string): Promise<boolean> {
  const { status, body } = await ask(person, url);
  if (status !== 503) return false;
  assert.match(body, /lost touch with its control process/);
  return true;
}

test('without control the gate stays open for the signed in while the lease lasts, and for nobody longer', async (t) => {
  const app = await startApp(t);
  const operations = await freePort();
  const installation = await installationFor(t, {
    config: `
lease: ${leaseMs / 1000}s
resources:
  - { name: vault, upstream: "${app.origin}", allowPrivate: true, segment: pci }
  - { name: wiki, upstream: "${app.origin}", allowPrivate: true }
segments:
  - { name: pci, sensitivity: high }
`,
    overrides: [`listen.operations=127.0.0.1:${operations}`],
  });
  const ready = async () => (await fetch(`http://127.0.0.1:${operations}/readyz`)).status;
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  const granted = await installation.cli('grant', 'create', 'ada', 'vault', '--for', '1h', '--reason', 'test');
  assert.equal(granted.code, 0, granted.stderr);
  const wiki = installation.appOrigin('wiki');
  const vault = installation.appOrigin('vault');
  assert.equal((await admin.open(wiki)).status, 200);
  assert.equal((await admin.open(vault)).status, 200);
  await admin.open(installation.consoleOrigin);
  const newcomer = installation.person();

  /** What is the same whether control is dead or only stands still. */
  async function showLease(goAway: () => void): Promise<void> {
    const low = openStream(installation, { person: admin, app: 'wiki', path: '/events' });
    const guarded = openStream(installation, { person: admin, app: 'vault', path: '/events' });
    assert.equal(await low.open, 200);
    assert.equal(await guarded.open, 200);
    const goneAt = performance.now();
    goAway();
    await guarded.closed;
    assert.ok(!low.isClosed(), 'high sensitivity has no lease, low sensitivity has one');
    assert.ok(await isUnavailable(admin, `${vault}/page`));
    assert.equal((await ask(admin, `${wiki}/page`)).status, 200);
    const begun = await ask(newcomer, `${wiki}/.nullius/sign-in?return_to=/`);
    assert.equal(begun.status, 503, begun.body);
    assert.ok(await isUnavailable(admin, `${installation.consoleOrigin}/api/v1/me`), 'nobody waits for the console');
    await low.closed;
    const heldMs = performance.now() - goneAt;
    assert.ok(heldMs < usualLeaseMs, `the stream lived on for ${heldMs} ms`);
    assert.ok(await isUnavailable(admin, `${wiki}/page`));
    assert.equal(await ready(), 503);
  }

  async function showRecovery(): Promise<void> {
    await eventually(async () => (await ask(admin, `${wiki}/page`)).status === 200, 'the app opens again');
    await eventually(async () => (await ask(admin, `${vault}/page`)).status === 200, 'so does the other');
    assert.equal((await ask(admin, `${installation.consoleOrigin}/api/v1/me`)).status, 200);
    assert.equal((await ask(newcomer, `${wiki}/.nullius/sign-in?return_to=/`)).status, 303);
    assert.equal(await ready(), 200);
  }

  await t.test('control stands still, and goes on', async () => {
    await showLease(() => signalTo(installation, { name: 'control', signal: 'SIGSTOP' }));
    signalTo(installation, { name: 'control', signal: 'SIGCONT' });
    await showRecovery();
  });

  await t.test('control is killed and nobody starts it again, until somebody does', async () => {
    await showLease(() => {
      installation.process.kill('SIGSTOP');
      signalTo(installation, { name: 'control', signal: 'SIGKILL' });
    });
    installation.process.kill('SIGCONT');
    await showRecovery();
  });

  await t.test('a gateway that stands still believes nothing that waited in its buffers', async () => {
    const before = processesOf(installation).gateway;
    const stream = openStream(installation, { person: admin, app: 'wiki', path: '/events' });
    assert.equal(await stream.open, 200);
    signalTo(installation, { name: 'gateway', signal: 'SIGSTOP' });
    const revoked = installation.cli('session', 'revoke', '--user', 'ada');
    assert.equal((await revoked).code, 0);
    await sleep(2_500);
    signalTo(installation, { name: 'gateway', signal: 'SIGCONT' });
    await stream.closed;
    await eventually(async () => (await ask(admin, `${wiki}/page`)).status === 401, 'the revoked session is refused');
    assert.equal(processesOf(installation).gateway, before, 'it is the same process');
  });
});
