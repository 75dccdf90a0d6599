// Proofs through the API: of what is in force, of drafts, and as a gate before states change.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import { adminTokenFile } from '#shell/wire';
import { startTestControl, type TestControl, until } from '../../../tests/fakes/test-control.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl();
});
after(async () => control.stop());

const admin = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  control.call(method, `/api/v1${path}`, body === undefined ? {} : { body, headers });
const eventsOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)));
const current = async () => (await admin('GET', '/policies/current')).body;

test('the invariants in force hold, and a draft without a guard is told by a request it really lets in', async () => {
  const { invariants, policies } = await current();
  assert.ok(invariants.length > 0);
  const held = await admin('POST', '/policies/prove', {});
  assert.equal(held.status, 200, held.text);
  const outcomes = held.body.found.map(({ outcome }: { outcome: string }) => outcome);
  assert.deepEqual([...new Set(outcomes)], ['holds']);
  const unguarded = policies.filter(({ file }: { file: string }) => file !== '90-guards.cedar');
  const broken = await admin('POST', '/policies/prove', { policies: unguarded });
  const result = broken.body.found.find(({ outcome }: { outcome: string }) => outcome === 'counterexample');
  assert.equal(result.counterexample.decision, 'allow');
  assert.deepEqual(Object.keys(result.counterexample.request).sort(), [
    'action',
    'context',
    'entities',
    'principal',
    'resource',
  ]);
});

test('a draft is compared with what is in force, and what does nothing is found', async () => {
  const { policies } = await current();
  const extra = {
    file: 'x.cedar',
    text: '@id("x") permit (principal is User, action in Action::"access", resource == App::"x");',
  };
  const compared = await admin('POST', '/policies/compare', { policies: [...policies, extra] });
  assert.deepEqual(
    [compared.body.found.verdict, compared.body.found.lost.kind],
    ['more-permissive', 'none'],
    compared.text,
  );
  assert.deepEqual(compared.body.found.gained.example.after, { decision: 'allow', policies: ['x'] });
  const analysed = await admin('POST', '/policies/analyse', {});
  assert.equal(analysed.headers['content-type'], 'text/event-stream');
  const events = eventsOf(analysed.text);
  const { type, found, problems } = events.pop() ?? {};
  assert.deepEqual([type, found, problems], ['report', [], []], analysed.text);
  const { total, done, what } = events.at(-1) ?? {};
  assert.deepEqual(
    [events.every((each) => each['type'] === 'progress'), done === total, typeof what],
    [true, true, 'string'],
  );
});

test('readers ask one question after the other, who goes away frees the place, and who publishes need not wait for them', async () => {
  const { policies } = await current();
  // So many that looking at them takes much longer than what happens meanwhile.
  const many = Array.from(
    { length: 200 },
    (_, at) =>
      `@id("many-${at}") permit (principal is User, action in Action::"access", resource == App::"a-${at}") when { principal.name == "n-${at}" };`,
  );
  const sent = JSON.stringify({ policies: [...policies, { file: 'many.cedar', text: many.join('\n') }] });
  const asking = request({
    socketPath: control.handoff.sockets.admin,
    method: 'POST',
    path: '/api/v1/policies/analyse',
    headers: {
      host: 'control',
      authorization: `Bearer ${readFileSync(adminTokenFile(control.handoff.dataDirectory), 'utf8')}`,
      'content-type': 'application/json',
      'content-length': String(sent.length),
    },
  });
  asking.on('error', () => undefined);
  asking.end(sent);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined);
  // Under way: its first progress has come.
  await once(answer, 'data');
  for (const path of ['/policies/analyse', '/policies/prove']) {
    const { status, body } = await admin('POST', path, {});
    assert.deepEqual([status, body.code], [503, 'no-proof'], path);
  }
  const more = {
    file: 'meanwhile.cedar',
    text: '@id("meanwhile") forbid (principal == User::"nobody", action == Action::"administer-read", resource);',
  };
  const published = await admin('POST', '/policies/publish', { policies: [...policies, more], message: 'meanwhile' });
  assert.equal(published.status, 200, published.text);
  asking.destroy();
  // The place is freed.
  await until(async () => (await admin('POST', '/policies/prove', { invariants: [] })).status === 200);
});

test('what is wrong with a draft or an invariant is told with its place', async () => {
  const invariants = [{ file: 'a.invariants', text: '\n@id("a") perhaps (principal, action, resource);' }];
  const { body } = await admin('POST', '/policies/prove', { invariants });
  assert.equal(body.found, null);
  assert.deepEqual(
    [body.problems[0].file, body.problems[0].line, body.problems[0].severity],
    ['a.invariants', 2, 'error'],
  );
});

test('a guard that an invariant rests on is not put in shadow, by itself or with a publication', async () => {
  const changes = [{ id: 'suspended-users', state: 'shadow' }];
  const refused = await admin('POST', '/policies/states', { changes });
  assert.deepEqual([refused.status, refused.body.code], [409, 'gate-closed'], refused.text);
  assert.match(refused.body.errors[0].message, /`suspended-people-are-out` is broken/);
  const { policies } = await current();
  const published = await admin('POST', '/policies/publish', { policies, states: changes, message: 'x' });
  assert.equal(published.body.code, 'gate-closed');
  assert.deepEqual((await current()).states, []);
});

test('whoever takes events hears how far tests and proofs are, then the answer or the whole problem', async () => {
  const { policies } = await current();
  const events = { accept: 'text/event-stream, application/problem+json' };
  const extra = { file: 'told.cedar', text: '@id("told") forbid (principal == User::"nobody", action, resource);' };
  const told = await admin('POST', '/policies/publish', { policies: [...policies, extra], message: 'told' }, events);
  assert.deepEqual([told.status, told.headers['content-type']], [200, 'text/event-stream']);
  const [first, begun, ...rest] = eventsOf(told.text);
  assert.deepEqual([first?.['step'], begun?.['step']], ['tests', 'invariants'], told.text);
  const { type, isNew, message } = rest.pop() ?? {};
  assert.deepEqual([type, isNew, message], ['report', true, 'told']);
  const { done, total, what } = rest.at(-1) ?? {};
  assert.deepEqual([done === total, rest.length === total, typeof what], [true, true, 'string'], told.text);

  const changes = [{ id: 'suspended-users', state: 'shadow' }];
  const refused = eventsOf((await admin('POST', '/policies/states', { changes }, events)).text).at(-1);
  assert.deepEqual([refused?.['type'], refused?.['status'], refused?.['code']], ['problem', 409, 'gate-closed']);
  assert.match(JSON.stringify(refused?.['errors']), /`suspended-people-are-out` is broken/);
  const back = eventsOf((await admin('POST', '/policies/rollback', {}, events)).text);
  assert.deepEqual([back[0]?.['step'], back.at(-1)?.['isNew']], ['invariants', true]);
});
