import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { connect } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { bytesField, grpcFrame, messageIn, readFields, textOf } from '#enforcement/adapters';
import { KeptFields } from '#enforcement/gateway';
import type { AppCookie } from '#foundation/model';
import { fakeFact } from '../../../../../tests/fakes/fact-view.ts';
import { policiesWithTodo, startTestPdp, tokenRow, userRow } from '../test-pdp.ts';

const session = fakeFact('session', { user: 'u-ada', authTime: Date.now(), createdAt: Date.now() });
const cookie: AppCookie = {
  session: 's1',
  resource: 'wiki',
  hash: hash('sha256', 'secret', 'base64url'),
  previousHash: null,
  previousUntil: 0,
  rotatedAt: Date.now(),
};
const group = (id: string) =>
  ({
    kind: 'group',
    id,
    body: { displayName: '', description: '', memberOf: [] as string[], origin: 'builtin' },
  }) as const;
const rows = [
  group('administrators'),
  group('everyone'),
  userRow('u-ada', { name: 'ada', groups: ['administrators'] }),
  { kind: 'session', id: 's1', body: session } as const,
  { kind: 'app-cookie', id: 'c1', body: cookie } as const,
  tokenRow('t-proxy', 'nls_proxy', ['pdp:app:wiki']),
  tokenRow('t-other', 'nls_other', ['pdp:app:other']),
];
const assertionField = new KeptFields('nullius-assertion', 'a.b.c');
const asAda = { cookie: 'theme=dark; __Host-nullius_app=secret' };
const caller = { 'nullius-caller': 'nls_proxy' };
const nginx = (uri: string, more: Record<string, string> = {}) => ({
  ...caller,
  'x-original-method': 'GET',
  'x-original-uri': uri,
  'x-forwarded-host': 'wiki.localhost:8080',
  'x-forwarded-proto': 'http',
  'x-real-ip': '192.0.2.7',
  ...more,
});
const forward = (uri: string, more: Record<string, string> = {}) => ({
  ...caller,
  'x-forwarded-method': 'GET',
  'x-forwarded-uri': uri,
  'x-forwarded-host': 'wiki.localhost:8080',
  'x-forwarded-proto': 'http',
  'x-forwarded-for': '10.9.9.9, 192.0.2.7',
  ...more,
});
const page = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

async function start(t: TestContext, policies = policiesWithTodo(), app = {}) {
  const pdp = await startTestPdp(t, { rows, policies, app });
  const get = (path: string, headers: Record<string, string>) => pdp.send(path, { method: 'GET', headers });
  return { ...pdp, get };
}

test('a proxy is answered yes with the identity for the app, and the app gets none of our credentials', async (t) => {
  const { get, events, gate } = await start(t);
  Object.assign(gate, { assertions: { get: () => assertionField } });
  for (const [path, headers] of [
    ['/auth/nginx', nginx('/page?x=1', asAda)],
    ['/auth/forward', forward('/page?x=1', asAda)],
    [
      '/auth/envoy/page?x=1',
      { ...caller, ...asAda, host: 'wiki.localhost:8080', 'x-forwarded-proto': 'http', 'x-forwarded-for': '192.0.2.7' },
    ],
  ] as const) {
    const allowed = await get(path, headers);
    assert.equal(allowed.status, 200, `${path}: ${allowed.text}`);
    assert.equal(allowed.headers['nullius-assertion'], 'a.b.c');
    assert.equal(allowed.headers['nullius-cookie'], 'theme=dark');
    assert.ok(allowed.headers['nullius-decision']);
    const event = events.at(-1);
    assert.equal(event?.id, allowed.headers['nullius-decision']);
    assert.match(String(event?.payload), /"path":"\/page"/);
    assert.match(String(event?.payload), /192\.0\.2\.7/);
    assert.match(String(event?.payload), /"via":"t-proxy"/);
  }
});

test('Traefik, which cannot rename headers, finds by their own names what the app may see, and nothing where there is nothing', async (t) => {
  const { get } = await start(t);
  const allowed = await get('/auth/forward', forward('/page', { ...asAda, authorization: 'Basic YTpi' }));
  assert.deepEqual([allowed.headers.cookie, allowed.headers['authorization']], ['theme=dark', 'Basic YTpi']);
  const bare = await get('/auth/forward', forward('/page', { cookie: '__Host-nullius_app=secret' }));
  assert.deepEqual([bare.status, bare.headers.cookie, bare.headers['authorization']], [200, undefined, undefined]);
});

test('whoever is no proxy of ours is refused, whatever headers it sends', async (t) => {
  const { get, events } = await start(t);
  const { 'nullius-caller': _none, ...spoofed } = nginx('/page', asAda);
  for (const headers of [
    spoofed,
    { ...spoofed, authorization: 'Bearer nls_proxy' },
    { ...spoofed, 'nullius-caller': 'nls_wrong' },
    { ...spoofed, 'nullius-caller': 'nls_other' },
    { ...spoofed, 'nullius-caller': '' },
  ]) {
    const refused = await get('/auth/nginx', headers);
    assert.equal(refused.status, 403);
    assert.equal(refused.headers['nullius-assertion'], undefined);
  }
  assert.equal(events.length, 0);
});

test('strangers are sent to sign in as each proxy can, and programs get 401', async (t) => {
  const { get } = await start(t);
  const signIn = 'http://wiki.localhost:8080/.nullius/sign-in?return_to=%2Fpage%3Fx%3D1';
  const atNginx = await get('/auth/nginx', nginx('/page?x=1', page));
  assert.deepEqual([atNginx.status, atNginx.headers['nullius-sign-in']], [401, signIn]);
  const person = await get('/auth/forward', forward('/page?x=1', page));
  assert.deepEqual([person.status, person.headers.location], [303, signIn]);
  const program = await get('/auth/forward', forward('/page?x=1'));
  assert.deepEqual([program.status, program.headers.location], [401, undefined]);
  const posted = await get('/auth/forward', forward('/page', { 'x-forwarded-method': 'POST' }));
  assert.equal(posted.status, 401);
});

test('a refused person gets the reason through a forwarding proxy, and 403 through nginx', async (t) => {
  const { get } = await start(
    t,
    policiesWithTodo(
      '@id("shut") @description("The wiki is shut.") forbid (principal, action, resource == App::"wiki");',
    ),
  );
  const refused = await get('/auth/forward', forward('/page', { ...asAda, ...page }));
  assert.equal(refused.status, 403);
  assert.match(refused.text, /The wiki is shut/);
  const atNginx = await get('/auth/nginx', nginx('/page', { ...asAda, ...page }));
  assert.deepEqual([atNginx.status, atNginx.headers['nullius-sign-in'], atNginx.text], [403, undefined, '']);
});

test('what can be read in two ways, and what the proxy did not say once, is refused', async (t) => {
  const { get } = await start(t);
  for (const uri of ['/a/../b', '/a/%2e%2e/b', '//b', '/a\\b', '/a;b', '/a%00', 'http://wiki.localhost/', '/a%252e']) {
    const refused = await get('/auth/nginx', nginx(uri, asAda));
    assert.equal(refused.status, 403, uri);
    assert.ok((await get('/auth/forward', forward(uri, asAda))).status >= 400, uri);
  }
  for (const name of ['x-original-method', 'x-original-uri', 'x-forwarded-host', 'x-forwarded-proto']) {
    const { [name]: _left, ...rest } = nginx('/page', asAda) as Record<string, string>;
    assert.equal((await get('/auth/nginx', rest)).status, 403, name);
    const twice = { ...rest, [name]: ['a', 'b'] } as unknown as Record<string, string>;
    assert.equal((await get('/auth/nginx', twice)).status, 403, `${name} twice`);
  }
  assert.equal(
    (await get('/auth/nginx', nginx('/page', { ...asAda, 'x-forwarded-host': 'wiki.localhost@evil' }))).status,
    403,
  );
  assert.equal((await get('/auth/nginx', nginx('/.nullius/sign-out', asAda))).status, 403, 'our own folder is ours');
  assert.equal(
    (await get('/auth/nginx', nginx('/', { ...asAda, 'x-forwarded-host': 'console.localhost:8080' }))).status,
    403,
  );
  assert.equal((await get('/auth/nginx', nginx('/', { ...asAda, 'x-http-method-override': 'GET' }))).status, 400);
});

test('the address is the one that the proxy saw, the route the one of the path, and a cookie of another app speaks for nobody', async (t) => {
  const policies = policiesWithTodo(`
    @id("office") forbid (principal, action, resource == App::"wiki") when { context.address.isInRange(ip("192.0.2.0/24")) && context.route == "secret" };
  `);
  const routes = [{ path: '/secret/**', label: 'secret', encodedSlash: false }];
  const { get, put } = await start(t, policies, { routes });
  const elsewhere = { ...cookie, resource: 'other', hash: hash('sha256', 'elsewhere', 'base64url') };
  put([{ kind: 'app-cookie', id: 'c2', body: elsewhere }]);
  const status = async (headers: Record<string, string>) => (await get('/auth/forward', headers)).status;
  assert.equal(await status(forward('/secret/x', { cookie: '__Host-nullius_app=elsewhere' })), 401);
  assert.equal(await status(forward('/secret/x', asAda)), 403);
  assert.equal(await status(forward('/secret/x', { ...asAda, 'x-forwarded-for': '192.0.2.7, 10.9.9.9' })), 200);
});

test('a path that gets another route while the answer is made is answered by the route that it has then', async (t) => {
  const policies = policiesWithTodo(`
    @id("secret") forbid (principal, action, resource == App::"wiki") when { context.route == "secret" };
  `);
  const { get, put, gate, events } = await start(t, policies);
  const app = gate.facts.get('resource', 'wiki');
  assert.ok(app);
  let onAssertion = () => {};
  const assertion = () => {
    onAssertion();
    return assertionField;
  };
  Object.assign(gate, { assertions: { get: assertion } });
  assert.equal((await get('/auth/forward', forward('/secret/x', asAda))).status, 200);
  const routes = [{ path: '/secret/**', label: 'secret', encodedSlash: false }];
  onAssertion = () => put([{ kind: 'resource', id: 'wiki', body: { ...app, routes } }]);
  assert.equal((await get('/auth/forward', forward('/secret/x', asAda))).status, 403);
  assert.match(String(events.at(-1)?.payload), /"route":"secret"/);
});

test('facts of another epoch count as moved, though their revision is the same', async (t) => {
  const { get, gate, facts } = await start(t);
  const assertion = () => {
    const others = facts.rows().filter(({ kind }) => kind !== 'session');
    facts.replace({ epoch: facts.epoch + 1, revision: facts.revision, rows: others });
    return assertionField;
  };
  Object.assign(gate, { assertions: { get: assertion } });
  assert.notEqual((await get('/auth/forward', forward('/page', asAda))).status, 200, 'her session is gone');
});

test('where facts have grown too old while the answer was made, the answer is no', async (t) => {
  const { get, gate } = await start(t, policiesWithTodo());
  let isFresh = true;
  const assertion = () => {
    isFresh = false;
    return assertionField;
  };
  Object.assign(gate, { isFreshFor: () => isFresh, assertions: { get: assertion } });
  assert.equal((await get('/auth/forward', forward('/page', asAda))).status, 503);
});

test('a handshake of a WebSocket must be allowed as a connection too', async (t) => {
  const policies = policiesWithTodo(
    '@id("no-sockets") forbid (principal, action == Action::"connect", resource == App::"wiki");',
  );
  const { get, gate } = await start(t, policies);
  Object.assign(gate, { assertions: { get: () => assertionField } });
  assert.equal((await get('/auth/nginx', nginx('/ws', asAda))).status, 200);
  assert.equal((await get('/auth/nginx', nginx('/ws', { ...asAda, 'sec-websocket-key': 'x' }))).status, 403);
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
  assert.equal((await get('/auth/forward', forward('/ws', { ...asAda, ...upgrade }))).status, 403, 'without a key');
});

test('a WebSocket that policy allows passes, any other upgrade is refused', async (t) => {
  const { get, port, gate } = await start(t);
  Object.assign(gate, { assertions: { get: () => assertionField } });
  const handshake = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x' };
  assert.equal((await get('/auth/forward', forward('/ws', { ...asAda, ...handshake }))).status, 200);
  const posted = { ...asAda, ...handshake, 'x-forwarded-method': 'POST' };
  assert.equal((await get('/auth/forward', forward('/ws', posted))).status, 400);
  for (const headers of [{ connection: 'Upgrade', upgrade: 'h2c' }, { 'http2-settings': 'AAMAAABkAAQAAP__' }])
    assert.equal((await get('/auth/forward', forward('/ws', { ...asAda, ...headers }))).status, 400);
  const isAllowed = async (headers: Record<string, string>) =>
    messageIn((await check(port, { headers: { ...asAda, ...headers } })).message, 3).byteLength > 0;
  assert.deepEqual([await isAllowed({ upgrade: 'websocket' }), await isAllowed({ upgrade: 'h2c' })], [true, false]);
});

test('a header of ours in another spelling, which the proxy would let the app have, is refused', async (t) => {
  const { get, port } = await start(t);
  for (const name of ['Nullius_Assertion', 'nullius.decision', 'X_Forwarded_For', 'x-nullius_user', 'cookie_2'])
    assert.equal(
      (await get('/auth/forward', forward('/page', { ...asAda, [name]: 'a.b.c' }))).status,
      name === 'cookie_2' ? 200 : 400,
      name,
    );
  const checked = await check(port, { headers: { ...asAda, nullius_assertion: 'a.b.c' } });
  assert.equal(messageIn(checked.message, 3).byteLength, 0);
  assert.equal((await get('/auth/forward', forward('/page', { ...asAda, 'nullius-assertion': 'a.b.c' }))).status, 200);
});

interface Check {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly metadata?: Record<string, string>;
  readonly body?: Uint8Array;
}

/** Asks as Envoy does: one unary gRPC call over HTTP/2 without TLS. */
function check(port: number, { path = '/page', headers = {}, metadata = caller, body }: Check) {
  const http = [
    bytesField(2, 'GET'),
    ...Object.entries(headers).map(([name, value]) =>
      bytesField(3, Buffer.concat([bytesField(1, name), bytesField(2, value)])),
    ),
    bytesField(4, path),
    bytesField(5, 'wiki.localhost:8080'),
    bytesField(6, 'http'),
  ];
  const request = bytesField(4, bytesField(2, Buffer.concat(http)));
  const source = bytesField(1, bytesField(1, bytesField(1, bytesField(2, '192.0.2.7'))));
  const message = bytesField(1, Buffer.concat([source, request]));
  return new Promise<{ headers: Record<string, unknown>; trailers: Record<string, unknown>; message: Buffer }>(
    (resolve, reject) => {
      const client = connect(`http://127.0.0.1:${port}`);
      client.on('error', reject);
      const call = client.request({
        ':method': 'POST',
        ':path': '/envoy.service.auth.v3.Authorization/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
        ...metadata,
      });
      const answer: { headers: Record<string, unknown>; trailers: Record<string, unknown>; chunks: Buffer[] } = {
        headers: {},
        trailers: {},
        chunks: [],
      };
      call.on('response', (received) => Object.assign(answer.headers, received));
      call.on('trailers', (received) => Object.assign(answer.trailers, received));
      call.on('data', (chunk: Buffer) => answer.chunks.push(chunk));
      call.on('error', reject);
      call.on('close', () => {
        client.close();
        resolve({ ...answer, message: Buffer.concat(answer.chunks).subarray(5) });
      });
      call.end(body ?? grpcFrame(message));
    },
  );
}

/** Headers of an ok (3, in 2) or denied (2, in 2) response. */
function headersIn(message: Uint8Array, number: 2 | 3): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { number: field, value } of readFields(messageIn(message, number))) {
    if (field !== 2 || typeof value === 'bigint') continue;
    const header = messageIn(value, 1);
    const [name, text] = [1, 2].map((each) => textOf(messageIn(header, each)));
    found[name ?? ''] = text ?? '';
  }
  return found;
}

test('Envoy is answered over gRPC: yes with identity, no with the answer for the client, and as a failed call without its token', async (t) => {
  const { port, gate } = await start(t);
  Object.assign(gate, { assertions: { get: () => assertionField } });
  const allowed = await check(port, { headers: asAda });
  assert.equal(allowed.trailers['grpc-status'], '0');
  const set = headersIn(allowed.message, 3);
  assert.deepEqual([set['nullius-assertion'], set['cookie']], ['a.b.c', 'theme=dark']);
  const denied = await check(port, { headers: page });
  assert.equal(
    headersIn(denied.message, 2)['location'],
    'http://wiki.localhost:8080/.nullius/sign-in?return_to=%2Fpage',
  );
  assert.equal(messageIn(denied.message, 3).byteLength, 0, 'nothing that lets it pass');
  assert.equal((await check(port, { metadata: {} })).headers['grpc-status'], '16');
  assert.equal((await check(port, { metadata: { 'nullius-caller': 'nls_wrong' } })).headers['grpc-status'], '16');
  const inRequest = await check(port, { metadata: {}, headers: { 'nullius-caller': 'nls_proxy' } });
  assert.equal(inRequest.headers['grpc-status'], '16', 'a client cannot show the proxy’s token in its own request');
  const asMetadata = await check(port, { metadata: { authorization: 'Bearer nls_proxy' }, headers: asAda });
  assert.equal(asMetadata.trailers['grpc-status'], '0');
  for (const path of ['/a/../b', '//x', '']) {
    const refused = await check(port, { path, headers: asAda });
    assert.equal(messageIn(refused.message, 3).byteLength, 0, path);
  }
  for (const body of [
    Buffer.alloc(0),
    Buffer.from([1, 0, 0, 0, 0]),
    Buffer.from([0, 0, 0, 0, 9, 1]),
    grpcFrame(Buffer.from([0xff, 0xff])),
  ]) {
    const broken = await check(port, { body });
    assert.equal(broken.headers['grpc-status'], '3');
  }
});
