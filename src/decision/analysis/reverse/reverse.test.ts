import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { askingFor, judge, type PublishedPolicies } from '#decision/administration';
import type { PolicySet } from '#decision/engine';
import type { FactOf, FactView, Question } from '#foundation/model';
import { fakeFactView } from '../../../../tests/fakes/fact-view.ts';
import { publishedSet } from '../../../../tests/published-set.ts';
import { pathUp, readsOfPrincipal, scopeReasons, subjectsOf, whatCan, whoCan } from '../index.ts';

const now = 1_800_000_000_000;
const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '10.0.0.1', tls: true, noun: '' };
const questions: readonly Omit<Question, 'asker'>[] = (['wiki', 'shop'] as const).flatMap((id) =>
  (['read', 'write'] as const).map((action) => ({ action, resource: { type: 'App', id }, request })),
);
const administration: Omit<Question, 'asker'> = {
  action: 'administer-read',
  resource: { type: 'Service', id: 'control' },
  request: { ...request, noun: 'user' },
};

/** What judge() says for each, one by one: the reference. */
function bruteForce(view: FactView, policies: PublishedPolicies, question: Omit<Question, 'asker'>) {
  return [...subjectsOf(view, { resource: question.resource, now })].map((subject) => {
    if (subject.kind === 'user') {
      const { basis, ...asking } = askingFor(view, { user: subject.person, now });
      const { answer, reasons } = judge({
        view,
        policies,
        now,
        ...asking,
        question: { ...question, asker: asking.asker },
      });
      return [subject.person.id, basis, answer, reasons];
    }
    const asker =
      subject.kind === 'token'
        ? ({ kind: 'token', tokenId: subject.id } as const)
        : ({ kind: subject.kind === 'operator' ? 'operator' : 'anonymous' } as const);
    const { answer, reasons } = judge({ view, policies, now, question: { ...question, asker } });
    return [subject.kind === 'token' ? subject.id : '', subject.kind, answer, reasons];
  });
}

function byReverse(view: FactView, { published, set }: { published: PublishedPolicies; set: PolicySet }) {
  const reads = readsOfPrincipal(set);
  return (question: Omit<Question, 'asker'>) =>
    [...whoCan({ view, policies: published, reads, now, question })].map(({ subject, basis, answer }) => [
      subject.kind === 'user' ? subject.person.id : subject.kind === 'token' ? subject.id : '',
      basis,
      answer.answer,
      answer.reasons,
    ]);
}

const groupName = fc.constantFrom('everyone', 'a', 'b', 'c', 'd');
const principals = fc.oneof(
  fc.constantFrom('principal', 'principal is User', 'principal == User::"u1"', 'principal == Workload::"w"'),
  groupName.map((name) => `principal in Group::"${name}"`),
  groupName.map((name) => `principal is User in Group::"${name}"`),
);
const age = 'context.session.authAgeSeconds';
/** Each is true or false of a user; `principal is User &&` keeps strict validation content. */
const atoms = fc.oneof(
  fc.constantFrom(
    'principal.status == "active"',
    'principal.source == "local"',
    'principal.email like "*@corp.example"',
    'principal.name == "u2"',
    'principal == User::"u3"',
    'User::"u4" != principal',
    'principal == (if context.tls then User::"u2" else User::"u1")',
    '[User::"u1", User::"u2"].contains(principal)',
    'principal in [Group::"a", Group::"b"]',
    'Group::"a" in Group::"b"',
    'context.session.phishingResistant',
    'context.session == context.session',
    'context has session',
    'context.session.credential == "passkey"',
    'context.session.provider != "none"',
    'context.session.bound',
    `${age} < 100`,
    `${age} <= 60`,
    `${age} == 60`,
    `60 > ${age}`,
    `${age} + 10 < 75`,
    `${age} * 9223372036854775807 > 0`,
    'context.grants.isEmpty()',
    'context.grants.contains(Grant::"g0")',
    '(if context.tls then context.session else context.session).bound',
    'context.token.present',
    'resource == App::"wiki"',
  ),
);
const policyText = fc
  .record({
    effect: fc.constantFrom('permit', 'permit', 'permit', 'forbid'),
    principal: principals,
    atoms: fc.array(atoms, { maxLength: 3 }),
  })
  .map(({ effect, principal, atoms: all }) => {
    const conditions = all.map((each) => ` when { principal is User && ${each} }`).join('');
    return `${effect} (${principal}, action, resource)${conditions};`;
  });
const users = fc.array(
  fc.record({
    groups: fc.uniqueArray(groupName, { maxLength: 3 }),
    status: fc.constantFrom('active' as const, 'active' as const, 'suspended' as const),
    source: fc.constantFrom('local', 'corp'),
    email: fc.constantFrom(null, 'x@corp.example', 'y@else.example', '\ud800'),
    session: fc.option(
      fc.record({ age: fc.constantFrom(-5, 0, 59, 60, 61, 64, 65, 99, 100, 5000), bound: fc.boolean() }),
    ),
    grant: fc.option(fc.constantFrom('active' as const, 'requested' as const), { freq: 4 }),
    token: fc.option(fc.constantFrom('app:wiki', 'app:wiki:read', 'admin', 'user:read'), { freq: 3 }),
  }),
  { minLength: 1, maxLength: 8 },
);
const memberOf = fc.record({
  a: fc.uniqueArray(groupName),
  b: fc.uniqueArray(groupName),
  c: fc.uniqueArray(groupName),
});

type RandomUser = typeof users extends fc.Arbitrary<(infer U)[]> ? U : never;

function viewOf(people: readonly RandomUser[], parents: { a: string[]; b: string[]; c: string[] }) {
  const view = fakeFactView({
    group: { everyone: {}, a: { memberOf: parents.a }, b: { memberOf: parents.b }, c: { memberOf: parents.c } },
    resource: { wiki: {}, shop: {} },
    token: { tw: { owner: { type: 'Workload', id: 'w' }, scopes: ['app:shop'] } },
  });
  for (const [index, each] of people.entries()) {
    const id = `u${index}`;
    const { groups, status, source, email, session, grant, token } = each;
    view.put('user', id, { name: id, groups, status, source, email } satisfies Partial<FactOf<'user'>>);
    if (session !== null) {
      const authTime = now - session.age * 1000;
      view.put('session', `s${index}`, { user: id, bound: session.bound, authTime, createdAt: authTime });
    }
    if (grant !== null) view.put('grant', `g${index}`, { user: id, resource: 'wiki', state: grant });
    if (token !== null)
      view.put('token', `t${index}`, { owner: { type: 'User', id }, scopes: [token], label: `t${index}` });
  }
  return view;
}

test('whoCan() gives for everybody the answer and the reasons of judge(), whatever policies read', () => {
  fc.assert(
    fc.property(fc.array(policyText, { minLength: 1, maxLength: 5 }), users, memberOf, (texts, people, parents) => {
      const text = texts.map((each, index) => `@id("p${index}") ${each}`).join('\n');
      const published = publishedSet(text);
      const view = viewOf(people, parents);
      const reverse = byReverse(view, published);
      for (const question of [...questions, administration]) {
        assert.deepEqual(reverse(question), bruteForce(view, published.published, question));
      }
    }),
    { numRuns: Number(process.env['NULLIUS_FUZZ_RUNS'] ?? 60) },
  );
});

test('whatCan() gives for each question what whoCan() gives for the subject', () => {
  const { published, set } = publishedSet(`
@id("a") permit (principal in Group::"a", action == Action::"read", resource);
@id("t") permit (principal == Workload::"w", action, resource);
@id("o") permit (principal == Workload::"local-operator", action, resource);`);
  const view = viewOf(
    [
      {
        groups: ['c'],
        status: 'active',
        source: 'local',
        email: null,
        session: null,
        grant: null,
        token: 'app:wiki:read',
      },
    ],
    { a: [], b: [], c: ['a'] },
  );
  const reads = readsOfPrincipal(set);
  const who = questions.map((question) => [...whoCan({ view, policies: published, reads, now, question })]);
  for (const [index, subject] of [...subjectsOf(view, { resource: { type: 'App', id: 'wiki' }, now })].entries()) {
    const what = [...whatCan({ view, policies: published, now, subject, questions })];
    assert.deepEqual(
      what.map(({ basis, answer }) => [basis, answer.answer, answer.reasons]),
      who.map((each) => [each[index]?.basis, each[index]?.answer.answer, each[index]?.answer.reasons]),
    );
  }
  const token = { kind: 'token', id: 'tw', label: '', owner: { type: 'Workload', id: 'w' } } as const;
  const answers = [...whatCan({ view, policies: published, now, subject: token, questions })].map(
    (each) => each.answer.answer,
  );
  assert.deepEqual(answers, ['deny', 'deny', 'allow', 'allow'], 'its scopes name the shop only');
});

test('whoCan() allows nobody when no policies are in force', () => {
  const { set } = publishedSet('@id("a") permit (principal, action, resource);');
  const view = fakeFactView({ user: { u: { name: 'u' } }, resource: { wiki: {} } });
  const [question] = questions as [Omit<Question, 'asker'>];
  const found = [...whoCan({ view, policies: null, reads: readsOfPrincipal(set), now, question })];
  assert.deepEqual(
    found.map(({ answer }) => answer.answer),
    ['indeterminate', 'indeterminate'],
  );
});

test('scopeReasons() leads from a person over groups, and from an app over segments, to what the policy names', () => {
  const { set } = publishedSet(`
@id("a") permit (principal in Group::"staff", action, resource in Segment::"outer");
@id("b") permit (principal, action, resource == App::"wiki");`);
  const view = fakeFactView({
    group: { everyone: {}, staff: {}, ops: { memberOf: ['loop', 'staff'] }, loop: { memberOf: ['ops'] } },
    user: { ada: { name: 'ada', groups: ['ops'] } },
    segment: { outer: {}, inner: { within: 'outer' } },
    resource: { wiki: { segment: 'inner' } },
  });
  const principal = { type: 'User', id: 'ada' };
  const resource = { type: 'App', id: 'wiki' };
  const names = (path: readonly { id: string }[] | null | undefined) => path?.map(({ id }) => id) ?? null;
  const found = scopeReasons(view, { set, policies: ['a', 'b', 'gone'], principal, resource });
  assert.deepEqual(
    found.map((each) => [each.policy, names(each.principal), names(each.resource)]),
    [
      ['a', ['ada', 'ops', 'staff'], ['wiki', 'inner', 'outer']],
      ['b', null, ['wiki']],
    ],
  );
  assert.equal(pathUp(view, { from: principal, wanted: [{ type: 'Group', id: 'nobody' }] }), undefined);
  assert.deepEqual(names(pathUp(view, { from: principal, wanted: [{ type: 'Group', id: 'everyone' }] })), [
    'ada',
    'everyone',
  ]);
});

test('whoCan() keeps apart those just below, at and just above a number that policies compare with', () => {
  for (const [operator, wanted] of [
    ['<', ['allow', 'deny', 'deny']],
    ['<=', ['allow', 'allow', 'deny']],
    ['==', ['deny', 'allow', 'deny']],
    ['!=', ['allow', 'deny', 'allow']],
  ] as const) {
    const published = publishedSet(
      `@id("p") permit (principal is User, action, resource) when { context.session.authAgeSeconds ${operator} 60 };`,
    );
    const common = { groups: [], status: 'active', source: 'local', email: null, grant: null, token: null } as const;
    const people = ([59, 60, 61] as const).map((age) => ({ ...common, groups: [], session: { age, bound: false } }));
    const [question] = questions as [Omit<Question, 'asker'>];
    const found = byReverse(viewOf(people, { a: [], b: [], c: [] }), published)(question);
    assert.deepEqual(
      found.slice(1, 4).map(([, , answer]) => answer),
      wanted,
    );
  }
});
