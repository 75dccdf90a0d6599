// Certificates of a public CA, from `nullius up` to a client that trusts nothing else.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../faults/product.ts';
import { freePort } from '../free-port.ts';
import { type Installation, installationFor, startApp, startInstallation } from '../installation.ts';
import { startPebble } from '../pebble.ts';

function certificateOf(installation: Installation, host: string, ca: string): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ ...installation.tlsTo(host), ca, ALPNProtocols: ['h2'] }, () => {
      resolve(socket.getPeerCertificate());
      socket.end();
    });
    socket.on('error', reject);
  });
}

/** In the place of a directory that is gone: takes connections and says nothing. Gives what ends it. */
async function startSilence(t: TestContext, directoryUrl: string): Promise<() => void> {
  const held: Socket[] = [];
  const silent = createServer((socket) => held.push(socket.on('error', () => {})));
  silent.listen(Number(new URL(directoryUrl).port), '127.0.0.1');
  await once(silent, 'listening');
  const end = () => {
    silent.close();
    for (const socket of held) socket.destroy();
  };
  t.after(end);
  return end;
}

test('hosts get certificates from an ACME directory, one each, and keep them over a restart', {
  timeout: 480_000,
}, async (t) => {
  const app = await startApp(t);
  const ports = { tls: await freePort(), plain: await freePort() };
  const pebble = await startPebble(t, { tlsPort: ports.tls, httpPort: ports.plain });
  const folder = mkdtempSync(join(tmpdir(), 'nullius-acme-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  writeFileSync(join(folder, 'directory.pem'), pebble.caPem);
  const acme = `{ directory: "${pebble.directoryUrl}", email: admin@example.test, agreeToTerms: true, caFile: directory.pem }`;
  const config = `domain: example.test\ndemo: false\ntls:\n  acme: ${acme}\n`;
  const start = (overrides: string[] = []) => startInstallation({ folder, ports, config, overrides });
  const stop = (installation: Installation) => installation.stop();

  const first = await start();
  t.after(() => stop(first));
  const consoleCertificate = await certificateOf(first, 'console.example.test', pebble.rootPem);
  assert.equal(consoleCertificate.subjectaltname, 'DNS:console.example.test');
  assert.equal((await certificateOf(first, 'id.example.test', pebble.rootPem)).subjectaltname, 'DNS:id.example.test');

  await t.test('an app that is added is ordered for while the others are served', async () => {
    await assert.rejects(certificateOf(first, 'wiki.example.test', pebble.rootPem));
    const protect = await first.cli('protect', app.origin, '--as', 'wiki');
    assert.equal(protect.code, 0, protect.stderr);
    for (;;) {
      const found = await certificateOf(first, 'wiki.example.test', pebble.rootPem).catch(() => undefined);
      const now = await certificateOf(first, 'console.example.test', pebble.rootPem);
      assert.equal(now.fingerprint256, consoleCertificate.fingerprint256);
      if (found?.subjectaltname === 'DNS:wiki.example.test') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  await t.test('keys lie in the gateway’s folder, for its owner only', async () => {
    const kept = join(first.data, 'gateway', 'gateway-1', 'certificates');
    const wanted = ['console.example.test.pem', 'id.example.test.pem', 'wiki.example.test.pem'];
    // A certificate is shown before it is kept.
    await eventually(() => isDeepStrictEqual(readdirSync(kept).sort(), wanted), `only ${wanted} are in ${kept}`);
    for (const name of readdirSync(kept)) assert.equal(statSync(join(kept, name)).mode & 0o777, 0o600);
  });

  await t.test('without the directory a restart serves what was kept; what is new waits and says so', async (t) => {
    assert.equal(await first.stop(), 0);
    pebble.stop();
    const second = await start();
    t.after(() => stop(second));
    const again = await certificateOf(second, 'console.example.test', pebble.rootPem);
    assert.equal(again.fingerprint256, consoleCertificate.fingerprint256);
    const protect = await second.cli('protect', app.origin, '--as', 'later');
    assert.equal(protect.code, 0, protect.stderr);
    while (!second.stderr().includes('no certificate for `later.example.test`'))
      await new Promise((resolve) => setTimeout(resolve, 100));
    assert.match(
      second.stderr(),
      /no certificate for `later\.example\.test`: .*did not issue: it does not answer as one \(connect ECONNREFUSED.*\); tried again in 60 s/,
    );
    await assert.rejects(certificateOf(second, 'later.example.test', pebble.rootPem));
  });

  await t.test(
    'a start that still waits for some certificates is not ready, though it serves those it kept',
    async (t) => {
      const end = await startSilence(t, pebble.directoryUrl);
      const port = await freePort();
      const starting = start([`listen.operations=127.0.0.1:${port}`]);
      t.after(async () => stop(await starting));
      const ready = () => fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      let first = await ready();
      for (; first === undefined; first = await ready()) await new Promise((resolve) => setTimeout(resolve, 100));
      assert.deepEqual([first.status, await first.text()], [503, 'certificates are being ordered\n']);
      end();
      await starting;
      while ((await ready())?.status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
    },
  );

  await t.test('a first start can be watched while it waits for certificates', async (t) => {
    // A directory that is not there at all would fail the first order before anybody asks.
    const end = await startSilence(t, pebble.directoryUrl);
    const port = await freePort();
    const config = `domain: example.test\ntls:\n  acme: ${acme.replace('directory.pem', join(folder, 'directory.pem'))}\n`;
    const starting = installationFor(t, { tls: true, config, overrides: [`listen.operations=127.0.0.1:${port}`] });
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    while ((await ask('/livez')) === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
    const ready = await ask('/readyz');
    assert.equal(ready?.status, 503);
    assert.equal(await ready?.text(), 'no certificate yet\n', 'no order has failed so far');
    end();
    await starting;
  });
});
