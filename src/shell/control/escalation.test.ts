// Rights that must not grow: by groups that policy raises, by suspension, by the time that a proof takes, by what an answer tells.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { User } from '#foundation/model';
import { openStore } from '#shell/store';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { startTestControl, type TestControl, until } from '../../../tests/fakes/test-control.ts';

let control: TestControl;

const user = (name: string, groups: string[], email: string | null = null): User => ({
  ...{ name, displayName: name, email, status: 'active', groups, source: 'local', createdAt: Date.now() },
});
const group = (memberOf: string[] = []) => ({ displayName: '', description: '', memberOf, origin: 'api' as const });

/** Policies of an organisation of its own: nothing here speaks of suspended people, and the group of administrators is not the only one that may publish. */
const policies = [
  {
    file: 'own.cedar',
    text: `
@id("operator") permit (principal == Workload::"local-operator", action in Action::"administer", resource);
@id("secops") permit (principal in Group::"secops", action in Action::"administer", resource);
@id("both") permit (principal in Group::"left", action in Action::"administer", resource) when { principal in Group::"right" };
@id("by-address") permit (principal is User, action in Action::"administer", resource) when { principal.email == "ciso@example.com" };
@id("trusted") permit (principal in Group::"staff", action in Action::"administer", resource) unless { principal in Group::"watched" };
@id("helpdesk") permit (principal in Group::"helpdesk", action in Action::"administer", resource)
when { ["me", "user", "group", "invitation"].contains(context.noun) };
@id("console") permit (principal is User, action in Action::"access", resource == App::"console");`,
  },
];

before(async () => {
  control = await startTestControl();
  const store = await openStore({
    path: join(control.handoff.dataDirectory, 'store', 'nullius.sqlite'),
    clock: Date.now,
    writer: 'test',
  });
  await store.commit([
    { kind: 'user', id: 'eve', body: user('eve', ['helpdesk', 'left', 'staff', 'watched']) },
    { kind: 'user', id: 'ada', body: user('ada', ['secops'], 'ada@example.com') },
    ...['helpdesk', 'secops', 'left', 'right', 'staff', 'watched', 'nested', 'plain'].map((id) => ({
      kind: 'group' as const,
      id,
      body: group(),
    })),
  ]);
  await store.close();
  const published = { policies, tests: [], invariants: [], override: 'another organisation', message: 'x' };
  await until(async () => (await operator('GET', '/users')).body.items.length === 2);
  assert.equal((await operator('POST', '/policies/publish', published)).status, 200);
});
after(async () => control.stop());

const operator = (method: string, path: string, body?: unknown) =>
  control.call(method, `/api/v1${path}`, body === undefined ? {} : { body });

/** A program that acts as somebody. */
async function as(owner: string, scopes: string[] = ['admin']) {
  const { body } = await operator('POST', '/tokens', { label: owner, owner, scopes, lifetimeMs: 3_600_000 });
  return (method: string, path: string, sent?: unknown) =>
    control.call(method, `/api/v1${path}`, {
      socket: 'web',
      headers: { authorization: `Bearer ${body.token}` },
      ...(sent === undefined ? {} : { body: sent }),
    });
}

test('a right to people and groups does not grow into all by whatever else policy lets publish', async () => {
  const eve = await as('eve');
  const attempts: [string, string, unknown][] = [
    ['PATCH', '/users/eve', { groups: ['helpdesk', 'secops'] }],
    ['PUT', '/groups/secops/members/eve', undefined],
    ['PUT', '/groups/right/members/eve', undefined],
    ['PATCH', '/users/eve', { email: 'ciso@example.com' }],
    ['DELETE', '/groups/watched/members/eve', undefined],
    ['DELETE', '/groups/watched', undefined],
    ['PATCH', '/groups/left', { memberOf: ['right'] }],
    ['PATCH', '/groups/helpdesk', { memberOf: ['secops'] }],
    ['POST', '/invitations', { groups: ['secops'] }],
    ['POST', '/invitations', { email: 'ciso@example.com' }],
    ['POST', '/invitations', { admin: true }],
  ];
  for (const [method, path, body] of attempts) {
    const answer = await eve(method, path, body);
    assert.equal(answer.body?.code, 'raise', `${method} ${path} ${answer.status} ${answer.text}`);
  }
  // What raises nobody is hers to do, also about those who may publish.
  assert.equal((await eve('PUT', '/groups/plain/members/eve')).status, 200);
  assert.equal((await eve('PATCH', '/users/ada', { displayName: 'Ada' })).status, 200);
  assert.equal((await eve('POST', '/invitations', { groups: ['plain'] })).status, 201);
  const ada = await as('ada');
  assert.equal((await ada('PUT', '/groups/secops/members/eve')).status, 200);
  assert.equal((await ada('DELETE', '/groups/secops/members/eve')).status, 200);
});

test('suspension ends sessions and stops tokens, although no policy speaks of it', async () => {
  const store = await openStore({
    path: join(control.handoff.dataDirectory, 'store', 'nullius.sqlite'),
    clock: Date.now,
    writer: 'test',
  });
  const body = fakeFact('session', { user: 'eve', createdAt: Date.now(), expiresAt: Date.now() + 3_600_000 });
  await store.commit([{ kind: 'session', id: 'eve-1', body }]);
  await store.close();
  const sessions = async () => (await operator('GET', '/sessions?user=eve')).body.items;
  await until(async () => (await sessions()).length === 1);
  const eve = await as('eve');
  assert.equal((await eve('GET', '/users')).status, 200);
  assert.equal((await operator('PATCH', '/users/eve', { status: 'suspended' })).status, 200);
  assert.equal((await sessions())[0].status, 'revoked');
  assert.equal((await eve('GET', '/users')).status, 401);
  assert.equal((await operator('PATCH', '/users/eve', { status: 'active' })).status, 200);
  assert.equal((await eve('GET', '/users')).status, 200);
});

test('a publication that was begun by somebody who may not publish any more is not put in force', async () => {
  const ada = await as('ada');
  // A proof takes its time.
  const text = '@id("no-strangers") never (principal is Anonymous, action in Action::"administer", resource);';
  const invariants = [{ file: 'own.invariants', text }];
  const publishing = ada('POST', '/policies/publish', { policies, invariants, message: 'late' });
  const left = await operator('DELETE', '/groups/secops/members/ada');
  assert.equal(left.status, 200);
  const published = await publishing;
  const isBefore = published.status === 200 && published.body.revision < left.body.revision;
  assert.ok(published.status === 403 || isBefore, `${published.status} after ${left.text}: ${published.text}`);
});

test('neither a group nor the overview tells what one may not read', async () => {
  const groups = await as('eve', ['group:read', 'overview:read']);
  await operator('PUT', '/groups/secops/members/eve');
  assert.equal((await groups('GET', '/groups')).status, 200);
  assert.equal((await groups('GET', '/groups/staff/members')).status, 403);
  assert.equal((await groups('GET', '/events')).status, 403);
  const whole = (await operator('GET', '/overview')).body.recentDenials;
  assert.ok(whole.length > 0);
  assert.deepEqual((await groups('GET', '/overview')).body.recentDenials, []);
  const both = await as('eve', ['group:read', 'user:read']);
  assert.equal((await both('GET', '/groups/staff/members')).body.items[0].id, 'eve');
});

test('who may remove people may not destroy keys', async () => {
  await operator('DELETE', '/groups/secops/members/eve');
  const eve = await as('eve');
  assert.equal((await eve('POST', '/users/ada/erase')).status, 403);
  assert.equal((await operator('POST', '/users/ada/erase')).body.code, 'not-removed');
  const gone = await operator('POST', '/users/nobody/erase');
  assert.match(gone.body.detail, /no removed person `nobody`; it takes the id that removing them told/);
});
