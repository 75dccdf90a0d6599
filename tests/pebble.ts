// Debian's `pebble`, the test server of the ACME protocol's authors, over loopback with its own DNS.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/**
 * Starts pebble and its DNS server, which knows every name as 127.0.0.1. Its own TLS certificate is self-signed: `caPem`.
 * `stop` ends both; they end with the test anyway.
 */
export async function startPebble(t: TestContext, ports: { tlsPort: number; httpPort: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-'));
  const file = (name: string) => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('key.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', file('cert.pem'), ...names], { stdio: 'ignore' });
  const caPem = readFileSync(file('cert.pem'), 'utf8');
  const [port, managementPort, dnsPort, dnsManagementPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: file('cert.pem'),
      privateKey: file('key.pem'),
      ...ports,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    },
  };
  writeFileSync(file('config.json'), JSON.stringify(config));
  const dns = ['-dns01', `127.0.0.1:${dnsPort}`, '-http01', '', '-https01', '', '-tlsalpn01', ''];
  const children: ChildProcess[] = [
    spawn('pebble-challtestsrv', [...dns, '-defaultIPv6', '', '-management', `127.0.0.1:${dnsManagementPort}`], {
      stdio: 'ignore',
    }),
    spawn('pebble', ['-config', file('config.json'), '-dnsserver', `127.0.0.1:${dnsPort}`, '-strict'], {
      stdio: 'ignore',
      env: { PEBBLE_VA_NOSLEEP: '1' },
    }),
  ];
  const stop = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  t.after(() => {
    stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const httpsAgent = new Agent({ ca: caPem });
  t.after(() => httpsAgent.destroy());
  const fetchText = (url: string) =>
    new Promise<string>((resolve, reject) => {
      get(url, { agent: httpsAgent }, async (response) => {
        let text = '';
        for await (const chunk of response) text += String(chunk);
        resolve(text);
      }).on('error', reject);
    });
  // The directory itself does not wait for it, and a name that is not found fails an order.
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`127.0.0.1:${dnsPort}`]);
  while ((await resolver.resolve4('example.test').catch(() => undefined)) === undefined) await sleep(50);
  const directoryUrl = `https://localhost:${port}/dir`;
  for (;;) {
    const answer = await fetchText(directoryUrl).catch(() => undefined);
    if (answer !== undefined) break;
    await sleep(50);
  }
  return {
    directoryUrl,
    caPem,
    stop,
    httpsAgent,
    rootPem: await fetchText(`https://localhost:${managementPort}/roots/0`),
  };
}
