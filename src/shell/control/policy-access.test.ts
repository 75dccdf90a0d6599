import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keyHashOf } from '#foundation/crypto';
import { openStore } from '#shell/store';
import { startTestControl, type TestControl, until } from '../../../tests/fakes/test-control.ts';
import { makeCertificate } from '../../../tests/test-certificate.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl({
    config: `segments: [{ name: internal, sensitivity: low }]
resources:
  - { name: wiki, upstream: "http://127.0.0.1:3000", allowPrivate: true, segment: internal }
  - { name: shop, upstream: "http://127.0.0.1:3001", allowPrivate: true, routes: [{ path: /admin/**, label: admin }] }
`,
  });
  const path = join(control.handoff.dataDirectory, 'store', 'nullius.sqlite');
  const store = await openStore({ path, clock: Date.now, writer: 'test' });
  const user = (name: string, groups: string[]) => ({
    kind: 'user' as const,
    id: `id-${name}`,
    body: { name, displayName: '', email: null, status: 'active' as const, groups, source: 'local', createdAt: 0 },
  });
  await store.commit([user('ada', ['administrators']), user('ben', []), user('cas', [])]);
  await store.close();
  await until(async () => (await admin('GET', '/users')).body.items.length === 3);
  const { policies } = (await admin('GET', '/policies/current')).body;
  policies.push({
    file: '50-shop.cedar',
    text: `@id("shop-admin") @description("Ben runs the shop.")
permit (principal == User::"id-ben", action in Action::"access", resource == App::"shop") when { context.route == "admin" };`,
  });
  assert.equal((await admin('POST', '/policies/publish', { policies, message: 'shop' })).status, 200);
});
after(async () => control.stop());

const admin = (method: string, path: string, body?: unknown) =>
  control.call(method, `/api/v1${path}`, body === undefined ? {} : { body });

async function tokenCaller(scopes: string[]) {
  const { body } = await admin('POST', '/tokens', { label: 'test', scopes, lifetimeMs: 3_600_000 });
  const call = (path: string) =>
    control.call('GET', `/api/v1${path}`, { socket: 'web', headers: { authorization: `Bearer ${body.token}` } });
  return Object.assign(call, { id: body.id as string });
}

test('who-can lists everybody who would be let in, and says by what it was judged', async () => {
  const { status, body } = await admin('GET', '/policies/who-can?action=read&resource=wiki');
  assert.equal(status, 200);
  assert.deepEqual(
    body.items.map((each: { name: string; basis: string; reasons: string[] }) => [each.name, each.basis, each.reasons]),
    [['ada', 'sign-in', ['administrators-open-apps']]],
  );
  assert.deepEqual(body.counts, { allow: 1, deny: 3, indeterminate: 0 });
  assert.deepEqual(
    body.policies.map(({ id }: { id: string }) => id),
    ['administrators-open-apps'],
  );
});

test('who-can asks about one route of an app, and about one noun of the administration API', async () => {
  const names = async (query: string) =>
    (await admin('GET', `/policies/who-can?${query}`)).body.items.map(
      ({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`,
    );
  assert.deepEqual(await names('action=write&resource=shop&route=admin'), ['user ada', 'user ben']);
  assert.deepEqual(await names('action=write&resource=shop'), ['user ada']);
  const control = `resource=${encodeURIComponent('Service::"control"')}`;
  assert.deepEqual(await names(`action=administer-write&${control}&noun=policy`), [
    'operator local-operator',
    'user ada',
  ]);
  assert.deepEqual(await names(`action=administer-read&${control}&noun=me`), [
    'operator local-operator',
    'user ada',
    'user ben',
    'user cas',
  ]);
});

test('who-can gives pages that hang together, and the counts of all on each', async () => {
  const seen: string[] = [];
  let next: string | null = null;
  do {
    const cursor: string = next === null ? '' : `&cursor=${next}`;
    const { body } = await admin('GET', `/policies/who-can?action=read&resource=wiki&answer=any&limit=1${cursor}`);
    assert.deepEqual(body.counts, { allow: 1, deny: 3, indeterminate: 0 });
    seen.push(...body.items.map(({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`));
    next = body.next;
  } while (next !== null);
  assert.deepEqual(seen, ['stranger ', 'user ada', 'user ben', 'user cas']);
});

test('what-can lists places by what can be done there, and honours the scopes of a token', async () => {
  const { body } = await admin('GET', '/policies/what-can?user=id-ben');
  const places = (items: { resource: string; parts: string[]; actions: { action: string; answer: string }[] }[]) =>
    items.map(({ resource, parts, actions }) => [
      resource,
      parts.join(' '),
      actions.flatMap(({ action, answer }) => (answer === 'allow' ? [action] : [])).join(' '),
    ]);
  const all = places(body.items);
  assert.deepEqual(
    all.find(([resource]) => resource === 'shop'),
    ['shop', 'admin', 'read write delete connect'],
  );
  assert.deepEqual(all.at(-1), ['Service::"control"', 'me', 'administer-read administer-write']);
  assert.equal(body.basis, 'sign-in');
  const narrow = await tokenCaller(['app:console:read']);
  const ofToken = (await admin('GET', `/policies/what-can?token=${narrow.id}`)).body;
  assert.deepEqual(places(ofToken.items), [['console', 'default', 'read']]);
});

test('who-can and what-can refuse what makes no question, saying what to ask', async () => {
  for (const [path, status, words] of [
    ['/policies/who-can?action=read&resource=nothing', 404, /no resource `nothing`/],
    ['/policies/who-can?action=administer-read&resource=wiki', 400, /apps know read/],
    ['/policies/who-can?action=read&resource=Service::%22control%22', 400, /administer-read/],
    ['/policies/who-can?action=fly&resource=wiki', 400, /./],
    ['/policies/what-can', 400, /about whom/],
    ['/policies/what-can?user=id-ben&who=stranger', 400, /about whom/],
    ['/policies/what-can?user=nobody', 404, /no user/],
    ['/policies/who-can?action=read&resource=wikki', 404, /no resource `wikki`; the nearest is `wiki`/],
    ['/policies/what-can?user=bem', 404, /no user `bem`; the nearest is `ben`/],
    ['/policies/what-can?user=ben', 404, /no user `ben`; that is a name, and here goes the id/],
  ] as const) {
    const { status: found, body } = await admin('GET', path);
    assert.equal(found, status, path);
    assert.match(String(body.detail ?? ''), words, path);
  }
});

test('who-can and what-can are judged for a few at once, and the others are told to try again', async () => {
  const asked = Array.from({ length: 12 }, (_, each) =>
    admin('GET', each % 2 === 0 ? '/policies/who-can?action=read&resource=wiki' : '/policies/what-can?user=id-ben'),
  );
  const answers = await Promise.all(asked);
  for (const { status, body } of answers) {
    if (status !== 200) assert.deepEqual([status, body.code], [503, 'too-many']);
  }
  assert.ok(answers.filter(({ status }) => status === 200).length >= 1);
  assert.equal((await admin('GET', '/policies/what-can?user=id-ben')).status, 200);
});

test('a token for an app or namespace that is not there is not made, and the nearest is named to who may read them', async () => {
  const make = (scopes: string[]) => admin('POST', '/tokens', { label: 'x', scopes, lifetimeMs: 3_600_000 });
  for (const scope of ['pdp:app:wikki', 'pdp:app:wikki:search', 'app:wikki', 'app:wikki:read']) {
    const { status, body } = await make(['pdp:app:wiki', scope]);
    assert.deepEqual([status, body.code], [400, 'unknown-app'], scope);
    assert.match(body.detail, /there is no app `wikki`; the nearest is `wiki`/);
  }
  const stray = await make(['pdp:app:wiki', 'pdp:namespace:Todo:search']);
  assert.deepEqual([stray.status, stray.body.code], [400, 'unknown-namespace']);
  assert.equal((await make(['pdp:app:wiki:search', 'app:shop:read', 'user:read'])).status, 201);
});

test('a certificate makes a caller of the PDP by its key alone: nothing else, no weak key, none that ended, no key twice', async () => {
  const make = (certificate: string, scopes = ['pdp:app:wiki']) =>
    admin('POST', '/tokens', { label: 'x', scopes, lifetimeMs: 3_600_000, certificate });
  const { cert, key } = await makeCertificate(['caller']);
  const ended = await makeCertificate(['caller'], { notAfter: new Date(Date.now() - 60_000) });
  const publicExponent = Uint8Array.of(1, 0, 1);
  const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent, hash: 'SHA-256' };
  const weak = await makeCertificate(['caller'], {
    keys: await webcrypto.subtle.generateKey(rsa, true, ['sign', 'verify']),
  });
  for (const [certificate, scopes, code] of [
    [key, ['pdp:app:wiki'], 'no-certificate'],
    ['MII', ['pdp:app:wiki'], 'no-certificate'],
    [ended.cert, ['pdp:app:wiki'], 'certificate-ended'],
    [weak.cert, ['pdp:app:wiki'], 'weak-key'],
    [cert, ['pdp:app:wiki', 'app:wiki'], 'pdp-only'],
    [cert, ['admin'], 'pdp-only'],
    [cert, ['pdp:app:wikki'], 'unknown-app'],
  ] as const) {
    const refused = await make(certificate, [...scopes]);
    assert.deepEqual([refused.status, refused.body.code], [400, code]);
  }
  const made = await make(cert);
  assert.deepEqual([made.status, made.body.token, made.body.hash], [201, null, undefined]);
  assert.equal(made.body.keyHash, keyHashOf(new X509Certificate(cert)));
  assert.equal((await make(cert)).status, 409);
});

test('whoever may read policies but not people, tokens or apps learns nothing about them from a question', async () => {
  const reader = await tokenCaller(['policy:read']);
  for (const path of ['/policies/who-can?action=read&resource=wiki', '/policies/what-can?user=id-ben']) {
    const { status, text } = await reader(path);
    assert.equal(status, 403, path);
    assert.doesNotMatch(text, /\b(?:ada|ben|shop)\b/);
  }
  const unrelated = await tokenCaller(['user:read']);
  assert.equal((await unrelated('/policies/who-can?action=read&resource=wiki')).status, 403);
  const auditor = await tokenCaller(['read']);
  assert.equal((await auditor('/policies/who-can?action=read&resource=wiki')).status, 200);
});

test('explain names the nearest app and person', async () => {
  const why = async (asked: object) =>
    (await admin('POST', '/policies/explain', { action: 'read', ...asked })).body.detail;
  assert.match(await why({ user: 'id-ben', resource: 'shopp' }), /the nearest is `shop`/);
  assert.match(await why({ user: 'cass', resource: 'shop' }), /the nearest is `cas`/);
});

test('an explanation tells of facts, so whoever may not read all of them is refused, whatever they ask', async () => {
  const question = { user: 'id-ben', resource: 'shop', action: 'read' };
  const [event] = (await admin('GET', '/events?limit=1')).body.items;
  const ask = async (scopes: string[], body: unknown) => {
    const { body: made } = await admin('POST', '/tokens', { label: 'test', scopes, lifetimeMs: 3_600_000 });
    const headers = { authorization: `Bearer ${made.token}` };
    return control.call('POST', '/api/v1/policies/explain', { socket: 'web', headers, body });
  };
  for (const scopes of [['policy:read'], ['policy:read', 'user:read', 'group:read'], ['user:read']]) {
    for (const body of [question, { event: event.id }]) {
      const { status, text } = await ask(scopes, body);
      assert.equal(status, 403, `${scopes} ${JSON.stringify(body)}`);
      assert.doesNotMatch(text, /\b(?:ben|shop)\b/);
    }
  }
  const allButEvents = ['policy', 'user', 'group', 'token', 'resource', 'grant', 'session'].map(
    (noun) => `${noun}:read`,
  );
  assert.equal((await ask(allButEvents, question)).status, 200);
  assert.equal((await ask(allButEvents, { event: event.id })).status, 403);
  assert.equal((await ask(['read'], { event: event.id })).status, 200);
});

test('explain answers a question with a session, an address and a time that might be, and says what it assumed', async () => {
  const explain = async (body: object) => (await admin('POST', '/policies/explain', body)).body;
  const asked = { user: 'id-ben', resource: 'shop', action: 'read', route: 'admin' };
  const allowed = await explain(asked);
  assert.deepEqual([allowed.answer, allowed.reasons], ['allow', ['shop-admin']]);
  assert.match(allowed.notes.join(), /no session now/);
  const part = allowed.spoke[0].parts.find(({ part: kind }: { part: string }) => kind === 'when');
  assert.deepEqual(part.place, { file: '50-shop.cedar', line: 2, column: 98, text: 'context.route == "admin"' });
  assert.deepEqual(part.values, [{ text: 'context.route', value: '"admin"' }]);
  const recovery = await explain({ ...asked, session: { credential: 'recovery' } });
  assert.deepEqual([recovery.answer, recovery.reasons], ['deny', ['recovery-sessions-only-enrol']]);
  assert.equal((await admin('POST', '/policies/explain', { ...asked, address: 'x' })).status, 400);
  assert.match(
    (await admin('POST', '/policies/explain', { ...asked, action: 'raed' })).text,
    /`action` is not valid: must be one of `read`, `write`/,
  );
  assert.equal(
    (await admin('POST', '/policies/explain', { who: 'stranger', resource: 'shop', action: 'read', session: {} }))
      .status,
    400,
  );
  const operator = await explain({
    who: 'operator',
    resource: 'Service::"control"',
    action: 'administer-write',
    noun: 'policy',
  });
  assert.deepEqual(operator.reasons, ['operator-administers']);
});

test('a rehearsal is for who may read people and events, one at a time, and never publishes', async () => {
  const policies = [{ file: 'a.cedar', text: '@id("open") permit (principal, action, resource);' }];
  const before = (await admin('GET', '/policies/current')).body.sequence;
  const tokenFor = async (scopes: string[]) =>
    (await admin('POST', '/tokens', { label: 'test', scopes, lifetimeMs: 3_600_000 })).body.token;
  const rehearse = (token: string) =>
    control.call('POST', '/api/v1/policies/simulate', {
      socket: 'web',
      headers: { authorization: `Bearer ${token}` },
      body: { policies },
    });
  const allButEvents = ['policy', 'user', 'group', 'token', 'resource', 'grant', 'session'].map(
    (noun) => `${noun}:read`,
  );
  for (const scopes of [['policy:read'], ['event:read'], allButEvents]) {
    assert.equal((await rehearse(await tokenFor(scopes))).status, 403, scopes.join());
  }
  // Made before: the first rehearsal could be over by the time that a token is.
  const tokens = [await tokenFor(['read']), await tokenFor(['read'])];
  const both = await Promise.all(tokens.map(rehearse));
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 503]);
  const text = both.find(({ status }) => status === 200)?.text ?? '';
  const data = /event: report\ndata: (.*)\n/.exec(text)?.[1] ?? 'null';
  assert.deepEqual([JSON.parse(data)?.replayed, JSON.parse(data)?.gained], [0, { decisions: 0, subjects: 0 }]);
  assert.equal((await rehearse(tokens[0])).status, 200, 'the place is free again');
  const bad = await admin('POST', '/policies/simulate', { policies: [{ file: 'bad.cedar', text: 'permit (' }] });
  assert.deepEqual([bad.status, bad.body.code], [400, 'invalid-policies']);
  assert.equal((await admin('GET', '/policies/current')).body.sequence, before);
});
