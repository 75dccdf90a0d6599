import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { PolicyStage, PolicyStates, Question, Verdict } from '#foundation/model';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { publishedPolicies } from '../../../tests/published-policies.ts';
import { isStagedFor, judge, percentileOf } from './index.ts';

const schema = readFileSync(join(import.meta.dirname, '../../../policies/schema.cedarschema'), 'utf8');
const now = 1_800_000_000_000;
const view = fakeFactView({
  group: { everyone: {}, staff: { memberOf: ['everyone'] } },
  user: { ben: { name: 'ben', groups: ['staff'] }, eve: { name: 'eve' } },
  session: { 'of-ben': { user: 'ben', authTime: now - 1000 }, 'of-eve': { user: 'eve', authTime: now - 1000 } },
  segment: { pci: { sensitivity: 'high' } },
  resource: { wiki: {}, ledger: { segment: 'pci' } },
});

function ask(session: string, app = 'wiki', path = '/'): Question {
  const request = { method: 'GET', host: 'x', path, route: 'default', address: '10.0.0.1', tls: true, noun: '' };
  const asker = { kind: 'session', sessionId: session } as const;
  return { asker, action: 'read', resource: { type: 'App', id: app }, request };
}

const permit = '@id("permit") permit(principal is User, action, resource);';
const forbid = '@id("forbid") forbid(principal, action, resource) when { context.path like "/admin*" };';
const erring =
  '@id("erring") forbid(principal, action, resource) when { 9223372036854775807 + context.session.authAgeSeconds < 0 };';

function judged(
  text: string,
  { states, question = ask('of-ben') }: { states: PolicyStates; question?: Question },
): Verdict {
  const policies = publishedPolicies({ sequence: 1, schema, policies: [{ file: 'a.cedar', text }], states });
  return judge({ view, policies, question, now });
}

const shadow = (...ids: string[]): PolicyStates => ids.map((id) => ({ id, state: 'shadow' }));
const staged = (id: string, stage: PolicyStage): PolicyStates => [{ id, state: 'staged', stage }];

describe('a policy in shadow', () => {
  test('forbids nothing, and what it would have refused is told apart from reasons and words', () => {
    const verdict = judged(permit + forbid, { states: shadow('forbid'), question: ask('of-ben', 'wiki', '/admin') });
    assert.equal(verdict.answer, 'allow');
    assert.deepEqual(verdict.shadow, [{ policy: 'forbid', answer: 'deny' }]);
    const { shadow: _, ...shown } = verdict;
    assert.ok(!JSON.stringify([shown.reasons, shown.words, shown.errors]).includes('forbid'));
  });

  test('permits nothing, and a refused person is told no more than without it', () => {
    const words =
      '@id("p") @description("Only for the chosen few.") @remedy("Ask Ada.") permit(principal is User, action, resource);';
    const [with_, without] = [judged(words, { states: shadow('p') }), judged(forbid, { states: [] })];
    assert.equal(with_.answer, 'deny');
    assert.deepEqual([with_.reasons, with_.words, with_.errors], [without.reasons, without.words, without.errors]);
    assert.deepEqual(with_.shadow, [{ policy: 'p', answer: 'allow' }]);
  });

  test('that errors makes no answer indeterminate, and is told as what a door would have made of it', () => {
    const verdict = judged(permit + erring, { states: shadow('erring') });
    assert.deepEqual([verdict.answer, verdict.errors], ['allow', []]);
    assert.deepEqual(verdict.shadow, [{ policy: 'erring', answer: 'indeterminate' }]);
  });

  test('that would change nothing is not told: neither a permit beside a forbid, nor a forbid of what is refused', () => {
    const other = permit.replace('"permit"', '"other"');
    const refused = ask('of-ben', 'wiki', '/admin');
    assert.equal('shadow' in judged(permit + other, { states: shadow('other') }), false);
    assert.equal('shadow' in judged(other + forbid, { states: shadow('other'), question: refused }), false);
    assert.equal('shadow' in judged(erring + other, { states: shadow('erring', 'other') }), true);
    assert.equal(
      'shadow' in judged(erring + other, { states: shadow('other') }),
      false,
      'a forbid errors, so it stays no',
    );
  });

  test('does not lift what a token may not do', () => {
    const question: Question = { ...ask('x'), asker: { kind: 'anonymous' } };
    assert.equal(judged(permit, { states: shadow('permit'), question }).shadow, undefined);
  });
});

describe('a staged policy', () => {
  test('is in force for members of its groups and in its segments, and in shadow elsewhere', () => {
    const group = staged('permit', { groups: ['staff'] });
    assert.equal(judged(permit, { states: group }).answer, 'allow');
    assert.equal(judged(permit, { states: group, question: ask('of-eve') }).answer, 'deny');
    const segment = staged('permit', { segments: ['pci'] });
    assert.deepEqual(judged(permit, { states: segment }).shadow, [{ policy: 'permit', answer: 'allow' }]);
    assert.equal(judged(permit, { states: segment, question: ask('of-ben', 'ledger') }).answer, 'allow');
  });

  test('in force decides as the enforced set with it would: reasons, errors and all', () => {
    const texts = [
      permit,
      forbid,
      erring,
      permit.replace('"permit"', '"second"'),
      forbid.replace('"forbid"', '"fourth"'),
    ];
    const ids = ['permit', 'forbid', 'erring', 'second', 'fourth'];
    fc.assert(
      fc.property(fc.subarray(ids), fc.subarray(ids), fc.boolean(), (present, apart, isAdmin) => {
        const text = texts.filter((_, index) => present.includes(ids[index] ?? '')).join('\n');
        const states = apart
          .filter((id) => present.includes(id))
          .map((id) => ({ id, state: 'staged', stage: { percent: 100 } }) as const);
        const question = ask('of-ben', 'wiki', isAdmin ? '/admin' : '/');
        if (present.length === 0) return;
        assert.deepEqual(judged(text, { states, question }), judged(text, { states: [], question }));
      }),
      { numRuns: 40 },
    );
  });

  test('at 0 percent is what a policy in shadow is', () => {
    fc.assert(
      fc.property(fc.constantFrom('permit', 'forbid', 'erring'), fc.boolean(), (id, isAdmin) => {
        const question = ask('of-ben', 'wiki', isAdmin ? '/admin' : '/');
        const text = permit + forbid + erring;
        assert.deepEqual(
          judged(text, { states: staged(id, { percent: 0 }), question }),
          judged(text, { states: shadow(id), question }),
        );
      }),
      { numRuns: 20 },
    );
  });
});

describe('percentileOf()', () => {
  const subjects = Array.from({ length: 2000 }, (_, index) => ({ type: 'User', id: `user-${index}` }));
  const about = (principal: { type: string; id: string }) => ({ principal, groups: [], segments: [] });

  test('takes the share it says, the same subjects each time, and a larger share holds the smaller one', () => {
    const inForce = (percent: number) =>
      subjects.filter((principal) => isStagedFor({ percent }, { policy: 'p', subject: about(principal) }));
    const [quarter, half] = [inForce(25), inForce(50)];
    assert.ok(Math.abs(quarter.length / subjects.length - 0.25) < 0.05, String(quarter.length));
    assert.deepEqual(quarter, inForce(25));
    assert.ok(quarter.every((each) => half.includes(each)));
    assert.equal(inForce(0).length, 0);
    assert.equal(inForce(100).length, subjects.length);
  });

  test('depends on the policy, so that nobody is first for everything, and on nothing but type and id of the subject', () => {
    const both = subjects.filter((each) => percentileOf('p', each) < 50 && percentileOf('q', each) < 50).length;
    assert.ok(Math.abs(both / subjects.length - 0.25) < 0.05, String(both));
    const renamed = fakeFactView({
      group: { everyone: {} },
      user: { ben: { name: 'zoe', email: 'zoe@example.com', displayName: 'Zoe', groups: [] } },
      session: { 'of-ben': { user: 'ben', authTime: now, userAgent: 'other' } },
      resource: { wiki: {} },
    });
    for (const percent of [1, 20, 40, 60, 80, 99]) {
      const policies = publishedPolicies({
        sequence: 1,
        schema,
        policies: [{ file: 'a.cedar', text: permit }],
        states: staged('permit', { percent }),
      });
      const answers = [view, renamed].map(
        (each) => judge({ view: each, policies, question: ask('of-ben'), now }).answer,
      );
      assert.equal(answers[0], answers[1]);
    }
  });

  test('is not fooled by ids that run into each other', () => {
    assert.notEqual(percentileOf('p', { type: 'User', id: 'x' }), percentileOf('pUser', { type: '', id: 'x' }));
    assert.notEqual(percentileOf('p"', { type: 'User', id: 'x' }), percentileOf('p', { type: '"User', id: 'x' }));
  });
});

test('compilePublication() refuses a state for no policy, and two states for one', () => {
  assert.throws(() => judged(permit, { states: shadow('gone') }), /`gone` has a state, but is no policy of this set/);
  assert.throws(() => judged(permit, { states: shadow('permit', 'permit') }), /two states/);
});

test('ids of JavaScript’s own are ids like others', () => {
  for (const id of ['__proto__', 'constructor', 'toString']) {
    const text = permit.replace('"permit"', `"${id}"`);
    assert.equal(judged(text, { states: [] }).answer, 'allow');
    assert.deepEqual(judged(text, { states: shadow(id) }).shadow, [{ policy: id, answer: 'allow' }]);
  }
});
