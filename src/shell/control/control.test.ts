import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sha256Base64url } from '#foundation/crypto';
import { formatUid } from '#foundation/model';
import { connectSigner } from '#shell/signer-client';
import { adminTokenFile } from '#shell/wire';
import { startTestControl, type TestControl, until } from '../../../tests/fakes/test-control.ts';
import { routes } from './api/routes.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl({
    config:
      'segments: [{ name: internal, sensitivity: low }]\nresources: [{ name: wiki, upstream: "http://127.0.0.1:3000", allowPrivate: true, segment: internal }]\n',
  });
});
after(async () => control.stop());

const admin = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  control.call(method, `/api/v1${path}`, {
    ...(body === undefined ? {} : { body }),
    ...(headers === undefined ? {} : { headers }),
  });

/** A token of the operator's with these scopes, used on the socket behind the gateway. */
async function tokenCaller(scopes: string[]) {
  const { body } = await admin('POST', '/tokens', { label: 'test', scopes, lifetimeMs: 3_600_000 });
  return (method: string, path: string, sent?: unknown) =>
    control.call(method, `/api/v1${path}`, {
      socket: 'web',
      headers: { authorization: `Bearer ${body.token}` },
      ...(sent === undefined ? {} : { body: sent }),
    });
}

test('the admin socket is open to its owner only', () => {
  assert.equal(statSync(control.handoff.sockets.admin).mode & 0o777, 0o600);
});

test('whoever can open the admin socket but cannot read its token is refused', async () => {
  const file = adminTokenFile(control.handoff.dataDirectory);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const token = readFileSync(file, 'utf8');
  const { gatewayToken, signerToken } = control.handoff;
  for (const authorization of ['', 'Bearer', 'Bearer ', token, `Bearer ${token}x`, `Bearer ${token.slice(1)}`]) {
    assert.equal((await admin('GET', '/users', undefined, { authorization })).status, 401, authorization);
  }
  for (const other of [gatewayToken, signerToken]) {
    assert.equal((await admin('GET', '/users', undefined, { authorization: `Bearer ${other}` })).status, 401);
  }
  assert.equal((await admin('GET', '/users')).status, 200);
  const onWeb = { socket: 'web', headers: { authorization: `Bearer ${token}` } } as const;
  assert.equal((await control.call('GET', '/api/v1/users', onWeb)).status, 401, 'it opens its own socket only');
});

test('the first start tells the link for the first administrator and publishes the shipped policies', async () => {
  assert.ok(
    control.notices.some((line) => /^first administrator http:\/\/id\.localhost:8080\/enrol#/.test(line)),
    control.notices.join('\n'),
  );
  const { body } = await admin('GET', '/policies/current');
  assert.equal(body.sequence, 1);
  assert.ok(body.policies.length > 0);
  assert.ok(!('manifest' in body));
});

test('every route refuses a caller who shows nothing, and one who shows an assertion nobody signed', async () => {
  for (const route of routes) {
    const path = `/api/v1${route.path.replace(/:\w+/g, 'x')}`;
    const bare = await control.call(route.method, path, { socket: 'web' });
    assert.equal(bare.status, 401, `${route.method} ${route.path}`);
    const forged = await control.call(route.method, path, {
      socket: 'web',
      headers: { 'nullius-assertion': `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.` },
    });
    assert.equal(forged.status, 401, `${route.method} ${route.path}`);
  }
});

test('every route refuses a token whose scopes do not cover it', async () => {
  const caller = await tokenCaller(['app:wiki']);
  for (const route of routes) {
    const { status, body } = await caller(
      route.method,
      route.path.replace(/:\w+/g, 'x'),
      route.body === undefined ? undefined : {},
    );
    assert.equal(status, 403, `${route.method} ${route.path}`);
    assert.equal(body.code, 'denied');
    assert.ok(body.correlationId);
  }
});

test('every route that writes refuses a token that may only read', async () => {
  const caller = await tokenCaller(['read']);
  for (const route of routes.filter((each) => each.action === 'write')) {
    const { status } = await caller(
      route.method,
      route.path.replace(/:\w+/g, 'x'),
      route.body === undefined ? undefined : {},
    );
    assert.equal(status, 403, `${route.method} ${route.path}`);
  }
});

test('every list answers a page in the shape it declares', async () => {
  const queries: Readonly<Record<string, string>> = {
    '/overview/activity': '?since=0&bucketMs=3600000',
    '/policies/who-can': '?action=read&resource=wiki',
    '/policies/what-can': '?who=stranger',
  };
  for (const route of routes.filter(
    (each) => each.method === 'GET' && !each.path.includes(':') && each.contentType === undefined,
  )) {
    if (route.path.startsWith('/me/')) continue;
    const { status, body, text } = await admin('GET', `${route.path}${queries[route.path] ?? ''}`);
    assert.equal(status, 200, `${route.path}: ${text}`);
    const parsed = route.answer.safeParse(body);
    assert.ok(parsed.success, `${route.path}: ${parsed.error?.message}`);
  }
});

test('the OpenAPI document describes every route with its scopes', async () => {
  const { body } = await admin('GET', '/openapi.json');
  assert.equal(body.openapi, '3.1.0');
  for (const route of routes.filter((each) => each.path !== '/openapi.json')) {
    const operation = body.paths[route.path.replace(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()];
    assert.deepEqual(
      operation?.security[0],
      { token: [`${route.noun}:${route.action}`] },
      `${route.method} ${route.path}`,
    );
  }
  const ids = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>).flatMap((path) =>
    Object.values(path).map((each) => each.operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
});

test('a resource is added with two fields, changed by If-Match, and removed', async () => {
  const added = await admin('POST', '/resources', { name: 'git', upstream: 'https://git.example.com' });
  assert.equal(added.status, 201);
  assert.equal(added.body.url, 'http://git.localhost:8080/');
  const tag = String(added.headers['etag']);
  assert.equal((await admin('POST', '/resources', { name: 'git', upstream: 'https://git.example.com' })).status, 409);
  const changed = await admin('PATCH', '/resources/git', { displayName: 'Git' }, { 'if-match': tag });
  assert.equal(changed.body.displayName, 'Git');
  assert.equal((await admin('PATCH', '/resources/git', { displayName: 'X' }, { 'if-match': tag })).status, 412);
  assert.equal((await admin('DELETE', '/resources/git')).status, 204);
  assert.equal((await admin('GET', '/resources/git')).status, 404);
});

test('what is made is read where `Location` says', async () => {
  const bodies: [string, object][] = [
    ['/resources', { name: 'docs', upstream: 'https://docs.example.com' }],
    ['/groups', { name: 'writers' }],
    ['/segments', { name: 'drafts', sensitivity: 'low' }],
    ['/tokens', { label: 'ci', scopes: ['resource:read'], lifetimeMs: 60_000 }],
  ];
  for (const [path, body] of bodies) {
    const made = await admin('POST', path, body);
    assert.equal(made.status, 201, path);
    const location = String(made.headers['location']);
    assert.ok(location.startsWith(`/api/v1${path}/`), location);
    const read = await admin('GET', location.slice('/api/v1'.length));
    assert.deepEqual([read.status, read.body.id], [200, made.body.id]);
  }
});

test('an upstream on a private address needs saying so, and our own hosts cannot be taken', async () => {
  for (const upstream of [
    'http://127.0.0.1:1',
    'http://169.254.169.254',
    'http://[::1]',
    'ftp://x.example',
    'unix:/etc/passwd',
    'http://u:p@x.example',
  ]) {
    const { status, body } = await admin('POST', '/resources', { name: 'bad', upstream });
    assert.equal(status, 400, upstream);
    assert.equal(body.errors[0].path, 'upstream');
  }
  assert.equal(
    (await admin('POST', '/resources', { name: 'id', upstream: 'https://x.example' })).body.code,
    'reserved',
  );
});

test('a name of nothing there is told with the nearest one, to whoever may read those names', async () => {
  const nearest = /; the nearest is `(\w+)`/;
  const told = async (method: string, path: string, body?: unknown) =>
    nearest.exec((await admin(method, path, body)).body.detail)?.[1];
  assert.equal(await told('GET', '/groups/administrater'), 'administrators');
  assert.equal(await told('GET', '/resources/wikki'), 'wiki');
  assert.equal(await told('DELETE', '/segments/intrnal'), 'internal');
  assert.equal(await told('GET', '/segments/zzzzzzzzzzzzzz'), undefined);
  const app = { name: 'blog', upstream: 'https://blog.example.com', segment: 'internel' };
  assert.match((await admin('POST', '/resources', app)).body.errors[0].message, nearest);
  assert.equal(await told('POST', '/groups', { name: 'ops', memberOf: ['administrator'] }), 'administrators');
  assert.equal(await told('POST', '/segments', { name: 'pci', sensitivity: 'high', within: 'internl' }), 'internal');
  const staged = { changes: [{ id: 'auditors-read', state: 'staged', stage: { segments: ['interna'] } }] };
  assert.equal(await told('POST', '/policies/states', staged), 'internal');
  const writer = await tokenCaller(['resource:write']);
  const { status, body } = await writer('POST', '/resources', app);
  assert.deepEqual([status, body.detail], [400, '`segment` names no segment there is: `internel`']);
});

test('what came from the configuration is read-only', async () => {
  for (const [method, path] of [
    ['DELETE', '/resources/wiki'],
    ['DELETE', '/segments/internal'],
    ['DELETE', '/groups/administrators'],
  ] as const) {
    assert.equal((await admin(method, path)).status, 409, path);
  }
});

test('unknown members, wrong types, wrong media types and oversized bodies are refused by name', async () => {
  assert.match((await admin('POST', '/groups', { name: 'staff', admin: true })).body.detail, /admin|unrecognized/i);
  assert.equal((await admin('POST', '/groups', { name: 'UPPER' })).body.errors[0].path, 'name');
  assert.equal((await admin('POST', '/groups', { name: 'staff' }, { 'content-type': 'text/plain' })).status, 415);
  assert.equal((await admin('POST', '/groups', '{')).status, 400);
  assert.equal((await admin('POST', '/groups', { name: 'a', description: 'x'.repeat(2_000_000) })).status, 413);
  assert.equal((await admin('GET', '/groups?limit=1&limit=2')).status, 400);
  assert.equal((await admin('GET', '/groups?nonsense=1')).status, 400);
  const { status, headers } = await admin('DELETE', '/groups');
  assert.equal(status, 405);
  assert.equal(headers['allow'], 'GET, POST');
});

test('text that is no Unicode is refused, with the member that holds it', async () => {
  const lone = await control.call('POST', '/api/v1/groups', { body: '{"name":"odd","displayName":"a\\ud800b"}' });
  assert.equal(lone.status, 400);
  assert.match(lone.body.detail, /holds half a surrogate pair/);
  const named = await control.call('POST', '/api/v1/groups', { body: '{"name":"odd","\\udc00":""}' });
  assert.equal(named.status, 400);
  const whole = await control.call('POST', '/api/v1/groups', {
    body: '{"name":"even","displayName":"\\ud83d\\ude00"}',
  });
  assert.equal(whole.body.displayName, '😀');
});

test('lists are paged without repeats or gaps', async () => {
  for (const name of ['page-a', 'page-b', 'page-c']) await admin('POST', '/groups', { name });
  const seen: string[] = [];
  let cursor = '';
  do {
    const { body } = await admin('GET', `/groups?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...body.items.map((item: { id: string }) => item.id));
    cursor = body.next ?? '';
  } while (cursor !== '');
  assert.deepEqual(seen, [...new Set(seen)].sort());
  assert.ok(['page-a', 'page-b', 'page-c', 'administrators'].every((name) => seen.includes(name)));
  assert.equal((await admin('GET', '/groups?cursor=%%%')).status, 400);
});

test('events are paged forward too, each once and oldest first', async () => {
  for (let turn = 0; turn < 5; turn += 1)
    await admin('POST', '/segments', { name: `forward-${turn}`, sensitivity: 'high' });
  const messages: string[] = [];
  let pages = 0;
  for (let cursor = ''; ; pages += 1) {
    const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { body } = await admin('GET', `/events?order=oldest-first&limit=2&q=made%20segment%20forward${after}`);
    messages.push(...body.items.map((item: { payload: { message: string } }) => item.payload.message));
    if (body.next === null) break;
    cursor = body.next;
  }
  assert.ok(pages >= 2, `${pages}`);
  assert.deepEqual(
    messages,
    [0, 1, 2, 3, 4].map((turn) => `made segment forward-${turn}`),
  );
  assert.equal((await admin('GET', '/events?order=sideways')).status, 400);
});

test('a change is in the journal when it is answered', async () => {
  await admin('POST', '/segments', { name: 'journalled', sensitivity: 'high' });
  const { body } = await admin('GET', '/events?q=made%20segment%20journalled');
  assert.equal(body.items.length, 1);
  assert.equal(body.items[0].payload.entity.uid, 'journalled');
  assert.equal((await admin('GET', `/events/${body.items[0].id}`)).body.id, body.items[0].id);
});

test('a token is shown once and only its hash is kept', async () => {
  const { body } = await admin('POST', '/tokens', { label: 'ci', scopes: ['user:read'], lifetimeMs: 60_000 });
  assert.match(body.token, /^nls_/);
  const { text } = await admin('GET', '/tokens');
  assert.ok(!text.includes(body.token) && !text.includes(sha256Base64url(body.token)));
  const caller = (path: string) =>
    control.call('GET', `/api/v1${path}`, { socket: 'web', headers: { authorization: `Bearer ${body.token}` } });
  assert.equal((await caller('/users')).status, 200);
  assert.equal((await caller('/sessions')).status, 403);
  await admin('POST', `/tokens/${body.id}/revoke`, {});
  assert.equal((await caller('/users')).status, 401);
});

test('a token makes no tokens', async () => {
  const caller = await tokenCaller(['admin']);
  const { status, body } = await caller('POST', '/tokens', { label: 'x', scopes: ['admin'], lifetimeMs: 60_000 });
  assert.equal(status, 403);
  assert.equal(body.code, 'token-caller');
});

test('policies are validated with places, published, and rolled back', async () => {
  const current = (await admin('GET', '/policies/current')).body;
  const broken = [
    ...current.policies,
    { file: 'bad.cedar', text: '@id("x")\npermit (principal, action, resource) when { context.nope };' },
  ];
  const checked = (await admin('POST', '/policies/validate', { policies: broken })).body;
  assert.equal(checked.valid, false);
  assert.equal(checked.problems[0].file, 'bad.cedar');
  assert.equal(
    (await admin('POST', '/policies/publish', { policies: broken, message: 'x' })).body.code,
    'invalid-policies',
  );
  const more = [
    ...current.policies,
    { file: 'more.cedar', text: '@id("more")\npermit (principal, action, resource) when { false };' },
  ];
  const published = await admin(
    'POST',
    '/policies/publish',
    { policies: more, message: 'more' },
    { 'if-match': `"${current.revision}"` },
  );
  assert.equal(published.body.sequence, current.sequence + 1);
  assert.equal(
    (
      await admin(
        'POST',
        '/policies/publish',
        { policies: more, message: 'x' },
        { 'if-match': `"${current.revision}"` },
      )
    ).status,
    412,
  );
  const back = await admin('POST', '/policies/rollback', {});
  assert.deepEqual(back.body.policies, current.policies);
  assert.equal(back.body.sequence, current.sequence + 2);
  assert.equal((await admin('GET', '/policies/history')).body.items.length, 3);
});

test('the operator gets back in by rollback and by an invitation when policy lets nobody, loudly', async () => {
  const nothing = [{ file: 'none.cedar', text: '@id("nobody")\nforbid (principal, action, resource);' }];
  assert.equal(
    (
      await admin('POST', '/policies/publish', {
        policies: nothing,
        tests: [],
        invariants: [],
        override: 'to see what then',
        message: 'locks everybody out',
      })
    ).status,
    200,
  );
  assert.equal((await admin('GET', '/users')).status, 403);
  assert.equal((await admin('POST', '/invitations', { admin: true })).status, 201);
  assert.equal((await admin('POST', '/groups', { name: 'no-way' })).status, 403);
  assert.equal((await admin('POST', '/policies/rollback', {})).status, 200);
  const { body } = await admin('GET', '/events?q=used%20the%20way%20back');
  assert.equal(body.items.length, 2);
  assert.ok(body.items.every((event: { severityId: number }) => event.severityId === 5));
});

test('a session behind the gateway is believed by its assertion alone, from its own site only, and no longer than it lives', async () => {
  const signer = connectSigner({ socketPath: control.handoff.sockets.signer, token: control.handoff.signerToken });
  const nowS = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'http://id.localhost:8080',
    aud: 'http://console.localhost:8080',
    sub: 'u1',
    sid: 'none',
    iat: nowS,
    exp: nowS + 60,
  };
  const ask = async (change: object, headers: Record<string, string> = {}) => {
    const { signed } = await signer.call('sign-assertions', { claims: [{ ...claims, ...change }] });
    const jwt = signed[0] !== undefined && 'jwt' in signed[0] ? signed[0].jwt : '';
    return control.call('GET', '/api/v1/me', { socket: 'web', headers: { 'nullius-assertion': jwt, ...headers } });
  };
  // Signed, but the session does not exist; meant for another app; and with a token beside it.
  assert.equal((await ask({})).status, 401);
  assert.equal((await ask({ aud: 'http://wiki.localhost:8080' })).status, 401);
  assert.equal((await ask({}, { authorization: 'Bearer nls_x' })).status, 401);
  signer.close();
});

test('explaining says why a stranger may not and what would help', async () => {
  const event = (await admin('GET', '/events?outcome=failure&limit=1')).body.items[0];
  const { status, body } = await admin('POST', '/policies/explain', { event: event.id });
  assert.equal(status, 200);
  assert.equal(body.answer, 'deny');
});

test('the console is served with a policy that runs nothing inline, whatever path is asked', async () => {
  for (const path of ['/', '/users', '/../../etc/passwd', '/assets/none.js']) {
    const { headers, status } = await control.call('GET', path, { socket: 'web' });
    assert.match(String(headers['content-security-policy']), /default-src 'none'; script-src 'self'/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    if (path.startsWith('/assets/')) assert.equal(status, 404);
  }
  assert.equal((await control.call('GET', '/', { socket: 'web', headers: { host: 'evil.example' } })).status, 421);
});

test('a changed configuration is applied, a broken one changes nothing and is told', async () => {
  const file = join(control.folder, 'nullius.yaml');
  writeFileSync(file, 'resources: [{ name: shop, upstream: "https://shop.example.com" }]\n');
  await until(async () => (await admin('GET', '/resources/shop')).status === 200);
  assert.equal((await admin('GET', '/resources/shop')).body.origin, 'config');
  assert.equal((await admin('GET', '/resources/wiki')).status, 404);
  writeFileSync(file, 'resources: [{ name: shop, upstream: "https://shop.example.com" }]\nsession: { idle: 2h }\n');
  await until(async () => (await admin('GET', '/overview')).body.config.restart.length > 0);
  assert.deepEqual((await admin('GET', '/overview')).body.config.restart, ['session']);
  assert.ok(control.notices.some((line) => /`session` take effect after a restart/.test(line)));
  writeFileSync(file, 'resources: [{ name: shop, upstream: "https://shop.example.com" }]\n');
  await until(async () => (await admin('GET', '/overview')).body.config.restart.length === 0);
  assert.deepEqual((await admin('GET', '/overview')).body.config.restart, []);
  writeFileSync(file, 'resorces: []\n');
  await until(async () => (await admin('GET', '/overview')).body.config.state === 'refused');
  assert.equal((await admin('GET', '/resources/shop')).status, 200);
  assert.match(
    (await admin('GET', '/overview')).body.config.problem,
    /unknown key `resorces`; the nearest known one is `resources`/,
  );
  mkdirSync(join(control.folder, 'empty'));
  writeFileSync(file, 'policies: ./empty\n');
  await until(async () => /no `\*\.cedar`/.test((await admin('GET', '/overview')).body.config.problem));
  assert.equal((await admin('GET', '/resources/shop')).status, 200);
  writeFileSync(file, '');
  await until(async () => (await admin('GET', '/overview')).body.config.state === 'ok');
});

test('a restart keeps everything and leaves no event behind', async () => {
  const before = (await admin('GET', '/groups')).body.items.length;
  await control.restart();
  assert.equal((await admin('GET', '/groups')).body.items.length, before);
});

test('the caller of the socket is the local operator', async () => {
  const { body } = await admin('GET', '/me');
  assert.equal(body.kind, 'operator');
  assert.ok(body.rights.write.includes('policy'));
  assert.equal(formatUid({ type: 'Workload', id: 'local-operator' }), 'Workload::"local-operator"');
});
