import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askAbout } from '#decision/administration';
import type { GatewayRequest } from '#enforcement/gateway';
import type { Grant } from '#foundation/model';
import { fakeFact } from '../../../../tests/fakes/fact-view.ts';
import { appDefaults } from '../test-gate.ts';
import type { Caller } from './caller.ts';
import { everything, policiesWithTodo, startTestPdp, tokenRow, userRow } from './test-pdp.ts';

const morty = 'CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs';
const mortyUpdates = {
  subject: { type: 'user', id: morty },
  action: { name: 'can_update_todo' },
  resource: { type: 'todo', id: 't', properties: { ownerID: 'morty@the-citadel.com' } },
};
const wiki = (name: string, context = {}) => ({
  subject: { type: 'user', id: name },
  action: { name: 'read' },
  resource: { type: 'app', id: 'wiki' },
  context,
});
const group = (id: string) =>
  ({
    kind: 'group',
    id,
    body: { displayName: '', description: '', memberOf: [] as string[], origin: 'builtin' },
  }) as const;
const admin = userRow('u-ada', { name: 'ada', email: 'Ada@example.test', groups: ['administrators'] });
const guest = userRow('u-bo', { name: 'bo' });
const people = [group('administrators'), group('everyone'), admin, guest];
const evaluation = '/access/v1/evaluation';

test('the PDP answers only callers that show a token for it', async (t) => {
  const rows = [
    tokenRow('t-app', 'nls_app', ['app:wiki']),
    tokenRow('t-old', 'nls_old', ['pdp'], { expiresAt: Date.now() - 1 }),
    tokenRow('t-revoked', 'nls_revoked', ['pdp'], { status: 'revoked' }),
    ...people,
    tokenRow('t-bo', 'nls_bo', ['pdp'], { owner: { type: 'User', id: 'u-bo' } }),
    tokenRow('t-ada', 'nls_ada', ['pdp'], { owner: { type: 'User', id: 'u-ada' } }),
  ];
  const { send, pdp, events } = await startTestPdp(t, { rows });
  const body = JSON.stringify(mortyUpdates);
  const json = { 'content-type': 'application/json' };
  const anonymous = await send(evaluation, { body, headers: json });
  assert.equal(anonymous.status, 401);
  assert.match(String(anonymous.headers['www-authenticate']), /^Bearer /);
  for (const authorization of ['Basic nls_everything', 'Bearer', 'Bearer  nls_everything', 'Bearer nls_everything x']) {
    assert.equal((await send(evaluation, { body, headers: { ...json, authorization } })).status, 401, authorization);
  }
  for (const [token, status] of [
    ['nls_unknown', 401],
    ['nls_old', 401],
    ['nls_revoked', 401],
    ['nls_app', 403],
    ['nls_bo', 403],
    ['nls_ada', 200],
  ] as const) {
    assert.equal((await pdp(evaluation, mortyUpdates, { token })).status, status, token);
  }
  assert.equal(events.length, 1, 'only what was decided is in the journal');
});

test('the PDP stops answering a caller in the moment its token or the right of its owner ends', async (t) => {
  const token = tokenRow('t-ada', 'nls_ada', ['pdp'], { owner: { type: 'User', id: 'u-ada' } });
  const { pdp, put } = await startTestPdp(t, { rows: [...people, token] });
  const status = async () => (await pdp(evaluation, mortyUpdates, { token: 'nls_ada' })).status;
  assert.equal(await status(), 200);
  put([userRow('u-ada', { name: 'ada', groups: [] })]);
  assert.equal(await status(), 403);
  put([admin]);
  assert.equal(await status(), 200);
  put([tokenRow('t-ada', 'nls_ada', ['pdp'], { owner: { type: 'User', id: 'u-ada' }, status: 'revoked' })]);
  assert.equal(await status(), 401);
});

test('the PDP answers alike about what is not there and what is outside the scope of the caller', async (t) => {
  const rows = [...people, tokenRow('t-wiki', 'nls_wiki', ['pdp:app:wiki']), tokenRow('t-x', 'nls_x', ['pdp:app:x'])];
  const { pdp } = await startTestPdp(t, { rows });
  const answers = [
    await pdp(evaluation, wiki('ada'), { token: 'nls_x' }),
    await pdp(evaluation, { ...wiki('ada'), resource: { type: 'app', id: 'absent' } }, { token: 'nls_x' }),
    await pdp(evaluation, mortyUpdates, { token: 'nls_wiki' }),
    await pdp(evaluation, { ...mortyUpdates, resource: { type: 'Todo::todo', id: 't' } }, { token: 'nls_wiki' }),
    await pdp(evaluation, { ...mortyUpdates, resource: { type: 'Nowhere::todo', id: 't' } }, { token: 'nls_wiki' }),
    await pdp(evaluation, { ...wiki('ada'), action: { name: 'administer-write' } }, { token: 'nls_wiki' }),
  ];
  const shapes = answers.map(({ status, json }) => [status, json.decision, json.context.error]);
  for (const shape of shapes) assert.deepEqual(shape, shapes[0]);
  assert.deepEqual([shapes[0]?.[0], shapes[0]?.[1]], [200, false]);
  assert.equal((await pdp(evaluation, wiki('ada'), { token: 'nls_wiki' })).json.decision, true);
});

test('the PDP answers alike about people in a namespace, whether it knows them or not', async (t) => {
  const schema =
    'namespace Door { entity door; action look appliesTo { principal: [User, Anonymous], resource: [door] }; action open appliesTo { principal: [User], resource: [door] }; action shut appliesTo { principal: [Workload], resource: [door] }; }';
  const rows = [...people, tokenRow('t-door', 'nls_door', ['pdp:namespace:Door'])];
  const policies = policiesWithTodo(
    '@id("look") permit (principal is Anonymous, action == Door::Action::"look", resource);',
    schema,
  );
  const { pdp } = await startTestPdp(t, { rows, policies });
  for (const name of ['look', 'open', 'shut', 'absent']) {
    const about = async (id: string) => {
      const asked = { subject: { type: 'User', id }, action: { name }, resource: { type: 'door', id: 'front' } };
      const { decision, context } = (await pdp(evaluation, asked, { token: 'nls_door' })).json;
      return { decision, context: { ...context, id: '' } };
    };
    const nobody = await about('nobody-here');
    assert.equal(nobody.decision, name === 'look', name);
    if (nobody.decision) continue;
    for (const id of ['bo', 'ada', 'ada@example.test', 'u-bo']) assert.deepEqual(await about(id), nobody, name);
  }
});

test('what evaluations have in common, and what a search says of each candidate, is bounded by how often it is judged', async (t) => {
  const { pdp } = await startTestPdp(t, { rows: people });
  const context = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`member-${at}`, at]));
  const many = (count: number) => ({ ...wiki('ada', context), evaluations: Array.from({ length: count }, () => ({})) });
  assert.equal((await pdp('/access/v1/evaluations', many(100))).json.evaluations.length, 100);
  const refused = await pdp('/access/v1/evaluations', many(1_000));
  assert.equal(refused.status, 400);
  assert.match(refused.text, /in common may be 8388 characters/);
  const search = await pdp('/access/v1/search/resource', { ...wiki('ada', context), resource: { type: 'app' } });
  assert.equal(search.status, 400);
  assert.match(search.text, /16384 characters/);
});

test('what a caller says and nobody asks for is never looked through', async (t) => {
  const { gate, pdp } = await startTestPdp(t, { rows: people });
  assert.equal((await pdp(evaluation, wiki('ada', { path: '/a/../b' }))).json.context.error.status, 400, 'asked for');
  const caller = gate.pdp.callers.identify({ address: '127.0.0.1' } as GatewayRequest, {
    authorization: `Bearer ${everything}`,
    now: Date.now(),
  }) as Caller;
  const needs = gate.pdp.needsFor({ caller, isSearch: false, now: Date.now() });
  const given = new Proxy({}, { ownKeys: () => assert.fail('all of it was looked through') });
  for (const { subject, action, resource } of [wiki('ada'), mortyUpdates]) {
    const outcome = askAbout(needs, {
      subject: { ...subject, properties: given },
      action: { ...action, properties: given },
      resource: { ...resource, properties: given },
      context: given,
    });
    assert.ok('verdict' in outcome);
  }
});

test('properties of a caller never override what is stored', async (t) => {
  const { pdp } = await startTestPdp(t, { rows: [...people, userRow('u-off', { name: 'off', status: 'suspended' })] });
  const decision = async (body: unknown) => (await pdp(evaluation, body)).json.decision;
  assert.equal(
    await decision({ ...mortyUpdates, resource: { type: 'todo', id: 't', properties: { ownerID: 'rick' } } }),
    false,
  );
  const asRick = { type: 'user', id: morty, properties: { email: 'rick', roles: ['admin', 'evil_genius'] } };
  assert.equal(
    await decision({
      ...mortyUpdates,
      subject: asRick,
      resource: { type: 'todo', id: 't', properties: { ownerID: 'rick' } },
    }),
    false,
    'stored attributes stand',
  );
  const unknown = { type: 'user', id: 'nobody-stored', properties: { email: 'rick', roles: ['editor'] } };
  assert.equal(
    await decision({
      ...mortyUpdates,
      subject: unknown,
      resource: { type: 'todo', id: 't', properties: { ownerID: 'rick' } },
    }),
    true,
    'where nothing is stored, the caller is believed',
  );
  const grand = { groups: ['administrators'], status: 'active', parents: [{ type: 'Group', id: 'administrators' }] };
  assert.equal(await decision({ ...wiki('bo'), subject: { type: 'user', id: 'bo', properties: grand } }), false);
  assert.equal(await decision({ ...wiki('off'), subject: { type: 'user', id: 'off', properties: grand } }), false);
  assert.equal(
    await decision({ ...wiki('bo'), resource: { type: 'app', id: 'wiki', properties: { sensitivity: 'public' } } }),
    false,
  );
});

test('a context of a caller cannot say what this process knows: session, time, route, grants', async (t) => {
  const policies = policiesWithTodo(`
    @id("late") permit (principal, action == Action::"read", resource == App::"wiki") when { context.now < datetime("2001-01-01") };
    @id("public") permit (principal, action == Action::"read", resource == App::"wiki") when { context.route == "public" };
    @id("strong") permit (principal, action == Action::"read", resource == App::"wiki") when { context.session.phishingResistant };
  `);
  const { pdp, put } = await startTestPdp(t, { rows: people, policies });
  put([
    {
      kind: 'resource',
      id: 'wiki',
      body: {
        ...appDefaults,
        upstream: 'http://127.0.0.1:9',
        routes: [{ path: '/open/**', label: 'public', encodedSlash: false }],
      },
    },
  ]);
  const decision = async (context: unknown) => (await pdp(evaluation, { ...wiki('bo'), context })).json.decision;
  assert.equal(await decision({ now: '2000-01-01T00:00:00Z', route: 'public', grants: ['g'] }), false);
  assert.equal(await decision({ session: { present: true, phishingResistant: true } }), false);
  assert.equal(await decision({ path: '/open/page' }), true, 'the route is found from the path');
  const { json } = await pdp(evaluation, { ...wiki('bo'), context: { path: '/closed/..%2fopen/page' } });
  assert.equal(json.decision, false);
  assert.equal(json.context.error.status, 400);
});

test('a session counts only when it is the subject’s own and in force', async (t) => {
  const policies = policiesWithTodo(
    '@id("strong") permit (principal, action == Action::"read", resource == App::"wiki") when { context.session.phishingResistant };',
  );
  const session = fakeFact('session', { user: 'u-bo', authTime: Date.now(), createdAt: Date.now() });
  const { pdp, put } = await startTestPdp(t, {
    rows: [...people, { kind: 'session', id: 's-bo', body: session }],
    policies,
  });
  const decision = async (name: string, context: unknown) =>
    (await pdp(evaluation, { ...wiki(name), context })).json.decision;
  assert.equal(await decision('bo', {}), false, 'no session is assumed');
  assert.equal(await decision('bo', { session: 's-bo' }), true);
  put([userRow('u-cy', { name: 'cy' })]);
  assert.equal(await decision('cy', { session: 's-bo' }), false, 'somebody else’s');
  put([{ kind: 'session', id: 's-bo', body: { ...session, status: 'revoked' } }]);
  assert.equal(await decision('bo', { session: 's-bo' }), false);
});

test('a name that could mean two people means nobody, and the journal says why', async (t) => {
  const { pdp, put, events } = await startTestPdp(t, { rows: people });
  const decision = async (name: string) => (await pdp(evaluation, wiki(name))).json.decision;
  assert.equal(await decision('ada@example.test'), true, 'by e-mail address, in any case');
  assert.equal(await decision('u-ada'), true);
  const subject = () => JSON.parse(String(events.at(-1)?.payload)).unmapped.subject;
  assert.deepEqual(subject(), { type: 'User', id: 'u-ada', name: 'ada' });
  put([userRow('u-kim', { name: 'kim', groups: ['administrators'], email: 'Kim@Example.test' })]);
  assert.equal(await decision('KIM@example.test'), true);
  assert.equal(await decision('\u212aim@example.test'), false, 'the Kelvin sign is no k');
  put([userRow('u-eve', { name: 'ada@example.test' })]);
  assert.equal(await decision('ada@example.test'), false);
  const ambiguous = 'it could mean two people, so it means nobody';
  assert.deepEqual(subject(), { type: 'user', id: 'ada@example.test', ambiguous });
  assert.equal(await decision('whoever'), false);
  assert.deepEqual(subject(), { type: 'user', id: 'whoever' });
  assert.equal(await decision('ada'), true);
  put([{ kind: 'user', id: 'u-eve', body: null }]);
  assert.equal(await decision('ada@example.test'), true);
});

test('the PDP answers alike for a person nobody knows and one whom no policy permits', async (t) => {
  const { pdp } = await startTestPdp(t, { rows: people });
  const [known, unknown] = [await pdp(evaluation, wiki('bo')), await pdp(evaluation, wiki('nobody'))];
  const shape = ({ status, json }: typeof known) => [status, json.decision, { ...json.context, id: '' }];
  assert.deepEqual(shape(known), shape(unknown));
});

test('grants count, and suspended people are refused in the policy’s own words', async (t) => {
  const grant: Grant = {
    user: 'u-bo',
    resource: 'wiki',
    state: 'active',
    reason: '',
    requestedAt: 0,
    decidedBy: null,
    decidedAt: 0,
    durationMs: 1,
    expiresAt: Date.now() + 60_000,
  };
  const { pdp, put, events } = await startTestPdp(t, { rows: [...people, { kind: 'grant', id: 'g1', body: grant }] });
  const granted = await pdp(evaluation, wiki('bo'));
  assert.deepEqual(
    [granted.json.decision, granted.json.context.reason_admin],
    [true, { policies: ['granted-access'] }],
  );
  put([userRow('u-bo', { name: 'bo', status: 'suspended' })]);
  const refused = await pdp(evaluation, wiki('bo'), { 'x-request-id': 'r 1' });
  assert.equal(refused.json.decision, false);
  assert.match(refused.json.context.reason_user.en, /suspended/);
  const event = events.at(-1);
  assert.equal(event?.id, refused.json.context.id);
  assert.equal(event?.subject, 'u-bo', 'sealed by the key of the person it is about');
  assert.equal(event?.statusId, 2);
  const { pdp: narrow } = await startTestPdp(t, {
    rows: [...people, tokenRow('t', 'nls_narrow', ['pdp:app:wiki'])],
  });
  const told = await narrow(evaluation, wiki('ada'), { token: 'nls_narrow' });
  assert.equal(told.json.decision, true);
  assert.equal(told.json.context.reason_admin, undefined, 'which policies decided is not for every caller');
});

test('the PDP gives the request id back, and refuses what it cannot read', async (t) => {
  const { pdp, send } = await startTestPdp(t);
  const answered = await pdp(evaluation, mortyUpdates, { 'x-request-id': 'bfe9eb29-ab87' });
  assert.equal(answered.headers['x-request-id'], 'bfe9eb29-ab87');
  assert.equal(answered.headers['content-type'], 'application/json');
  const { subject, action, resource } = mortyUpdates;
  const bad: [string, unknown][] = [
    ['no subject', { action, resource }],
    ['no action', { subject, resource }],
    ['no resource', { subject, action }],
    ['no type', { subject: { id: 'a' }, action, resource }],
    ['no id', { subject: { type: 'user' }, action, resource }],
    ['no name', { subject, action: {}, resource }],
    ['subject as text', { subject: 'alice', action, resource }],
    ['name as number', { subject, action: { name: 1 }, resource }],
    ['properties as list', { subject: { ...subject, properties: [] }, action, resource }],
    ['context as text', { subject, action, resource, context: 'x' }],
    ['a list', [mortyUpdates]],
    ['not JSON', '{"subject": '],
    ['nothing', ''],
    ['a name twice', JSON.stringify(mortyUpdates).replace('"action"', '"subject":{"type":"user","id":"x"},"action"')],
    [
      'a name twice, escaped',
      '{"subject":{"type":"user","id":"a","\\u0069d":"b"},"action":{"name":"x"},"resource":{"type":"t","id":"i"}}',
    ],
    ['too deep', { ...mortyUpdates, context: JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`) }],
    ['half a character', { ...mortyUpdates, subject: { type: 'user', id: '\ud800' } }],
  ];
  for (const [name, body] of bad) {
    const refused = await pdp(evaluation, body, { 'x-request-id': 'r' });
    assert.deepEqual([refused.status, refused.headers['x-request-id']], [400, 'r'], `${name}: ${refused.text}`);
    assert.notEqual(refused.text, '');
  }
  assert.equal((await pdp(evaluation, mortyUpdates, { 'content-type': 'text/plain' })).status, 400);
  assert.equal((await pdp(evaluation, `{"x":"${'y'.repeat(1_100_000)}"}`)).status, 413);
  assert.equal((await pdp('/access/v1/nothing', mortyUpdates)).status, 404);
  const get = await send(evaluation, { method: 'GET', headers: { authorization: 'Bearer nls_everything' } });
  assert.equal(get.status, 405);
  const more = { ...mortyUpdates, futureField: { nested: true }, context: { time: 'x', ip: 4 } };
  assert.equal((await pdp(evaluation, more)).json.decision, true, 'unknown members are ignored');
});

test('evaluations keep their order, merge defaults and stop as their semantic says', async (t) => {
  const { pdp, events } = await startTestPdp(t);
  const path = '/access/v1/evaluations';
  const own = { resource: { type: 'todo', id: 'a', properties: { ownerID: 'morty@the-citadel.com' } } };
  const other = { resource: { id: 'b', properties: { ownerID: 'rick' } } };
  const common = { subject: mortyUpdates.subject, action: mortyUpdates.action, resource: { type: 'todo' } };
  const run = async (evaluations: unknown[], semantic?: string) => {
    const options = semantic === undefined ? {} : { options: { evaluations_semantic: semantic } };
    const { json } = await pdp(path, { ...common, ...options, evaluations });
    return json.evaluations.map(({ decision }: { decision: boolean }) => decision);
  };
  assert.deepEqual(await run([own, other, {}, own]), [true, false, false, true]);
  assert.deepEqual(await run([own, other, own], 'deny_on_first_deny'), [true, false]);
  assert.deepEqual(await run([other, own, own], 'permit_on_first_permit'), [false, true]);
  assert.deepEqual(await run([own, 'x', own], 'execute_all'), [true, false, true]);
  const journalled = events.map(({ payload }) => JSON.parse(String(payload)).unmapped);
  assert.deepEqual(
    journalled.map(({ count = 1 }) => count),
    [3, 1, 2, 2, 2, 1],
    'each evaluation that ran is in the journal, and what cannot be read is about nobody',
  );
  const about = journalled[0].evaluations.map((each: Record<string, unknown>) => [each['answer'], each['resources']]);
  assert.deepEqual(about[0], ['allow', ['a', 'a']], 'with its answer and what it was about');
  const single = await pdp(path, { ...mortyUpdates, evaluations: [] });
  assert.equal(single.json.decision, true);
  assert.equal((await pdp(path, mortyUpdates)).json.decision, true);
  assert.equal(
    (await pdp(path, { ...common, evaluations: [own], options: { evaluations_semantic: 'x' } })).status,
    400,
  );
  assert.equal((await pdp(path, { ...common, evaluations: new Array(1_001).fill({}) })).status, 400, 'too many');
});

test('the PDP says where it is reached, to everybody', async (t) => {
  const { send, port } = await startTestPdp(t);
  const { status, json } = await send('/.well-known/authzen-configuration', { method: 'GET' });
  assert.equal(status, 200);
  const origin = `http://127.0.0.1:${port}`;
  assert.equal(json.policy_decision_point, origin);
  assert.equal(json.search_resource_endpoint, `${origin}/access/v1/search/resource`);
});

test('the PDP says no when it cannot write its journal, and when its facts are too old', async (t) => {
  const { pdp, gate } = await startTestPdp(t);
  Object.assign(gate, { record: () => Promise.reject(new Error('disk full')) });
  const failed = await pdp(evaluation, mortyUpdates);
  assert.equal(failed.status, 500);
  assert.doesNotMatch(failed.text, /disk/);
  Object.assign(gate, { isFreshFor: () => false });
  assert.equal((await pdp(evaluation, mortyUpdates)).status, 503);
});

test('the PDP does not say yes about an app that is more sensitive than its facts are fresh', async (t) => {
  const segment = {
    kind: 'segment',
    id: 'vault',
    body: { displayName: '', description: '', within: null, sensitivity: 'medium', origin: 'api' },
  } as const;
  const extra = '@id("open") permit (principal, action == Action::"read", resource == App::"wiki");';
  const { pdp, gate } = await startTestPdp(t, {
    rows: [segment],
    policies: policiesWithTodo(extra),
    app: { segment: 'vault' },
  });
  const asked = {
    subject: { type: 'anonymous', id: 'anonymous' },
    action: { name: 'read' },
    resource: { type: 'app', id: 'wiki' },
  };
  const search = { ...asked, resource: { type: 'app' } };
  assert.equal((await pdp(evaluation, asked)).json.decision, true);
  assert.equal((await pdp('/access/v1/search/resource', search)).json.results.length, 1);
  Object.assign(gate, { isFreshFor: (sensitivity: string) => sensitivity === 'low' });
  const { json } = await pdp(evaluation, asked);
  assert.equal(json.decision, false);
  assert.match(json.context.error.message, /too old/);
  const batch = await pdp('/access/v1/evaluations', { ...asked, evaluations: [{}, mortyUpdates] });
  assert.deepEqual(
    batch.json.evaluations.map(({ decision }: { decision: boolean }) => decision),
    [false, true],
    'each by its own app',
  );
  assert.deepEqual((await pdp('/access/v1/search/resource', search)).json.results, []);
});
