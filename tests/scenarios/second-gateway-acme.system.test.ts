// A gateway on another machine gets its hosts' certificates from the public CA that control orders at.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../faults/product.ts';
import { freePort } from '../free-port.ts';
import { startApp, startInstallation } from '../installation.ts';
import { startPebble } from '../pebble.ts';
import { run, runGateway } from '../second-gateway.ts';

/** The names in the certificate that is shown for this host, once it verifies under that root alone. */
const namesShown = (port: number, { servername, ca }: { servername: string; ca: string }) =>
  new Promise<string | undefined>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, ca, ALPNProtocols: ['h2'] }, () => {
      resolve(socket.getPeerCertificate().subjectaltname);
      socket.end();
    });
    socket.on('error', reject);
  });

test('a gateway elsewhere orders through control, proves its hosts itself and keeps its keys', {
  timeout: 480_000,
}, async (t) => {
  const app = await startApp(t);
  const [port, peersPort] = [await freePort(), await freePort()];
  // The directory's validator comes to the second gateway.
  const pebble = await startPebble(t, { tlsPort: port, httpPort: await freePort() });
  const folder = mkdtempSync(join(tmpdir(), 'nullius-edge-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  writeFileSync(join(folder, 'directory.pem'), pebble.caPem);
  const acme = `{ directory: "${pebble.directoryUrl}", email: admin@example.test, agreeToTerms: true, caFile: directory.pem }`;
  const installation = await startInstallation({
    folder,
    config: `domain: example.test\ndemo: false\ntls:\n  acme: ${acme}\n`,
    tls: true,
    overrides: [`listen.gateways=127.0.0.1:${peersPort}`],
  });
  t.after(() => installation.stop());
  assert.equal((await installation.cli('protect', app.origin, '--as', 'wiki')).code, 0);
  const invited = await installation.cli('gateway', 'add', 'edge');
  const [, , , url = '', , token = ''] = invited.stdout.trim().split(' ');
  const data = join(folder, 'edge');
  const joined = run(folder, 'gateway', 'join', url, '--token', token, '--data', data);
  assert.equal(await joined.ended, 0, joined.err());
  const gateway = await runGateway(t, { folder: tmpdir(), data, tls: `127.0.0.1:${port}` });
  const shown = () => namesShown(port, { servername: 'wiki.example.test', ca: pebble.rootPem }).catch(() => undefined);
  await eventually(async () => (await shown()) === 'DNS:wiki.example.test', `a certificate: ${gateway.err()}`);
  const kept = join(data, 'gateway', 'edge', 'certificates');
  // It is shown before it is kept.
  await eventually(
    () => isDeepStrictEqual(readdirSync(kept), ['wiki.example.test.pem']),
    `only its file is in ${kept}`,
  );
  assert.equal(statSync(join(kept, 'wiki.example.test.pem')).mode & 0o777, 0o600);
  // What one gateway ordered is no other's: control's own has none, because nobody comes to it.
  assert.deepEqual(readdirSync(join(installation.data, 'gateway', 'gateway-1', 'certificates')), []);
  // Before the folder goes, which is removed by what was set up first.
  gateway.child.kill('SIGTERM');
  await gateway.ended;
  await installation.stop();
});
