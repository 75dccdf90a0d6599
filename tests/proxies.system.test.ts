// `examples/proxies`: nginx and Caddy, as Debian has them, carry the traffic; Nullius is asked about every request, with exactly the
// files that a reader of the example copies, but for the ports. Envoy and Traefik are driven too where `NULLIUS_ENVOY` and `NULLIUS_TRAEFIK` name
// their programs.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exampleFolder } from './example-apps.ts';
import { eventually } from './faults/product.ts';
import { freePort } from './free-port.ts';
import { installationFor } from './installation.ts';

const startMsMax = 60_000;

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

async function startWiki(t: TestContext, port: number): Promise<Received[]> {
  const received: Received[] = [];
  const app = createServer(({ method = '', url = '', headers }, response) => {
    received.push({ method, url, headers });
    response.end('from the wiki');
  });
  app.listen(port, '127.0.0.1');
  await once(app, 'listening');
  t.after(() => {
    app.closeAllConnections();
    app.close();
  });
  return received;
}

/** Starts a proxy and waits for its port; it ends with the test. */
async function startProxy(
  t: TestContext,
  options: { program: string; arguments: string[]; folder: string; port: number; environment?: Record<string, string> },
): Promise<void> {
  const child: ChildProcess = spawn(options.program, options.arguments, {
    cwd: options.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: options.folder, ...options.environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  const ended = once(child, 'close');
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  for (let waitedMs = 0; waitedMs < startMsMax; waitedMs += 50) {
    if (child.exitCode !== null) throw new Error(`${options.program} ended with ${child.exitCode}\n${output}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(options.port, '127.0.0.1', () => resolve(true));
      socket.on('connect', () => socket.destroy());
      socket.on('error', () => resolve(false));
    });
    if (isOpen) return;
    await sleep(50);
  }
  throw new Error(`${options.program} does not listen\n${output}`);
}

/** One request, its path sent as it is written. */
function raw(port: number, path: string, { method = 'GET', ...headers }: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method, agent: false, headers: { host: `wiki.localhost:${port}`, ...headers } },
      (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += String(chunk);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

type Start = (made: { t: TestContext; folder: string; port: number; token: string }) => Promise<void>;

/** Everything a person, a program and an attacker see of an app behind this proxy. */
async function drive(t: TestContext, { files, start }: { files: string[]; start: Start }): Promise<void> {
  const folder = exampleFolder(t, 'proxies');
  const ports = { 8090: await freePort(), 8080: await freePort(), 9091: await freePort(), 3000: await freePort() };
  for (const file of [...files, 'nullius.yaml']) {
    const text = readFileSync(join(folder, file), 'utf8');
    // In one go: a port that was just put in may have another's digits in it.
    const moved = text.replaceAll(/\b(?:8090|8080|9091|3000)\b/g, (from) =>
      String(ports[from as unknown as keyof typeof ports]),
    );
    writeFileSync(join(folder, file), moved);
  }
  const received = await startWiki(t, ports[3000]);
  const nullius = await installationFor(t, { configFile: join(folder, 'nullius.yaml'), port: ports[8080] });
  const made = await nullius.cli('token', 'create', '--scope', 'pdp:app:wiki', '--label', 'proxy');
  assert.equal(made.code, 0, made.stderr);
  await start({ t, folder, port: ports[8090], token: made.stdout.trim() });
  const port = ports[8090];
  const origin = `http://wiki.localhost:${port}`;

  // The PDP hears of the proxy's token a moment after it was made.
  await eventually(async () => (await raw(port, '/open/page')).status === 200, 'the public corner is open');
  assert.equal(received.at(-1)?.headers['nullius-assertion'] || undefined, undefined);
  assert.equal((await raw(port, '/page')).status, 401, 'a program');
  const browser = {
    accept: 'text/html',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-site': 'none',
  };
  const sent = await raw(port, '/page?x=1', browser);
  assert.equal(sent.status, 303);
  assert.equal(sent.headers.location, `${origin}/.nullius/sign-in?return_to=%2Fpage%3Fx%3D1`);
  assert.equal(received.length, 1);

  const ada = nullius.person();
  await ada.enrol(nullius.firstAdministrator, { name: 'ada' });
  const page = await ada.open(`${origin}/.nullius/sign-in?return_to=%2Fpage`);
  assert.deepEqual([page.status, page.body], [200, 'from the wiki']);
  const seen = received.at(-1);
  assert.match(String(seen?.headers['nullius-assertion']), /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const claims = JSON.parse(
    Buffer.from(String(seen?.headers['nullius-assertion']).split('.')[1] ?? '', 'base64url').toString(),
  );
  assert.equal(claims.name ?? claims.preferred_username ?? claims.user?.name, 'ada', JSON.stringify(claims));
  assert.doesNotMatch(String(seen?.headers.cookie ?? ''), /nullius/, 'our cookie stays ours');
  const posted = await ada.send(`${origin}/page`, { form: { text: 'x' } });
  assert.deepEqual([posted.status, received.at(-1)?.method], [200, 'POST']);
  const count = received.length;
  assert.equal(
    (await ada.send(`${origin}/page`, { method: 'DELETE', headers: { 'sec-fetch-site': 'same-origin' } })).status,
    200,
    'an administrator',
  );

  const cookie = [...ada.cookies(`wiki.localhost:${port}`)].map(([name, value]) => `${name}=${value}`).join('; ');
  for (const path of [
    '/open/../page',
    '/open/%2e%2e/page',
    '//open/page',
    '/open\\..\\page',
    '/open/..%2fpage',
    '/page;x',
  ]) {
    const answer = await raw(port, path, { cookie });
    assert.notEqual(answer.status, 200, path);
  }
  assert.equal(received.length, count + 1, 'what can be read in two ways reaches nobody');
  // Proxies choose the app by the request line when it names a host: that app must be judged, and not the one in the header.
  const twoHosts = await raw(port, `http://wiki.localhost:${port}/open/page`, { host: `other.localhost:${port}` });
  assert.deepEqual([twoHosts.status, received.at(-1)?.headers.host], [200, `wiki.localhost:${port}`]);
  for (const headers of [
    { 'x-original-uri': '/open/page' },
    { 'x-forwarded-uri': '/open/page', 'x-forwarded-method': 'GET' },
    { 'nullius-assertion': 'a.b.c', 'nullius-caller': 'x', 'x-original-method': 'GET' },
    { 'x-forwarded-host': 'other.localhost' },
  ] as Record<string, string>[]) {
    assert.equal((await raw(port, '/page', headers)).status, 401, JSON.stringify(headers));
  }
  for (const name of ['Nullius_Assertion', 'Nullius.Assertion'])
    if ((await raw(port, '/open/page', { [name]: 'a.b.c' })).status === 200)
      assert.equal(received.at(-1)?.headers[name.toLowerCase()], undefined, name);
  const open = received.length;
  await raw(port, '/open/page', { connection: 'upgrade', upgrade: 'h2c' });
  if (received.length > open) assert.equal(received.at(-1)?.headers.upgrade, undefined, 'no other protocol');
  await raw(port, '/open/page', { 'nullius-assertion': 'a.b.c' });
  assert.equal(received.at(-1)?.headers['nullius-assertion'] || undefined, undefined, 'identity only from Nullius');

  const events = await nullius.cli('log', 'query', '--json');
  assert.match(events.stdout, /"via"/);
  const sessions = JSON.parse((await nullius.cli('session', 'list', '--json')).stdout) as { id: string }[];
  for (const { id } of sessions) await nullius.cli('session', 'revoke', id);
  await eventually(
    async () => (await raw(port, '/page', { cookie })).status === 401,
    'the revoked session counts no more',
  );
}

test('nginx asks by auth_request', { timeout: 400_000 }, (t) =>
  drive(t, {
    files: ['nginx.conf'],
    start: async ({ folder, port, token }) => {
      mkdirSync(join(folder, 'temp'));
      writeFileSync(join(folder, 'nullius-caller.conf'), `set $nullius_caller "${token}";\n`, { mode: 0o600 });
      const options = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;'];
      await startProxy(t, { program: '/usr/sbin/nginx', arguments: options, folder, port });
    },
  }),
);

test('Caddy asks by forward_auth', { timeout: 400_000 }, (t) =>
  drive(t, {
    files: ['Caddyfile'],
    start: async ({ folder, port, token }) =>
      startProxy(t, {
        program: '/usr/bin/caddy',
        arguments: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
        folder,
        port,
        environment: { NULLIUS_CALLER: token },
      }),
  }),
);

const envoy = process.env['NULLIUS_ENVOY'];
if (envoy !== undefined) {
  test('Envoy asks by ext_authz over gRPC', { timeout: 400_000 }, (t) =>
    drive(t, {
      files: ['envoy.yaml'],
      start: async ({ folder, port, token }) => {
        const file = join(folder, 'envoy.yaml');
        writeFileSync(file, readFileSync(file, 'utf8').replaceAll('@@NULLIUS_CALLER@@', token), { mode: 0o600 });
        await startProxy(t, { program: envoy, arguments: ['-c', 'envoy.yaml', '--use-dynamic-base-id'], folder, port });
      },
    }),
  );
}

const traefik = process.env['NULLIUS_TRAEFIK'];
if (traefik !== undefined) {
  test('Traefik asks by forwardAuth', { timeout: 400_000 }, (t) =>
    drive(t, {
      files: ['traefik-dynamic.yml'],
      start: async ({ folder, port, token }) => {
        const file = join(folder, 'traefik-dynamic.yml');
        writeFileSync(file, readFileSync(file, 'utf8').replaceAll('@@NULLIUS_CALLER@@', token), { mode: 0o600 });
        const options = [
          `--entrypoints.web.address=127.0.0.1:${port}`,
          '--entrypoints.web.http.sanitizepath=false',
          `--providers.file.filename=${file}`,
        ];
        await startProxy(t, { program: traefik, arguments: options, folder, port });
        // It listens before it has read its routes.
        for (let waitedMs = 0; waitedMs < startMsMax && (await raw(port, '/')).status === 404; waitedMs += 50)
          await sleep(50);
      },
    }),
  );
}
