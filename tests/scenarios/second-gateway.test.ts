// A gateway on another machine, as two folders and two loopback addresses: it joins, serves an app with sign-in, and is cut off.
import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../faults/product.ts';
import { freePort } from '../free-port.ts';
import { type Installation, installationFor, startApp } from '../installation.ts';
import { PasskeyClient } from '../passkey-client.ts';
import { run, runGateway } from '../second-gateway.ts';

/** Another address of this machine, so that one port serves both gateways. */
const elsewhere = '127.0.0.2';
/** A program's request: told no, never sent to sign in. */
const asProgram = { accept: 'application/json', 'sec-fetch-mode': 'cors' };

const stateOf = async (installation: Installation, name: string) => {
  const { stdout } = await installation.cli('gateway', 'list', '--json');
  return (JSON.parse(stdout) as { name: string; following: boolean; behind: number | null }[]).find(
    (each) => each.name === name,
  );
};

test('a second gateway joins, serves an app with sign-in, and is cut off when it is removed', async (t) => {
  const app = await startApp(t);
  const peersPort = await freePort();
  const installation = await installationFor(t, {
    // So long that none ends while this test runs.
    config: 'domain: example.test\nlease: 1h\n',
    tls: true,
    overrides: [`listen.gateways=127.0.0.1:${peersPort}`],
  });
  const port = installation.ports.tls;
  const folder = mkdtempSync(join(tmpdir(), 'nullius-edge-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const data = join(folder, 'data');
  assert.equal((await installation.cli('protect', app.origin, '--as', 'wiki')).code, 0);

  const invited = await installation.cli('gateway', 'add', 'edge');
  assert.equal(invited.code, 0, invited.stderr);
  const [, , verb, url = '', , token = ''] = invited.stdout.trim().split(' ');
  assert.equal(verb, 'join');
  const join1 = run(folder, 'gateway', 'join', url, '--token', token, '--data', data);
  assert.equal(await join1.ended, 0, join1.err());
  const identity = join(data, 'gateway', 'edge', 'identity.json');
  assert.equal(lstatSync(identity).mode & 0o777, 0o600);
  const again = run(folder, 'gateway', 'join', url, '--token', token, '--data', join(folder, 'other'));
  assert.equal(await again.ended, 3, 'the token is used');
  const key = /-----BEGIN PRIVATE KEY-----[^-]+/.exec(JSON.parse(readFileSync(identity, 'utf8')).keyPem)?.[0] ?? '';
  assert.ok(key.length > 60);

  let gateway = await runGateway(t, { folder, data, tls: `${elsewhere}:${port}` });
  await eventually(async () => (await stateOf(installation, 'edge'))?.following === true, 'it follows');

  const ada = new PasskeyClient({
    issuer: installation.issuer,
    connect: { host: '127.0.0.1', ca: installation.ca, hosts: { 'wiki.example.test': elsewhere } },
  });
  await ada.enrol(installation.firstAdministrator, { name: 'ada' });
  const wiki = installation.appOrigin('wiki');

  await t.test('an app is reached through it, signed in at the first', async () => {
    const stranger = new PasskeyClient({
      issuer: installation.issuer,
      connect: { host: elsewhere, ca: installation.ca },
    });
    const refused = await stranger.send(`${wiki}/`, { headers: asProgram });
    assert.equal(refused.status, 401);
    const console2 = await stranger.send(`${installation.consoleOrigin}/`);
    assert.equal(console2.status, 404, 'what is control’s is not served there');
    const page = await ada.open(wiki);
    assert.equal(page.status, 200, page.body);
    assert.match(page.body, /nullius-assertion/);
    assert.equal(app.requests.length, 1);
  });

  await t.test('what happened there is in its own journal, which proves itself', async () => {
    const verified = run(folder, 'log', 'verify', '--data', data, '--json');
    await verified.ended;
    assert.match(verified.out(), /edge/, verified.err());
  });

  await t.test('it comes back by itself after a restart, without its token', async () => {
    gateway.child.kill('SIGTERM');
    assert.equal(await gateway.ended, 0, gateway.err());
    await eventually(async () => (await stateOf(installation, 'edge'))?.following === false, 'it is away');
    gateway = await runGateway(t, { folder, data, tls: `${elsewhere}:${port}` });
    assert.equal((await ada.send(`${wiki}/`)).status, 200);
    const verified = run(folder, 'log', 'verify', '--data', data);
    assert.equal(await verified.ended, 0, verified.err());
  });

  await t.test('what happened there was sent to control, and is read and proved there with the others', async () => {
    await eventually(async () => {
      const all = await installation.cli('log', 'query', '--json', '--resource', 'wiki', '--limit', '50');
      return /"writer":\s*"edge"/.test(all.stdout);
    }, 'its events are found');
    const verified = await installation.cli('log', 'verify');
    assert.equal(verified.code, 0, verified.stdout);
    assert.match(verified.stdout, /^edge +[1-9]/m);
    // The copy first: it does not come before what it is a copy of.
    const [ours, theirs] = [installation.data, data].map((place) =>
      readFileSync(join(place, 'journal', 'edge', '0000000000000000.segment')),
    );
    assert.ok(ours !== undefined && theirs?.subarray(0, ours.byteLength).equals(ours), 'byte for byte');
  });

  await t.test('a person whose session ends at control is out there at once', async () => {
    const grace = new PasskeyClient({
      issuer: installation.issuer,
      connect: { host: '127.0.0.1', ca: installation.ca, hosts: { 'wiki.example.test': elsewhere } },
    });
    await grace.enrol((await installation.cli('user', 'invite', 'grace', '--admin')).stdout.trim(), { name: 'grace' });
    assert.equal((await grace.open(wiki)).status, 200);
    assert.equal((await installation.cli('session', 'revoke', '--user', 'grace')).code, 0);
    await eventually(async () => {
      const { status } = await grace.send(`${wiki}/`, { headers: asProgram });
      return status === 401;
    }, 'the session is over at the second gateway');
  });

  await t.test('removed, it serves nobody any more, long before its lease would end', async () => {
    assert.equal((await ada.send(`${wiki}/`)).status, 200);
    const before = app.requests.length;
    assert.equal((await installation.cli('gateway', 'remove', 'edge')).code, 0);
    await eventually(async () => {
      const answer = await ada.send(`${wiki}/`).catch(() => undefined);
      return answer === undefined || answer.status >= 500;
    }, 'it serves no more');
    await eventually(() => gateway.err().includes('was removed'), 'it says why');
    const after = app.requests.length;
    await ada.send(`${wiki}/`).catch(() => undefined);
    assert.equal(app.requests.length, after);
    assert.ok(after >= before);
    assert.equal(await stateOf(installation, 'edge'), undefined);
    const reused = await installation.cli('gateway', 'add', 'edge');
    assert.equal(reused.code, 3, reused.stderr);
    assert.match(reused.stderr, /the journal of an earlier gateway `edge` is kept here/);
  });
  // Before its folder goes, which is removed by what was set up first.
  gateway.child.kill('SIGTERM');
  await gateway.ended;
});
