import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePublication, entitiesOf, judge, policySetOf } from '#decision/administration';
import { preparePolicies } from '#decision/parser';
import type { FactRow, Question } from '#foundation/model';
import { fakeFactView } from '../../../../tests/fakes/fact-view.ts';
import { publishedSet, shippedSchema } from '../../../../tests/published-set.ts';
import { DecideAgain, type RecordedDecision, Simulation, VersionedFacts } from '../index.ts';

const now = 1_800_000_000_000;
const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '10.0.0.1', tls: true, noun: '' };

/** Bodies as the fake view completes them. */
const complete = fakeFactView({
  group: { everyone: {}, staff: {}, crew: { memberOf: ['staff'] } },
  user: {
    ada: { name: 'ada', groups: ['staff'] },
    ben: { name: 'ben' },
    cas: { name: 'cas', groups: ['staff'] },
    dan: { name: 'dan', groups: ['crew'] },
  },
  session: {
    dan: { user: 'dan', authTime: now },
    ada: { user: 'ada', authTime: now },
    ben: { user: 'ben', authTime: now },
    cas: { user: 'cas', authTime: now - 7_200_000 },
  },
  resource: { wiki: {}, shop: {} },
  segment: { secret: { sensitivity: 'high' }, vault: { within: 'secret' } },
  token: { t: { owner: { type: 'User', id: 'ada' }, scopes: ['app:wiki:read'] } },
  grant: { g: { user: 'ben', resource: 'wiki', expiresAt: now + 1000 } },
});
const kinds = ['group', 'user', 'session', 'resource', 'segment', 'token', 'grant'] as const;
const row = (kind: (typeof kinds)[number], id: string, revision = 1): FactRow =>
  ({ kind, id, revision, body: complete.get(kind, id) ?? null }) as FactRow;
const allRows = () => kinds.flatMap((kind) => [...complete.all(kind)].map(([id]) => row(kind, id)));
const changed = (kind: (typeof kinds)[number], id: string, body: object): FactRow =>
  ({ kind, id, revision: 4, body: { ...complete.get(kind, id), ...body } }) as FactRow;
const facts = () => new VersionedFacts({ epoch: 1, first: 1, rows: allRows() });

function decision(
  who: string,
  parts: Partial<RecordedDecision> & { resource?: string; action?: Question['action'] } = {},
): RecordedDecision {
  const { resource = 'wiki', action = 'read', ...rest } = parts;
  const asker: Question['asker'] =
    who === ''
      ? { kind: 'anonymous' }
      : who === 't'
        ? { kind: 'token', tokenId: 't' }
        : { kind: 'session', sessionId: who };
  return {
    id: `e-${who}`,
    question: { asker, action, resource: { type: 'App', id: resource }, request },
    time: now,
    answer: 'allow',
    isPathCut: false,
    policySequence: 1,
    factRevision: 1,
    subject: { kind: who === '' ? 'stranger' : who === 't' ? 'token' : 'user', id: who, name: who },
    ...rest,
  };
}

const old = publishedSet('@id("staff") permit (principal in Group::"staff", action, resource == App::"wiki");');
const fresh = publishedSet(
  `@id("staff-fresh") permit (principal in Group::"staff", action == Action::"read", resource == App::"wiki") when { context.session.authAgeSeconds < 3600 };
@id("granted") permit (principal is User, action in Action::"access", resource) when { !context.grants.isEmpty() };`,
  { sequence: 2 },
);
const simulation = (versions = facts()) =>
  new Simulation({ facts: versions, before: new Map([[1, old]]), after: fresh });

test('Simulation shows who gains and who loses what, by which policies, with examples', () => {
  const replay = simulation();
  for (let count = 0; count < 5; count += 1) replay.replay(decision('cas', { id: `cas-${count}` }));
  replay.replay(decision('ada'));
  replay.replay(decision('ada', { action: 'write', id: 'ada-write' }));
  replay.replay(decision('ben', { answer: 'deny' }));
  replay.replay(decision('', { answer: 'deny' }));
  const report = replay.report();
  assert.deepEqual([report.replayed, report.same], [9, 2]);
  assert.deepEqual(
    [report.gained, report.lost],
    [
      { decisions: 1, subjects: 1 },
      { decisions: 6, subjects: 2 },
    ],
  );
  assert.deepEqual(
    report.groups.map(({ change, subject, action, count, before, after, examples }) => [
      change,
      subject.name,
      action,
      count,
      before,
      after,
      examples,
    ]),
    [
      ['lost', 'cas', 'read', 5, ['staff'], [], ['cas-0', 'cas-1', 'cas-2']],
      ['lost', 'ada', 'write', 1, ['staff'], [], ['ada-write']],
      ['gained', 'ben', 'read', 1, [], ['granted'], ['e-ben']],
    ],
  );
  assert.deepEqual(report.byPolicy, [
    { key: 'staff', name: 'staff', gained: 0, lost: 6 },
    { key: 'granted', name: 'granted', gained: 1, lost: 0 },
  ]);
  assert.deepEqual(report.byResource, [{ key: 'wiki', name: 'wiki', gained: 1, lost: 6 }]);
});

test('Simulation judges by the facts of each decision, whatever came later, in any order', () => {
  const versions = facts();
  complete.put('user', 'ada', { groups: [] });
  assert.ok(versions.append([row('user', 'ada', 2)], 2));
  complete.put('user', 'ada', { groups: ['staff'] });
  assert.ok(versions.append([{ kind: 'session', id: 'ada', revision: 3, body: null }], 3));
  const replay = simulation(versions);
  replay.replay(decision('ada', { factRevision: 2, answer: 'deny', id: 'two' }));
  replay.replay(decision('ada', { factRevision: 1, action: 'write', id: 'one' }));
  replay.replay(decision('ada', { factRevision: 3, answer: 'deny', id: 'three' }));
  const { lost, same, notReproduced, otherFacts } = replay.report();
  assert.deepEqual([lost.decisions, same, notReproduced.count, otherFacts], [1, 2, 0, 0]);
});

test('Simulation judges by the entities of applications that policies name, as they were', () => {
  const schema = `${shippedSchema}\nnamespace Zoo { entity Flag { on: Bool }; }`;
  const publication = (sequence: number, text: string) => {
    const sources = [{ file: 'a.cedar', text }];
    const { parsedForm = null } = preparePolicies({ policies: sources, schema });
    return { sequence, schema, policies: sources, parsed: parsedForm, states: [] };
  };
  const flag = (on: boolean, revision: number): FactRow => {
    const uid = { type: 'Zoo::Flag', id: 'open' };
    return { kind: 'entity', id: 'Zoo::Flag::"open"', revision, body: { uid, attrs: { on }, parents: [] } };
  };
  const permit = '@id("staff") permit (principal in Group::"staff", action, resource == App::"wiki")';
  const versions = new VersionedFacts({ epoch: 1, first: 1, rows: [...allRows(), flag(false, 1)] });
  assert.ok(versions.append([flag(true, 2)], 2));
  assert.ok(versions.append([{ kind: 'entity', id: 'Zoo::Flag::"open"', revision: 3, body: null }], 3));
  for (const entitiesFor of [entitiesOf(versions), undefined]) {
    const asked = (set: ReturnType<typeof publication>) => ({
      published: compilePublication(set, { entitiesFor }),
      set: policySetOf(set),
    });
    const before = asked(publication(1, `${permit} when { Zoo::Flag::"open".on };`));
    const after = asked(publication(2, `${permit};`));
    const replay = new Simulation({ facts: versions, before: new Map([[1, before]]), after });
    const answers = ['deny', 'allow', 'deny'] as const;
    for (const revision of [2, 1, 3, 2]) {
      const answer = answers[revision - 1] ?? 'deny';
      replay.replay(decision('ada', { factRevision: revision, answer, id: `at ${revision}` }));
    }
    const { gained, lost, same, notReproduced } = replay.report();
    assert.deepEqual([gained.decisions, lost.decisions, same, notReproduced.count], [2, 0, 2, 0]);
  }
});

test('Simulation keeps apart what the policies of then do not say, and counts what is only near', () => {
  const replay = simulation();
  replay.replay(decision('', { answer: 'allow', id: 'preflight' }));
  replay.replay(decision('ada', { factRevision: 99 }));
  replay.replay(decision('ada', { policySequence: 7 }));
  replay.replay(decision('ada', { isPathCut: true }));
  replay.skip('erased');
  const report = replay.report();
  assert.deepEqual(report.notReproduced, { count: 1, examples: ['preflight'] });
  assert.deepEqual([report.otherFacts, report.unverified, report.cutPaths, report.skipped.erased], [1, 1, 1, 1]);
  assert.deepEqual([report.gained.decisions, report.lost.decisions], [0, 0]);
});

test('a grant, a session and a token count until they end, and a token within its scopes', () => {
  const replay = simulation();
  replay.replay(decision('ben', { answer: 'deny', resource: 'shop' }));
  replay.replay(decision('ben', { answer: 'deny', time: now + 999 }));
  replay.replay(decision('ben', { answer: 'deny', time: now + 1000 }));
  replay.replay(decision('t', { answer: 'allow' }));
  replay.replay(decision('t', { answer: 'deny', action: 'write' }));
  const { gained, lost, same, notReproduced } = replay.report();
  assert.deepEqual(
    [gained.decisions, lost.decisions, same, notReproduced.count],
    [1, 1, 3, 0],
    'a token proves nothing freshly',
  );
});

test('who is alike at an app hangs on the policies of all segments around it, as they lay then', () => {
  const versions = facts();
  versions.append([changed('resource', 'shop', { segment: 'vault' })], 2);
  versions.append([changed('segment', 'vault', { within: null })], 3);
  const after = publishedSet('@id("s") permit (principal in Group::"staff", action, resource in Segment::"secret");');
  const replay = new Simulation({ facts: versions, before: new Map(), after });
  const allowed: string[] = [];
  for (const factRevision of [1, 2, 3]) {
    for (const who of ['ada', 'ben', 'dan']) {
      const [{ gained }, id] = [replay.report(), `${who} ${factRevision}`];
      replay.replay(decision(who, { resource: 'shop', answer: 'deny', factRevision }));
      if (replay.report().gained.decisions > gained.decisions) allowed.push(id);
    }
  }
  assert.deepEqual(allowed, ['ada 2', 'dan 2']);
});

test('memory stays bounded when everything changes', () => {
  const replay = simulation();
  for (let count = 0; count < 30_000; count += 1) {
    replay.replay(decision('cas', { subject: { kind: 'user', id: `cas-${count}`, name: `cas-${count}` } }));
  }
  const { groups, moreGroups, bySubject, lost } = replay.report();
  assert.deepEqual([groups.length, bySubject.length, lost.decisions], [200, 200, 30_000]);
  assert.equal(moreGroups, 20_000 - 200 + 1);
});

const conditions = fc.uniqueArray(
  fc.constantFrom(
    'principal is User && principal.status == "active"',
    'principal in Group::"staff"',
    'principal == User::"ben"',
    'context.session.authAgeSeconds < 3600',
    'context.session.authAgeSeconds == 60',
    'context.path like "/a/*"',
    'context.address.isInRange(ip("10.0.0.0/8"))',
    'context.now < datetime("2027-01-15T08:00:01Z")',
    'context.route == "x"',
    'context.method == "POST"',
    'context.tls',
    'context == context',
    'context.grants.isEmpty()',
    'context.token.present',
    'resource is App && resource == App::"wiki"',
    'resource is App && [App::"shop"].contains(resource)',
    'resource is App && resource.requestable',
    'resource is App && principal is User && principal in Group::"staff" && resource in App::"shop"',
    'resource is App && resource.origin == "api"',
    'resource in Segment::"secret"',
    'User::"ben".status == "active"',
    'Group::"crew" in Group::"staff"',
    'action == Action::"connect"',
    'action in Action::"access"',
  ),
  { maxLength: 2 },
);

test('DecideAgain answers every question as judge() does, however alike the questions are', () => {
  const scope = fc.constantFrom(
    'action',
    'action',
    'action == Action::"read"',
    'action in Action::"access"',
    'action in [Action::"write", Action::"delete"]',
  );
  const principal = fc.constantFrom('principal', 'principal in Group::"staff"', 'principal == User::"ben"');
  const resource = fc.constantFrom(
    'resource',
    'resource == App::"wiki"',
    'resource in Segment::"secret"',
    'resource is App in Segment::"vault"',
    'resource is Service',
  );
  const effect = fc.constantFrom('permit', 'permit', 'forbid');
  const texts = fc.array(fc.record({ effect, principal, scope, resource, conditions }), { minLength: 1, maxLength: 4 });
  const asked = fc.record({
    who: fc.constantFrom('ada', 'ben', 'cas', 'dan', 't', ''),
    resource: fc.constantFrom('wiki', 'shop'),
    action: fc.constantFrom('read' as const, 'write' as const, 'delete' as const, 'connect' as const),
    time: fc.constantFrom(now, now + 1, now + 1000, now + 60_000, now + 61_000),
    path: fc.constantFrom('/a/b', '/b', '/a/" "'),
    address: fc.constantFrom('10.0.0.1', '192.0.2.1'),
    route: fc.constantFrom('x', 'default'),
    method: fc.constantFrom('GET', 'POST'),
    tls: fc.boolean(),
    revision: fc.constantFrom(1, 2, 3, 4, 5, 6),
  });
  fc.assert(
    fc.property(texts, fc.array(asked, { minLength: 1, maxLength: 60 }), (all, questions) => {
      const text = all
        .map(
          (each, index) =>
            `@id("p${index}") ${each.effect} (${each.principal}, ${each.scope}, ${each.resource}) ${each.conditions.map((one) => `when { ${one} }`).join(' ')};`,
        )
        .join('\n');
      const published = publishedSet(text);
      const versions = facts();
      versions.append([row('user', 'ben', 2), { kind: 'user', id: 'cas', revision: 2, body: null }], 2);
      versions.append([{ kind: 'group', id: 'staff', revision: 3, body: null }], 3);
      versions.append([changed('user', 'ben', { status: 'suspended' }), changed('grant', 'g', { user: 'dan' })], 4);
      versions.append(
        [changed('group', 'crew', { memberOf: [] }), changed('resource', 'shop', { segment: 'secret' })],
        5,
      );
      versions.append([changed('resource', 'shop', { segment: 'vault' }), row('group', 'staff', 6)], 6);
      const again = new DecideAgain({ facts: versions, before: new Map(), after: published });
      for (const each of questions) {
        const { question } = decision(each.who, { resource: each.resource, action: each.action });
        const { path, address, route, method, tls } = each;
        const whole = { ...question, request: { ...request, path, address, route, method, tls } };
        versions.at(each.revision);
        const { after } = again.decide(whole, { time: each.time, sequence: 1 });
        const expected = judge({ view: versions, policies: published.published, question: whole, now: each.time });
        assert.deepEqual([after.isAllowed, after.reasons], [expected.answer === 'allow', expected.reasons]);
      }
    }),
    { numRuns: Number(process.env['NULLIUS_FUZZ_RUNS'] ?? 60) },
  );
});
