// The peers the gateway is measured beside, each started on loopback with one worker and its logs off.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tests/free-port.ts';

export interface Peer {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Bed {
  readonly directory: string;
  readonly children: ChildProcess[];
  /** `http://127.0.0.1:port` of the thing that answers 1 KiB. */
  readonly upstream: string;
  readonly certificate: { readonly cert: string; readonly key: string };
}

export function findProgram(names: readonly string[]): string | undefined {
  return names.find((name) => {
    try {
      accessSync(name, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing listens on ${port}`);
}

export function start(
  bed: Pick<Bed, 'children'>,
  command: string,
  options: { args: string[]; env?: Record<string, string> },
): void {
  const child = spawn(command, options.args, {
    stdio: process.env['BENCH_DEBUG'] ? 'inherit' : 'ignore',
    env: { PATH: '/usr/sbin:/usr/bin:/bin', ...options.env },
  });
  bed.children.push(child);
}

/** A certificate for the peers; ours issues its own. */
export function selfSigned(directory: string): { cert: string; key: string } {
  const cert = join(directory, 'peer.crt');
  const key = join(directory, 'peer.key');
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  spawnSync('openssl', [...args, '-subj', '/CN=localhost', '-keyout', key, '-out', cert]);
  return { cert, key };
}

function nginxConfig(directory: string, name: string, http: string): string {
  const file = join(directory, `${name}.conf`);
  writeFileSync(
    file,
    `worker_processes 1; daemon off; pid ${directory}/${name}.pid; error_log /dev/null crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000; client_body_temp_path ${directory}/${name}-body; proxy_temp_path ${directory}/${name}-proxy;
fastcgi_temp_path ${directory}/${name}-f; uwsgi_temp_path ${directory}/${name}-u; scgi_temp_path ${directory}/${name}-s;
${http} }
`,
  );
  return file;
}

/** The upstream every proxy stands before: nginx answering 1 KiB from memory. */
export async function startUpstream(bed: Pick<Bed, 'children' | 'directory'>): Promise<string> {
  const port = await freePort();
  const body = 'x'.repeat(1024);
  const http = `server { listen 127.0.0.1:${port} backlog=1024; location / { default_type text/plain; return 200 "${body}"; } }`;
  start(bed, '/usr/sbin/nginx', { args: ['-c', nginxConfig(bed.directory, 'upstream', http)] });
  await untilListening(port);
  return `http://127.0.0.1:${port}`;
}

async function startTrivialAuth(bed: Bed): Promise<string> {
  const port = await freePort();
  const http = `server { listen 127.0.0.1:${port}; location / { return 204; } }`;
  start(bed, '/usr/sbin/nginx', { args: ['-c', nginxConfig(bed.directory, 'auth', http)] });
  await untilListening(port);
  return `127.0.0.1:${port}`;
}

function nginxPeer(bed: Bed, ports: { plain: number; tls: number }, auth: string | null): string {
  const upstream = bed.upstream.slice('http://'.length);
  const check = auth === null ? '' : 'auth_request /auth;';
  const location = `location / { ${check} proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }
${auth === null ? '' : 'location = /auth { internal; proxy_pass http://authup/; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass_request_body off; proxy_set_header Content-Length ""; }'}`;
  return `upstream up { server ${upstream}; keepalive 128; keepalive_requests 1000000; }
${auth === null ? '' : `upstream authup { server ${auth}; keepalive 128; keepalive_requests 1000000; }`}
server { listen 127.0.0.1:${ports.plain}; ${location} }
server { listen 127.0.0.1:${ports.tls} ssl; ssl_protocols TLSv1.3; ssl_certificate ${bed.certificate.cert}; ssl_certificate_key ${bed.certificate.key}; ${location} }`;
}

type Started = { readonly plain: Peer; readonly tls: Peer } | { readonly missing: string };

const peer = (name: string, port: number, options: { tls: boolean; headers?: Record<string, string> }): Peer => ({
  name,
  url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/`,
  headers: options.headers ?? {},
});

export async function startNginx(bed: Bed, options: { withAuth: boolean }): Promise<Started> {
  if (findProgram(['/usr/sbin/nginx']) === undefined) return { missing: 'nginx (Debian package `nginx-light`)' };
  const auth = options.withAuth ? await startTrivialAuth(bed) : null;
  const ports = { plain: await freePort(), tls: await freePort() };
  const name = options.withAuth ? 'nginx + auth_request' : 'nginx, bare proxy';
  const file = nginxConfig(bed.directory, options.withAuth ? 'gate' : 'bare', nginxPeer(bed, ports, auth));
  start(bed, '/usr/sbin/nginx', { args: ['-c', file] });
  await untilListening(ports.plain);
  return { plain: peer(name, ports.plain, { tls: false }), tls: peer(name, ports.tls, { tls: true }) };
}

/** One JavaScript thread that hands bytes on and does nothing else: what nothing written in JavaScript can be faster than. */
export async function startNodeRelay(bed: Bed): Promise<Started> {
  const ports = { plain: await freePort(), tls: await freePort() };
  const file = fileURLToPath(new URL('./relay.ts', import.meta.url));
  const upstream = new URL(bed.upstream).port;
  const { cert, key } = bed.certificate;
  start(bed, process.execPath, { args: [file, `${ports.plain}`, `${ports.tls}`, upstream, cert, key] });
  await untilListening(ports.tls);
  const name = 'bare Node relay';
  return { plain: peer(name, ports.plain, { tls: false }), tls: peer(name, ports.tls, { tls: true }) };
}

export async function startCaddy(bed: Bed): Promise<Started> {
  if (findProgram(['/usr/bin/caddy']) === undefined) return { missing: 'caddy (Debian package `caddy`)' };
  const authPort = await freePort();
  const ports = { plain: await freePort(), tls: await freePort() };
  const authFile = nginxConfig(
    bed.directory,
    'caddy-auth',
    `server { listen 127.0.0.1:${authPort}; location / { return 204; } }`,
  );
  start(bed, '/usr/sbin/nginx', { args: ['-c', authFile] });
  const site = `forward_auth 127.0.0.1:${authPort} { uri / }
  reverse_proxy ${bed.upstream} { transport http { keepalive_idle_conns_per_host 128 } }`;
  const file = join(bed.directory, 'Caddyfile');
  writeFileSync(
    file,
    `{ admin off
  auto_https off
  log { output discard } }
http://127.0.0.1:${ports.plain} { bind 127.0.0.1
  ${site} }
https://127.0.0.1:${ports.tls} { bind 127.0.0.1
  tls ${bed.certificate.cert} ${bed.certificate.key} { protocols tls1.3 }
  ${site} }
`
      .replace(/ \{ (?=[a-z])/g, ' {\n')
      .replace(/ \}/g, '\n}'),
  );
  const home = join(bed.directory, 'caddy-home');
  mkdirSync(home);
  start(bed, '/usr/bin/caddy', {
    args: ['run', '--config', file, '--adapter', 'caddyfile'],
    env: { GOMAXPROCS: '1', HOME: home },
  });
  await untilListening(ports.plain);
  const name = 'Caddy forward_auth';
  return { plain: peer(name, ports.plain, { tls: false }), tls: peer(name, ports.tls, { tls: true }) };
}

/** oauth2-proxy with a cookie session, signed in through its own password form so that no provider is needed. */
export async function startOauth2Proxy(bed: Bed): Promise<Started> {
  const program = findProgram([
    process.env['OAUTH2_PROXY'] ?? '',
    '/usr/local/bin/oauth2-proxy',
    '/usr/bin/oauth2-proxy',
  ]);
  if (program === undefined) return { missing: 'oauth2-proxy (build it from its source and name it in OAUTH2_PROXY)' };
  const ports = { plain: await freePort(), tls: await freePort() };
  const password = randomBytes(12).toString('hex');
  const passwords = join(bed.directory, 'htpasswd');
  writeFileSync(passwords, `bench:{SHA}${createHash('sha1').update(password).digest('base64')}\n`);
  const common = [
    `--upstream=${bed.upstream}/`,
    `--htpasswd-file=${passwords}`,
    `--cookie-secret=${randomBytes(16).toString('hex')}`,
    '--cookie-secure=false',
    '--email-domain=*',
    '--provider=oidc',
    '--client-id=bench',
    '--client-secret=bench',
    '--skip-oidc-discovery',
    '--oidc-issuer-url=http://127.0.0.1:9',
    '--login-url=http://127.0.0.1:9/a',
    '--redeem-url=http://127.0.0.1:9/t',
    '--oidc-jwks-url=http://127.0.0.1:9/j',
    '--request-logging=false',
    '--auth-logging=false',
    '--standard-logging=false',
    '--pass-host-header=false',
  ];
  // It serves one of plain and TLS, never both; the two share the secret, so one sign-in is good for both.
  start(bed, program, { args: [`--http-address=127.0.0.1:${ports.plain}`, ...common], env: { GOMAXPROCS: '1' } });
  const tls = [
    `--https-address=127.0.0.1:${ports.tls}`,
    `--tls-cert-file=${bed.certificate.cert}`,
    `--tls-key-file=${bed.certificate.key}`,
    '--tls-min-version=TLS1.3',
  ];
  start(bed, program, { args: [...tls, ...common], env: { GOMAXPROCS: '1' } });
  await untilListening(ports.plain);
  await untilListening(ports.tls);
  const headers = { cookie: await formSignIn(ports.plain, password) };
  const name = 'oauth2-proxy';
  return {
    plain: peer(name, ports.plain, { tls: false, headers }),
    tls: peer(name, ports.tls, { tls: true, headers }),
  };
}

function formSignIn(port: number, password: string): Promise<string> {
  const body = `username=bench&password=${password}`;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path: '/oauth2/sign_in',
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length },
      },
      (answer) => {
        answer.resume();
        const cookies = (answer.headers['set-cookie'] ?? []).map((line) => line.split(';')[0] ?? '');
        if (cookies.length === 0) reject(new Error(`oauth2-proxy did not sign in: ${answer.statusCode}`));
        else resolve(cookies.join('; '));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
