import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FactKind, FactOf, Question } from '#foundation/model';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { preparedPolicies } from '../../../tests/published-policies.ts';
import { judge, LiveStreams } from './index.ts';

const shipped = readFileSync(join(import.meta.dirname, '../../../policies/schema.cedarschema'), 'utf8');
const schema = `${shipped}\nnamespace Shop { entity Door { isOpen: Bool }; }`;
const now = 1_800_000_000_000;
const question: Question = {
  asker: { kind: 'session', sessionId: 's' },
  action: 'read',
  resource: { type: 'App', id: 'wiki' },
  request: { method: 'GET', host: 'x', path: '/', route: 'default', address: '', tls: true, noun: '' },
};

function world(condition: string) {
  const view = fakeFactView({
    user: { ada: {}, boss: { groups: ['present'] } },
    group: { everyone: {}, present: {} },
    grant: { g: { user: 'boss', resource: 'wiki', expiresAt: now + 1 } },
    resource: { wiki: {} },
    session: { s: { user: 'ada' } },
    entity: {
      'Shop::Door::"front"': { uid: { type: 'Shop::Door', id: 'front' }, attrs: { isOpen: true }, parents: [] },
    },
  });
  const text = `@id("p") permit (principal, action, resource) when { ${condition} };`;
  const make = preparedPolicies({ sequence: 1, schema, policies: [{ file: 'a.cedar', text }] });
  const [policies, alone] = [make(view), make()];
  const ask = () => judge({ view, policies, question, now });
  /** Without a store, and with one while a fact cannot stand in it. */
  const askOtherwise = () => {
    const answers = [judge({ view: { ...view }, policies: alone, question, now }).answer];
    view.put('user', 'odd', { email: 'half \ud800' });
    assert.equal(policies.entities?.standsFor(view, { about: 'app' }), false);
    answers.push(ask().answer);
    view.put('user', 'odd', null);
    return answers;
  };
  return { view, policies, ask, askOtherwise };
}

const named: readonly (readonly [condition: string, kind: FactKind, id: string, body: object | null])[] = [
  ['User::"boss".status == "active"', 'user', 'boss', { status: 'suspended' }],
  ['User::"boss" in Group::"present"', 'user', 'boss', { groups: [] }],
  ['!(Group::"present" in Group::"away")', 'group', 'present', { memberOf: ['away'] }],
  ['Grant::"g".user.status == "active"', 'user', 'boss', { status: 'suspended' }],
  ['[Grant::"g"] == [Grant::"g"] && Grant::"g".user == User::"boss"', 'grant', 'g', null],
  ['!(User::"late" has status)', 'user', 'late', {}],
  ['{Value: true, boss: User::"boss".status}.boss == "active"', 'user', 'boss', { status: 'suspended' }],
  ['{"in": User::"boss".status}["in"] == "active"', 'user', 'boss', { status: 'suspended' }],
  ['Shop::Door::"front".isOpen', 'entity', 'Shop::Door::"front"', { attrs: { isOpen: false } }],
  ['(if context.tls then User::"boss" else principal).status == "active"', 'user', 'boss', { status: 'suspended' }],
];

for (const [condition, kind, id, body] of named)
  test(`a stream that \`${condition}\` let through ends when that is so no more, and whoever asks without the store hears the same`, async () => {
    const { view, policies, ask, askOtherwise } = world(`principal is User && ${condition}`);
    const cut: string[] = [];
    const streams = new LiveStreams({
      clock: () => now,
      monotonicClock: () => 0,
      judge: ask,
      readsNamed: () => policies.compiled.named.length > 0,
      yieldTurn: () => Promise.resolve(),
      onFault: (error) => assert.fail(String(error)),
    });
    const verdict = ask();
    assert.equal(verdict.answer, 'allow');
    assert.deepEqual(askOtherwise(), ['allow', 'allow']);
    streams.register({ sessionId: 's', userId: 'ada', question, verdict, cut: (reason) => cut.push(reason.kind) });
    const before = view.get(kind, id);
    view.put(kind, id, body as Partial<FactOf<FactKind>> | null);
    await streams.onFactsChanged([{ kind, id, before, after: view.get(kind, id) }]);
    assert.deepEqual(cut, ['judged-again']);
    assert.deepEqual(new Set([ask().answer, ...askOtherwise()]).size, 1);
  });

test('policies that only compare with entities, or look for them above who and what they are about, read none that they name', () => {
  for (const condition of [
    'principal in Group::"a" && resource in [Segment::"a", Segment::"b"]',
    'principal is User && (principal == User::"ada" || User::"ada" != principal)',
    'context.grants.containsAny([Grant::"a", Grant::"b"]) && principal is User && [User::"a"].contains(principal)',
    'principal is User in Group::"a" && resource is App && resource.sensitivity == "low"',
    'context.host == "__entity" && "a" like "*"',
  ])
    assert.deepEqual(world(condition).policies.compiled.named, [], condition);
});

test('judge() finds what a policy names also where it asks about the control service, of which the store knows nothing', () => {
  const { view, policies } = world('!(User::"boss" in Group::"present")');
  const request = { ...question.request, noun: 'user' };
  const service = { type: 'Service', id: 'control' };
  const asked: Question = { ...question, action: 'administer-read', resource: service, request };
  const ask = () => judge({ view, policies, question: asked, now }).answer;
  assert.equal(ask(), 'deny');
  view.put('user', 'boss', { groups: [] });
  assert.equal(ask(), 'allow');
});
