// The life of policies through the API: states, gates, overrides, drafts, rollback of what was signed.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Publication } from '#foundation/model';
import { openStore } from '#shell/store';
import { startTestControl, type TestControl } from '../../../tests/fakes/test-control.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl();
});
after(async () => control.stop());

const admin = (method: string, path: string, body?: unknown) =>
  control.call(method, `/api/v1${path}`, body === undefined ? {} : { body });

async function tokenCaller(scopes: string[]) {
  const { body } = await admin('POST', '/tokens', { label: 'test', scopes, lifetimeMs: 3_600_000 });
  return (method: string, path: string, sent?: unknown) =>
    control.call(method, `/api/v1${path}`, {
      socket: 'web',
      headers: { authorization: `Bearer ${body.token}` },
      ...(sent === undefined ? {} : { body: sent }),
    });
}

const current = async () => (await admin('GET', '/policies/current')).body;
const extra = (id: string, more = '') => ({
  file: `${id}.cedar`,
  text: `@id("${id}")\nforbid (principal, action == Action::"administer-read", resource) when { context.noun == "segment" ${more}};`,
});
/** Publishes what is published with more policies. */
const publishMore = async (files: unknown[], more: object = {}) => {
  const { policies } = await current();
  const named = new Set(files.map((each) => (each as { file: string }).file));
  const kept = policies.filter((each: { file: string }) => !named.has(each.file));
  return admin('POST', '/policies/publish', { policies: [...kept, ...files], message: 'more', ...more });
};

test('the shipped policies are published with their tests, and every test passes', async () => {
  const { body } = await admin('POST', '/policies/test', {});
  assert.deepEqual([body.ok, body.report.failed, body.report.coverage.percent], [true, 0, 100]);
});

test('validation names what is wrong in tests and invariants, and which tests fail', async () => {
  const { policies, tests, invariants } = await current();
  const placesOf = async (wanted: object) => {
    const { body } = await admin('POST', '/policies/validate', { policies, tests, invariants, ...wanted });
    return body.problems.map((each: Record<string, unknown>) => [each['file'], each['line'], each['severity']]);
  };
  assert.deepEqual(await placesOf({}), []);
  const broken = { file: 'x.invariants', text: '\n@id("x") perhaps (principal, action, resource);' };
  assert.deepEqual(await placesOf({ invariants: [broken] }), [['x.invariants', 2, 'error']]);
  assert.deepEqual(await placesOf({ tests: [{ file: 'x.test.yaml', text: 'tests:\n  - nonsense' }] }), [
    ['x.test.yaml', 2, 'error'],
  ]);
  const unguarded = policies.filter(({ file }: { file: string }) => file !== '90-guards.cedar');
  const failing: unknown[][] = await placesOf({ policies: unguarded, invariants: [] });
  assert.ok(
    failing.length > 0 &&
      failing.every(([file, , severity]) => /test\.yaml$/.test(String(file)) && severity === 'warning'),
  );
});

test('a commit is the word of who published, and the history says so whatever they say', async () => {
  const { policies } = await current();
  const git = { commit: 'a'.repeat(40), author: 'Somebody', isDirty: false };
  assert.equal((await admin('POST', '/policies/publish', { policies, message: 'x', git })).status, 200);
  assert.deepEqual((await admin('GET', '/policies/history')).body.items[0].git, { ...git, isStated: true });
  const forged = await admin('POST', '/policies/publish', { policies, message: 'x', git: { ...git, isStated: false } });
  assert.equal(forged.status, 400);
});

test('a policy in shadow changes no answer, and the journal tells what it would have changed', async () => {
  const published = await publishMore([extra('no-segments')], { states: [{ id: 'no-segments', state: 'shadow' }] });
  assert.equal(published.status, 200, published.text);
  assert.deepEqual(published.body.states, [{ id: 'no-segments', state: 'shadow' }]);
  assert.equal((await admin('GET', '/segments')).status, 200);
  const { body } = await admin('GET', '/events?shadow=deny');
  assert.equal(body.items.length, 1);
  const { authorizations } = body.items[0].payload;
  assert.deepEqual(
    authorizations.map(({ decision, policy }: { decision: string; policy: object }) => ({ decision, ...policy })),
    [
      { decision: 'allow', uid: 'operator-administers', version: String(published.body.sequence), is_applied: true },
      { decision: 'deny', uid: 'no-segments', version: String(published.body.sequence), is_applied: false },
    ],
  );
  assert.equal((await admin('GET', '/events?shadow=allow')).body.items.length, 0);
  const counted = (await admin('GET', '/policies/shadow')).body;
  assert.deepEqual(
    [counted.isComplete, counted.items[0].policy, counted.items[0].allow, counted.items[0].deny],
    [true, 'no-segments', 0, 1],
  );
  const explained = await admin('POST', '/policies/explain', { event: body.items[0].id });
  assert.deepEqual(explained.body.reasons, ['operator-administers'], 'what was not applied is no reason');
});

test('a policy is staged, promoted and put back, each in the history and without its text changing', async () => {
  const { policies } = await current();
  const states = (changes: unknown[]) => admin('POST', '/policies/states', { changes });
  const all = { id: 'no-segments', state: 'staged', stage: { percent: 100 } };
  assert.deepEqual((await states([all])).body.states, [all]);
  assert.equal((await admin('GET', '/segments')).status, 403);
  const none = { id: 'no-segments', state: 'staged', stage: { percent: 0 } };
  await states([none]);
  assert.equal((await admin('GET', '/segments')).status, 200);
  const promoted = await states([{ id: 'no-segments', state: 'enforced' }]);
  assert.deepEqual([promoted.body.states, promoted.body.policies], [[], policies]);
  assert.equal((await admin('GET', '/segments')).status, 403);
  const back = await admin('POST', '/policies/rollback', {});
  assert.deepEqual([back.body.states, back.body.policies], [[none], policies], 'with the states it had');
  assert.equal((await admin('GET', '/segments')).status, 200);
  const history = (await admin('GET', '/policies/history')).body.items;
  assert.deepEqual(
    history.slice(0, 3).map((each: { message: string }) => each.message),
    [`back to publication ${promoted.body.sequence - 1}`, 'no-segments: enforced', 'no-segments: staged 0%'],
  );
});

test('policies that are not named keep their state, and one that is gone leaves none behind', async () => {
  const kept = await publishMore([extra('other')]);
  assert.deepEqual(kept.body.states, [{ id: 'no-segments', state: 'staged', stage: { percent: 0 } }]);
  const { policies } = await current();
  const without = policies.filter(
    (each: { file: string }) => !['no-segments.cedar', 'other.cedar'].includes(each.file),
  );
  const gone = await admin('POST', '/policies/publish', { policies: without, message: 'without' });
  assert.deepEqual(gone.body.states, []);
});

test('states that are none are refused, and name what is wrong', async () => {
  const states = (change: unknown) => admin('POST', '/policies/states', { changes: [change] });
  const unknown = await states({ id: 'nobody', state: 'shadow' });
  assert.deepEqual([unknown.status, unknown.body.code], [400, 'unknown-policy']);
  for (const stage of [{ segments: ['nowhere'] }, { groups: ['administrators', 'nowhere'] }]) {
    const stray = await states({ id: 'auditors-read', state: 'staged', stage });
    assert.deepEqual([stray.status, stray.body.code], [400, 'unknown-stage'], stray.text);
    assert.match(stray.text, /`nowhere`/);
  }
  for (const change of [
    { id: 'auditors-read', state: 'draft' },
    { id: 'auditors-read', state: 'staged' },
    { id: 'auditors-read', state: 'staged', stage: { percent: 101 } },
    { id: 'auditors-read', state: 'staged', stage: { percent: 5, groups: ['a'] } },
    { id: 'auditors-read', state: 'shadow', stage: { percent: 5 } },
  ]) {
    const { status } = await states(change);
    assert.equal(status, 400, JSON.stringify(change));
  }
});

test('a set that fails its tests is not published, except by an override with a reason, which is an event of high severity', async () => {
  const before = await current();
  const wrong = {
    file: '30-demo.cedar',
    text: '@id("demo-public-page") permit (principal, action, resource == App::"demo");',
  };
  const refused = await publishMore([wrong]);
  assert.deepEqual([refused.status, refused.body.code], [409, 'gate-closed']);
  assert.ok(
    refused.body.errors.some(
      ({ path, message }: { path: string; message: string }) =>
        path === 'tests' && /apps\.test\.yaml:\d+: /.test(message),
    ),
    refused.text,
  );
  assert.equal((await current()).sequence, before.sequence);
  const published = await publishMore([wrong], { override: 'the demo goes away tonight' });
  assert.equal(published.status, 200, published.text);
  assert.deepEqual(published.body.override, { reason: 'the demo goes away tonight', gates: ['tests'] });
  const events = (await admin('GET', '/events?q=although%20gates%20were%20closed')).body.items;
  assert.equal(events.length, 1);
  assert.equal(events[0].severityId, 4);
  assert.match(events[0].payload.comment, /tests failed; overridden: the demo goes away tonight/);
  await admin('POST', '/policies/rollback', { sequence: before.sequence });
});

test('what is not valid, and what would lock everybody out, no override helps', async () => {
  const invalid = await publishMore([extra('x', '&& context.nope ')], { override: 'please' });
  assert.deepEqual([invalid.status, invalid.body.code], [400, 'invalid-policies']);
});

test('a set that breaks an invariant is not published, and the counterexample is told', async () => {
  const invariants = [
    ...(await current()).invariants,
    {
      file: 'a.invariants',
      text: '@id("strangers-read-nothing") never (principal is Anonymous, action == Action::"read", resource);',
    },
  ];
  const refused = await publishMore([], { invariants });
  assert.deepEqual([refused.status, refused.body.code], [409, 'gate-closed'], refused.text);
  assert.equal(refused.body.errors[0].path, 'invariants');
  assert.match(refused.body.errors[0].message, /`strangers-read-nothing` is broken: Anonymous::"anonymous"/);
});

test('tests that cannot be read close the gate, and say where', async () => {
  const unreadable = { file: 'a.test.yaml', text: 'tests: [{ name: a }]\n' };
  const refused = await publishMore([], { tests: [...(await current()).tests, unreadable] });
  assert.equal(refused.body.code, 'gate-closed');
  assert.match(refused.body.errors[0].message, /^a\.test\.yaml:1:\d+: `tests\[0\]\.principal` /);
});

test('an override needs more than the right to publish, and the attempt is in the journal', async () => {
  const publisher = await tokenCaller(['policy:write']);
  const { policies } = await current();
  const wanted = { policies: policies.filter((each: { file: string }) => each.file !== '30-demo.cedar'), message: 'x' };
  assert.equal((await publisher('POST', '/policies/publish', wanted)).body.code, 'gate-closed');
  const refused = await publisher('POST', '/policies/publish', { ...wanted, override: 'trust me' });
  assert.deepEqual([refused.status, refused.body.code], [403, 'denied']);
  const event = await admin('GET', `/events/${refused.body.correlationId}`);
  assert.match(event.body.payload.message, /^refused: publish policies that do not pass their gates/);
  const chief = await tokenCaller(['policy:write', 'policy-override:write']);
  const done = await chief('POST', '/policies/publish', { ...wanted, override: 'agreed' });
  assert.equal(done.status, 200, done.text);
  await admin('POST', '/policies/rollback', {});
  const again = { sequence: done.body.sequence };
  const sly = await publisher('POST', '/policies/rollback', again);
  assert.deepEqual([sly.status, sly.body.code], [403, 'denied'], 'nor by rolling back to what was overridden');
  assert.equal((await chief('POST', '/policies/rollback', again)).status, 200);
  assert.equal((await publisher('POST', '/policies/rollback', {})).status, 200, 'what passed its gates needs no more');
});

test('who may publish drops no invariant and no test, except by an override, which is told loudly with their names', async () => {
  const publisher = await tokenCaller(['policy:write']);
  const { policies, invariants, tests, schema } = await current();
  const [first] = invariants;
  // Strangers may write, and the invariant that they administer nothing stands word for word.
  const escaped = schema.replace(
    '"administer-read", "administer-write" in ["administer"]',
    '"administer-read", "administer-write"',
  );
  const hole = {
    file: 'hole.cedar',
    text: '@id("hole") permit (principal, action == Action::"administer-write", resource);',
  };
  const attempt = (wanted: object) => publisher('POST', '/policies/publish', { policies, message: 'x', ...wanted });
  const weaker = {
    ...first,
    text: `${first.text}\n@id("but") assume (principal, action, resource) when { context.host == "no" };`,
  };
  for (const [wanted, words] of [
    [{ invariants: [] }, /invariant `strangers-administer-nothing` \(shipped\.invariants\) does not stand any more/],
    [{ invariants: [weaker] }, /invariant `strangers-administer-nothing`/],
    [
      { schema: escaped, policies: [...policies, hole] },
      /action `Action::"administer-read"` is gone from the schema, or stands/,
    ],
    [{ tests: tests.slice(1) }, /test `[^`]+` \(administration\.test\.yaml\) is gone/],
  ] as const) {
    const { status, body } = await attempt(wanted);
    assert.deepEqual([status, body.code, body.errors[0].path], [409, 'gate-closed', 'kept-checks']);
    assert.match(body.errors[0].message, words);
    assert.equal((await attempt({ ...wanted, override: 'please' })).status, 403);
  }
  const more = {
    file: 'more.invariants',
    text: '@id("more") never (principal, action, resource) when { context.host == "no" && context.host == "yes" };',
  };
  const moved = [{ ...first, file: 'moved.invariants', text: `// Moved.\n${first.text}` }, more];
  const kept = await attempt({ invariants: moved });
  assert.equal(kept.status, 200, kept.text);
  const published = await publishMore([], { tests: [], invariants: [], override: 'begin anew' });
  assert.equal(published.status, 200, published.text);
  assert.deepEqual(published.body.override, { reason: 'begin anew', gates: ['kept-checks'] });
  const [event] = (await admin('GET', '/events?q=although%20gates%20were%20closed')).body.items;
  assert.equal(event.severityId, 4);
  assert.match(
    event.payload.comment,
    /kept-checks failed; overridden: begin anew.*`moved\.invariants`.*`apps\.test\.yaml`/,
  );
  const moved2 = await admin('POST', '/policies/states', { changes: [{ id: 'auditors-read', state: 'shadow' }] });
  assert.deepEqual([moved2.status, moved2.body.override], [200, null], 'nothing was dropped by that');
  const again = await admin('POST', '/policies/states', { changes: [{ id: 'auditors-read', state: 'enforced' }] });
  assert.equal(again.body.override, null);
  const back = await publishMore([], { tests, invariants });
  assert.equal(back.status, 200, 'more checks need no override');
});

test('going back keeps the invariants of today, which must hold, unless an override says why not', async () => {
  const publisher = await tokenCaller(['policy:write']);
  const chief = await tokenCaller(['policy:write', 'policy-override:write']);
  const { invariants } = await current();
  const hole = {
    file: 'hole.cedar',
    text: '@id("hole") permit (principal is Anonymous, action == Action::"delete", resource == App::"hole");',
  };
  const early = (await publishMore([hole])).body;
  assert.ok(early.sequence > 0);
  const shut = {
    file: 'hole.invariants',
    text: '@id("shut") never (principal is Anonymous, action == Action::"delete", resource == App::"hole");',
  };
  const { policies } = await current();
  const mended = policies.filter(({ file }: { file: string }) => file !== hole.file);
  const later = await admin('POST', '/policies/publish', {
    policies: mended,
    invariants: [...invariants, shut],
    message: 'shut',
  });
  assert.equal(later.status, 200, later.text);
  const body = { sequence: early.sequence };
  for (const call of [publisher, admin]) {
    const refused = await call('POST', '/policies/rollback', body);
    assert.deepEqual([refused.status, refused.body.code], [409, 'gate-closed'], refused.text);
    assert.match(refused.body.errors[0].message, /`shut` is broken/);
  }
  assert.equal((await publisher('POST', '/policies/rollback', { ...body, override: 'x' })).status, 403);
  assert.equal((await current()).sequence, later.body.sequence);
  const forced = await chief('POST', '/policies/rollback', { ...body, override: 'the app is gone' });
  assert.deepEqual(forced.body.override, { reason: 'the app is gone', gates: ['invariants'] });
  assert.deepEqual(forced.body.invariants, invariants, 'with those it had');
  await admin('POST', '/policies/rollback', { sequence: later.body.sequence });
  // Tests of today are kept as well, and actions in their groups.
  const before = await current();
  const asks = `\n  - { name: asks, principal: 'Anonymous::"anonymous"', action: 'Action::"write"', resource: 'App::"console"', decision: deny }\n`;
  const asking = (more: string) =>
    before.tests.map(({ file, text }: { file: string; text: string }) => ({
      file,
      text: file === 'apps.test.yaml' ? text + more : text,
    }));
  const tested = await publishMore([], { tests: asking(asks) });
  assert.equal(tested.status, 200, tested.text);
  const dropping = await publisher('POST', '/policies/rollback', {});
  assert.deepEqual([dropping.status, dropping.body.errors?.[0].path], [409, 'kept-checks'], dropping.text);
  assert.match(dropping.body.errors[0].message, /test `asks` \(apps\.test\.yaml\) is gone/);
  const flipped = asking(asks.replace('decision: deny', 'decision: allow'));
  assert.match((await publishMore([], { tests: flipped })).text, /expected `deny`, and expects `allow` now/);
  const dropped = await chief('POST', '/policies/rollback', { override: 'it asked for nothing' });
  assert.deepEqual(dropped.body.override?.gates, ['kept-checks'], dropped.text);
  await publishMore([extra('plain', '&& false ')]);
  const harmless = (await publishMore([extra('harmless', '&& false ')])).body;
  const back = await publisher('POST', '/policies/rollback', { sequence: harmless.sequence - 1 });
  assert.equal(back.status, 200, back.text);
  const schema = before.schema.replace(
    'action "administer-read", "administer-write" in ["administer"]',
    'action "administer-read", "administer-write"',
  );
  assert.notEqual(schema, before.schema);
  const moved = await publishMore([], { schema, override: 'for a minute' });
  assert.equal(moved.status, 200, moved.text);
  const moving = await admin('POST', '/policies/rollback', {});
  assert.match(moving.text, /action `Action::\\"administer-read\\"` is gone from the schema, or stands/);
  assert.equal((await admin('POST', '/policies/rollback', { override: 'back' })).status, 200);
});

test('going back takes invariants away that alone were new, by an override only', async () => {
  const { invariants, sequence } = await current();
  const mistaken = {
    file: 'mistaken.invariants',
    text: '@id("mistaken") never (principal is User, action == Action::"read", resource == App::"demo");',
  };
  const published = await publishMore([], { invariants: [...invariants, mistaken], override: 'it seemed right' });
  assert.deepEqual(published.body.override?.gates, ['invariants'], published.text);
  const kept = await admin('POST', '/policies/rollback', {});
  assert.deepEqual([kept.body.isNew, kept.body.sequence], [false, published.body.sequence], kept.text);
  const chief = await tokenCaller(['policy:write', 'policy-override:write']);
  const back = await chief('POST', '/policies/rollback', { sequence, override: 'it was not' });
  assert.deepEqual([back.status, back.body.isNew], [200, true], back.text);
  assert.deepEqual(back.body.override, { reason: 'it was not', gates: ['kept-checks'] });
  assert.deepEqual(back.body.invariants, invariants);
});

test('an override that was not needed leaves no trace of one', async () => {
  const published = await publishMore([extra('fine', '&& false ')], { override: 'in case' });
  assert.equal(published.body.override, null);
  await admin('POST', '/policies/rollback', {});
});

test('a draft is kept, listed, shown, tested and discarded, and nothing judges by it', async () => {
  const { policies, sequence } = await current();
  const draft = {
    policies: [...policies, extra('drafted')],
    tests: [{ file: 'a.test.yaml', text: 'tests: []' }],
    message: 'try',
  };
  const kept = await admin('PUT', '/policies/drafts/mine', draft);
  assert.equal(kept.status, 200, kept.text);
  assert.equal((await admin('GET', '/segments')).status, 200);
  assert.equal((await current()).sequence, sequence);
  const [listed] = (await admin('GET', '/policies/drafts')).body.items;
  assert.deepEqual([listed.id, listed.message, listed.policyCount], ['mine', 'try', policies.length + 1]);
  const shown = (await admin('GET', '/policies/drafts/mine')).body;
  assert.equal(shown.policies.at(-1).file, 'drafted.cedar');
  const tested = (await admin('POST', '/policies/drafts/mine/test')).body;
  assert.equal(tested.ok, false);
  assert.match(tested.failures[0], /^a\.test\.yaml:1:\d+: `tests` must hold at least 1/);
  const unfinished = await admin('PUT', '/policies/drafts/mine', { policies: [{ file: 'a.cedar', text: 'permit(' }] });
  assert.equal(unfinished.status, 200, 'it need not be valid');
  const stale = await control.call('PUT', '/api/v1/policies/drafts/mine', {
    body: draft,
    headers: { 'if-match': `"${kept.body.revision}"` },
  });
  assert.equal(stale.status, 412);
  assert.equal((await admin('DELETE', '/policies/drafts/mine')).status, 204);
  assert.equal((await admin('GET', '/policies/drafts/mine')).status, 404);
});

test('more drafts than the parser takes at once are refused, and whoever publishes does not wait for them', async () => {
  // So many that parsing them takes much longer than asking.
  const policies = Array.from({ length: 50 }, (_, at) => ({
    file: `${at}.cedar`,
    text: `@id("draft-${at}") permit (principal, action, resource);`,
  }));
  const drafts = Array.from({ length: 40 }, () => admin('POST', '/policies/validate', { policies }));
  const wrong = [{ file: 'wrong.cedar', text: 'permit (' }];
  const published = admin('POST', '/policies/publish', { policies: wrong, message: 'beside drafts' });
  const answers = await Promise.all(drafts);
  const refused = answers.filter(({ status }) => status !== 200);
  assert.ok(refused.length > 0 && refused.length < answers.length, String(refused.length));
  for (const { status, body } of refused) {
    assert.deepEqual([status, body.code], [503, 'policy-parser']);
    assert.match(body.detail, /too many policy sets wait to be parsed; try again shortly/);
  }
  assert.equal((await published).body.code, 'invalid-policies', 'it was looked at');
  assert.equal((await admin('POST', '/policies/validate', { policies })).body.valid, true);
});

test('drafts are bounded in number and size', async () => {
  const body = { policies: [{ file: 'a.cedar', text: '' }] };
  for (let each = 0; each < 20; each += 1)
    assert.equal((await admin('PUT', `/policies/drafts/d${each}`, body)).status, 200);
  assert.equal((await admin('PUT', '/policies/drafts/one-more', body)).body.code, 'too-many-drafts');
  const large = { policies: [0, 1, 2].map((each) => ({ file: `${each}.cedar`, text: ' '.repeat(900_000) })) };
  assert.equal((await admin('PUT', '/policies/drafts/d0', large)).body.code, 'too-large');
});

test('a publication that was changed in the store is not put in force again', async () => {
  const { sequence } = await publishMore([extra('last', '&& false ')]).then(({ body }) => body);
  await control.control.stop();
  const path = join(control.handoff.dataDirectory, 'store', 'nullius.sqlite');
  const store = await openStore({ path, clock: Date.now, writer: 'control' });
  const [newest] = await store.history('publication', 'current', { limit: 1 });
  const body = newest?.body as Publication;
  const forged = {
    ...{ ...body, sequence: sequence + 1, invariants: [] },
    states: [{ id: 'suspended-users', state: 'shadow' as const }],
  };
  await store.commit([{ kind: 'publication', id: 'current', body: forged }]);
  await store.close();
  await control.restart();
  assert.equal((await admin('GET', '/users')).status, 403, 'states that the signer did not sign: nothing is allowed');
  const refused = await admin('POST', '/policies/rollback', { sequence: sequence + 1 });
  assert.deepEqual([refused.status, refused.body.code], [409, 'not-authentic']);
  const back = await admin('POST', '/policies/rollback', { sequence });
  assert.equal(back.status, 200, back.text);
  assert.deepEqual(back.body.invariants, body.invariants, 'nor is anything of it');
  assert.equal((await admin('GET', '/users')).status, 200);
});
