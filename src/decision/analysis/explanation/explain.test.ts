import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judge } from '#decision/administration';
import type { Question } from '#foundation/model';
import { fakeFactView } from '../../../../tests/fakes/fact-view.ts';
import { publishedSet } from '../../../../tests/published-set.ts';
import { type Explained, explain, questionsMax, withoutPauses } from '../index.ts';

const now = 1_800_000_000_000;
const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '10.0.0.1', tls: true, noun: '' };

function view() {
  return fakeFactView({
    group: { everyone: {}, staff: {}, ops: { memberOf: ['staff'] }, contractors: {} },
    user: {
      ada: { name: 'ada', groups: ['ops'] },
      ben: { name: 'ben', groups: [] },
      cas: { name: 'cas', groups: ['staff', 'contractors'] },
      sue: { name: 'sue', groups: ['staff'], status: 'suspended' },
    },
    session: {
      ada: { user: 'ada', authTime: now - 7_200_000 },
      ben: { user: 'ben', authTime: now - 10_000 },
      cas: { user: 'cas', authTime: now - 10_000 },
      sue: { user: 'sue', authTime: now - 10_000 },
    },
    segment: { inner: { within: 'outer' }, outer: { sensitivity: 'high' } },
    resource: { wiki: {}, vault: { segment: 'inner' } },
    token: { t: { owner: { type: 'User', id: 'ada' }, scopes: ['app:wiki'] } },
  });
}

const text = `
@id("staff-read")
permit (principal in Group::"staff", action == Action::"read", resource == App::"wiki");
@id("vault")
permit (principal in Group::"staff", action in Action::"access", resource in Segment::"outer")
when { context.session.phishingResistant
  && context.session.authAgeSeconds <= 3600 }
unless { context.route == "danger" || principal in Group::"contractors" };
@id("other")
permit (principal == User::"zoe", action == Action::"write", resource);
@id("suspended")
forbid (principal is User, action, resource) when { principal.status == "suspended" };`;

function ask(
  asker: Question['asker'],
  {
    resource = 'wiki',
    action = 'read',
    policies = text,
  }: { resource?: string; action?: Question['action']; policies?: string },
): Explained {
  const { published, set } = publishedSet(policies);
  const question: Question = { asker, action, resource: { type: 'App', id: resource }, request };
  return withoutPauses(explain({ view: view(), policies: published, set, question, now }));
}
const session = (sessionId: string) => ({ kind: 'session', sessionId }) as const;
const failing = ({ nearest }: Explained) =>
  nearest.map(({ id, parts }) => [id, ...parts.filter(({ holds }) => !holds).map(({ text: each }) => each)]);
const turns = ({ change }: Explained) => change?.alternatives.map((all) => all.map(({ words }) => words));

test('explain() says why it is allowed: the policy, the way over groups and segments, and the values it read', () => {
  const found = ask(session('cas'), {});
  assert.equal(found.verdict.answer, 'allow');
  assert.deepEqual(
    found.paths.map(({ principal, resource }) => [principal?.map(({ id }) => id), resource?.map(({ id }) => id)]),
    [[['cas', 'staff'], ['wiki']]],
  );
  assert.deepEqual(
    found.spoke.map(({ id, outcome, parts }) => [
      id,
      outcome,
      parts.map(({ text: each, holds }) => `${each} ${holds}`),
    ]),
    [
      [
        'staff-read',
        'satisfied',
        ['principal in Group::"staff" true', 'action == Action::"read" true', 'resource == App::"wiki" true'],
      ],
    ],
  );
  assert.deepEqual(found.nearest, []);
});

test('explain() writes a part behind `!` so that its words say what holds', () => {
  const permit = '@id("a") permit (principal, action, resource) when { !context.grants.isEmpty() };';
  assert.deepEqual(failing(ask(session('cas'), { policies: permit })), [['a', '!context.grants.isEmpty()']]);
  const forbid =
    '@id("b") forbid (principal, action, resource) when { !(context.host == "y" || context.route == "x") };';
  assert.deepEqual(
    ask(session('cas'), { policies: forbid }).spoke.map(({ parts }) =>
      parts.map(({ text: each, holds }) => `${each} ${holds}`),
    ),
    [['!(context.host == "y") true', '!(context.route == "x") true']],
  );
});

test('explain() finds the nearest permit, the very condition that failed, its place and the value it met', () => {
  const found = ask(session('ada'), { resource: 'vault', action: 'write' });
  assert.equal(found.verdict.answer, 'deny');
  assert.deepEqual(failing(found)[0], ['vault', 'context.session.authAgeSeconds <= 3600']);
  const part = found.nearest[0]?.parts.find(({ holds }) => !holds);
  assert.deepEqual(part?.values, [{ text: 'context.session.authAgeSeconds', value: '7200' }]);
  const lines = text.split('\n');
  assert.equal(
    lines[(part?.place?.line ?? 0) - 1]?.slice((part?.place?.column ?? 0) - 1),
    'context.session.authAgeSeconds <= 3600 }',
  );
  assert.deepEqual(turns(found)?.[0], ['Sign in again to prove it is still you.']);
  assert.equal(found.change?.isSmallest, true);
});

test('explain() names the part of an `unless` that held, and what would end it', () => {
  const found = ask(session('cas'), { resource: 'vault' });
  assert.deepEqual(failing(found)[0], ['vault', 'principal in Group::"contractors"']);
  assert.deepEqual(turns(found), [['Leave the group `contractors`.']]);
});

test('explain() finds that two changes together are needed, and says so only after trying every single one', () => {
  const found = ask(session('sue'), {
    resource: 'vault',
    policies: `${text}
@id("bound") forbid (principal, action, resource) unless { context.session.bound };`,
  });
  assert.deepEqual(
    found.spoke.map(({ id }) => id),
    ['bound', 'suspended'],
  );
  assert.deepEqual(turns(found), [
    ['Use a browser or device that binds the session to a key.', 'Have `status` `active` instead of `suspended`.'],
  ]);
  assert.equal(found.change?.isSmallest, true);
});

test('explain() finds the group to join, for a stranger after signing in', () => {
  assert.deepEqual(turns(ask(session('ben'), {})), [['Join the group `staff`.']]);
  assert.deepEqual(turns(ask({ kind: 'anonymous' }, {})), [['Sign in.', 'Join the group `staff`.']]);
});

test('explain() says what would end an access that is allowed', () => {
  const found = ask(session('cas'), {});
  assert.equal(found.change?.turnsTo, 'deny');
  assert.deepEqual(turns(found), [['Leave the group `staff`.'], ['Have `status` `suspended` instead of `active`.']]);
});

test('explain() explains a token by its scopes', () => {
  const found = ask({ kind: 'token', tokenId: 't' }, { resource: 'vault' });
  assert.match(found.verdict.words.join(' '), /scopes/);
  assert.deepEqual(turns({ ...found }), [], 'a token proves nothing freshly, whatever its scopes are');
  const read = ask(
    { kind: 'token', tokenId: 't' },
    {
      policies: `${text}
@id("v") permit (principal in Group::"staff", action, resource == App::"vault");`,
      resource: 'vault',
    },
  );
  assert.deepEqual(turns(read), [['Give the token the scope `app:vault`.']]);
});

test('explain() tells of a policy that failed, with the part that failed, and never calls a guarded part a failure', () => {
  const found = ask(session('ben'), {
    policies: `@id("sum") permit (principal is User, action, resource) when { context.session.authAgeSeconds + 9223372036854775807 > 0 };
@id("guarded") permit (principal, action, resource) when { principal is User && principal.status == "suspended" };`,
  });
  const sum = found.spoke.find(({ id }) => id === 'sum');
  assert.equal(sum?.outcome, 'error');
  assert.match(sum?.parts.at(-1)?.error ?? '', /overflow/);
  const stranger = ask(
    { kind: 'anonymous' },
    {
      policies:
        '@id("guarded") permit (principal, action, resource) when { principal is User && principal.status == "suspended" };',
    },
  );
  assert.deepEqual(failing(stranger), [['guarded', 'principal is User']]);
});

test('explain() is bounded and honest when nothing helps', () => {
  const policies = Array.from(
    { length: 400 },
    (_, index) =>
      `@id("p${index}") permit (principal in Group::"g${index}", action, resource) when { context.session.bound && context.session.credential == "recovery" && context.tls && !context.tls };`,
  ).join('\n');
  const found = ask(session('ben'), { policies });
  assert.equal(found.verdict.answer, 'deny');
  assert.deepEqual(found.change?.alternatives, []);
  assert.equal(found.change?.isSmallest, false);
  assert.ok((found.change?.asked ?? 0) <= questionsMax);
  assert.equal(found.nearest.length, 3);
});

test('explain() answers nothing but the verdict for what cannot be judged', () => {
  const found = ask(session('ben'), { resource: 'gone' });
  assert.deepEqual([found.verdict.answer, found.spoke, found.change], ['indeterminate', [], null]);
});

const conditionText = fc.constantFrom(
  'principal.status == "active"',
  'context.session.bound',
  'context.session.authAgeSeconds < 60',
  'context.session.authAgeSeconds > 3600',
  'context.session.credential == "federated"',
  'principal in Group::"contractors"',
  '!(principal in Group::"staff")',
  'context.grants.isEmpty()',
  '!context.grants.isEmpty()',
  'resource.sensitivity != "high"',
  'context.tls',
  'context.device.compliance == "compliant"',
);

test('explain() agrees with judge(), and a single change it finds is a change that judge() knows of', () => {
  const policyText = fc.record({
    effect: fc.constantFrom('permit', 'permit', 'forbid'),
    principal: fc.constantFrom('principal is User', 'principal is User in Group::"staff"', 'principal == User::"ben"'),
    all: fc.uniqueArray(conditionText, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(
      fc.array(policyText, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('ada', 'ben', 'cas', 'sue'),
      (all, who) => {
        const policies = all
          .map(
            (each, index) =>
              `@id("p${index}") ${each.effect} (${each.principal}, action in Action::"access", resource) ${each.all.map((one) => `when { ${one} }`).join(' ')};`,
          )
          .join('\n');
        const { published, set } = publishedSet(policies);
        const facts = view();
        const question: Question = {
          asker: session(who),
          action: 'read',
          resource: { type: 'App', id: 'vault' },
          request,
        };
        const input = { view: facts, policies: published, question, now };
        const found = withoutPauses(explain({ ...input, set }));
        const verdict = judge(input);
        assert.deepEqual(found.verdict, verdict);
        for (const policy of found.nearest) assert.ok(policy.parts.some(({ holds }) => !holds));
        const joins =
          found.change?.alternatives.filter((each) => each.length === 1 && each[0]?.kind === 'join-group') ?? [];
        for (const [change] of joins) {
          const group = /`(.*)`/.exec(change?.words ?? '')?.[1] ?? '';
          facts.put('user', who, { groups: [...(facts.get('user', who)?.groups ?? []), group] });
          assert.notEqual(judge(input).answer === 'allow', verdict.answer === 'allow', group);
          facts.put('user', who, { groups: view().get('user', who)?.groups ?? [] });
        }
      },
    ),
    { numRuns: Number(process.env['NULLIUS_FUZZ_RUNS'] ?? 40) },
  );
});
