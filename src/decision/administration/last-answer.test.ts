import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { FactRow, PolicyStage, Question, Verdict } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { collectGarbage } from '../../../tests/collect-garbage.ts';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { publishedPolicies } from '../../../tests/published-policies.ts';
import { identify, type JudgeInput, judge, LastAnswer } from './index.ts';

const schema = readFileSync(join(import.meta.dirname, '../../../policies/schema.cedarschema'), 'utf8');
const start = 1_800_000_000_000;
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();

/** What policies ask: of time and request, of facts, in ways that are understood and ways that are not. */
const conditions = [
  'true',
  'context.session.authAgeSeconds < 20',
  `context.now < datetime("${at(15)}")`,
  `context.now.offset(duration("1s")) < datetime("${at(12)}")`,
  '{Value: context.session.authAgeSeconds}.Value <= 7',
  'context.path like "/secret*"',
  '{Value: context.path}.Value == "/a"',
  '(if context.tls then context else context).path == "/a"',
  'context.route == "public"',
  'context.method == "GET"',
  'context.address.isInRange(ip("10.0.0.0/24"))',
  'context.grants.isEmpty()',
  'principal in Group::"staff"',
  'resource in Segment::"inner"',
  'User::"ben".status == "active"',
  'context.tls',
];

type Stood = { state: 'shadow' } | { state: 'staged'; stage: PolicyStage };
const stood: readonly Stood[] = [
  { state: 'shadow' },
  { state: 'staged', stage: { percent: 50 } },
  { state: 'staged', stage: { groups: ['staff'] } },
  { state: 'staged', stage: { segments: ['inner'] } },
];

const policies = fc.array(
  fc.record({
    effect: fc.constantFrom('permit', 'permit', 'forbid'),
    kind: fc.constantFrom('when', 'unless'),
    condition: fc.constantFrom(...conditions),
    /** Enforced, where nothing else is said. */
    state: fc.option(fc.constantFrom<Stood>(...stood), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 4 },
);

const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '10.0.0.1', tls: true, noun: '' };
const questionOf = (changes: { request?: object; action?: 'read' | 'write'; app?: string; sessionId?: string } = {}) =>
  ({
    asker: { kind: 'session', sessionId: changes.sessionId ?? 's' },
    action: changes.action ?? 'read',
    resource: { type: 'App', id: changes.app ?? 'wiki' },
    request: { ...request, ...changes.request },
  }) satisfies Question;

const others = fc.record({
  request: fc.record(
    {
      path: fc.constantFrom('/', '/a', '/secret/x', '\ud800'),
      route: fc.constantFrom('default', 'public'),
      method: fc.constantFrom('GET', 'HEAD'),
      address: fc.constantFrom('10.0.0.1', '10.0.1.1', 'no address'),
      tls: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
  action: fc.constantFrom('read', 'read', 'write'),
  app: fc.constantFrom('wiki', 'wiki', 'crm'),
  sessionId: fc.constantFrom('s', 's', 's', 'other'),
});

/** Mostly the same again, or with another path alone. */
const asked = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.record({ request: fc.record({ path: fc.constantFrom('/a', '/secret/x', '\ud800') }) }) },
  { weight: 1, arbitrary: others },
);

type Row = Omit<FactRow, 'revision'>;
const session = (changes = {}) =>
  fakeFact('session', { user: 'ben', authTime: start, expiresAt: start + 40_000, ...changes });
const grant = { user: 'ben', resource: 'wiki', state: 'active', expiresAt: start + 18_000 } as const;
const changes: readonly Row[] = [
  { kind: 'session', id: 's', body: session({ status: 'revoked' }) },
  { kind: 'session', id: 's', body: session() },
  { kind: 'user', id: 'ben', body: fakeFact('user', { name: 'ben', groups: ['staff'] }) },
  { kind: 'user', id: 'ben', body: fakeFact('user', { name: 'ben', status: 'suspended' }) },
  { kind: 'user', id: 'ben', body: fakeFact('user', { name: 'ben' }) },
  { kind: 'grant', id: 'g', body: fakeFact('grant', grant) },
  { kind: 'grant', id: 'g', body: null },
  { kind: 'resource', id: 'wiki', body: fakeFact('resource', { segment: 'inner' }) },
  { kind: 'resource', id: 'wiki', body: null },
];
const first: readonly Row[] = [
  { kind: 'group', id: 'everyone', body: { displayName: '', description: '', memberOf: [], origin: 'api' } },
  { kind: 'group', id: 'staff', body: { displayName: '', description: '', memberOf: [], origin: 'api' } },
  {
    kind: 'segment',
    id: 'inner',
    body: { displayName: '', description: '', within: null, sensitivity: 'low', origin: 'api' },
  },
  { kind: 'user', id: 'ben', body: fakeFact('user', { name: 'ben' }) },
  { kind: 'session', id: 's', body: session() },
  { kind: 'session', id: 'other', body: session({ user: 'eve' }) },
  { kind: 'resource', id: 'wiki', body: fakeFact('resource') },
  { kind: 'resource', id: 'crm', body: fakeFact('resource') },
];

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ ask: asked, afterMs: fc.constantFrom(0, 0, 0, 1, 999, 2_500, -1_500) }) },
  { weight: 1, arbitrary: fc.record({ change: fc.constantFrom(...changes) }) },
  { weight: 1, arbitrary: fc.constantFrom({ replace: true } as const, { publish: true } as const) },
);

function factsOf(rows: readonly Row[]) {
  const facts = new FactTable({ clock: () => start });
  facts.replace({ epoch: 1, revision: 1, rows: rows.map((row) => ({ ...row, revision: 1 }) as FactRow) });
  return facts;
}

const publish = (
  view: FactTable,
  set: readonly { effect: string; kind: string; condition: string; state?: Stood | undefined }[],
  sequence = 1,
) =>
  publishedPolicies({
    sequence,
    schema,
    view,
    states: set.flatMap(({ state }, index) => (state === undefined ? [] : [{ id: `p${index}`, ...state }])),
    policies: [
      {
        file: 'a.cedar',
        text: set
          .map(
            ({ effect, kind, condition }, index) =>
              `@id("p${index}") ${effect}(principal, action in Action::"access", resource) ${kind} { ${condition} };`,
          )
          .join('\n'),
      },
    ],
  });

describe('judge() with what it answered before', () => {
  test('gives what it gives without, whatever is asked, changed and published in between, and whatever the clock does', () => {
    let recalled = 0;
    fc.assert(
      fc.property(policies, policies, fc.array(step, { minLength: 60, maxLength: 120 }), (set, nextSet, steps) => {
        const facts = factsOf(first);
        let [inForce, now] = [publish(facts, set), start];
        const last = new LastAnswer();
        for (const each of steps) {
          if ('change' in each)
            facts.apply([{ ...each.change, revision: facts.revision + 1 } as FactRow], facts.revision + 1);
          else if ('replace' in each) {
            const rows = first.map((row) =>
              row.kind === 'user' ? { ...row, body: fakeFact('user', { name: 'ben', groups: ['staff'] }) } : row,
            );
            const { revision } = facts;
            facts.replace({
              epoch: facts.epoch + 1,
              revision,
              rows: rows.map((row) => ({ ...row, revision }) as FactRow),
            });
          } else if ('publish' in each) inForce = publish(facts, nextSet, inForce.sequence + 1);
          else {
            now += each.afterMs;
            const input: JudgeInput = { view: facts, policies: inForce, question: questionOf(each.ask), now };
            if (last.to(input) !== undefined) recalled += 1;
            const { judgeAgainAt, ...verdict } = judge(input, last);
            const { judgeAgainAt: anew, ...expected } = judge(input);
            assert.deepEqual(verdict, expected);
            if (last.to(input) !== undefined) assert.equal(judgeAgainAt, anew);
          }
        }
      }),
      { numRuns: 150 },
    );
    assert.ok(recalled > 1_000, `only ${recalled} were not judged anew`);
  });

  const view = factsOf(first);
  const open = [{ effect: 'permit', kind: 'when', condition: 'context.session.authAgeSeconds < 20' }];
  const inForce = publish(view, open);

  function answered(): {
    last: LastAnswer;
    verdict: Verdict;
    again: (changes: Partial<JudgeInput>) => Verdict | undefined;
  } {
    const last = new LastAnswer();
    const input = { view, policies: inForce, question: questionOf(), now: start };
    const verdict = judge(input, last);
    return { last, verdict, again: (changed) => last.to({ ...input, ...changed }) };
  }

  test('gives the very same verdict until the time has come to judge again', () => {
    const { verdict, again } = answered();
    assert.equal(verdict.answer, 'allow');
    assert.equal(again({}), verdict);
    assert.equal(again({ question: questionOf({ request: { path: '/elsewhere' } }), now: start + 19_999 }), verdict);
    assert.equal(again({ now: start + 20_000 }), undefined);
    assert.equal(again({ now: start - 1 }), undefined, 'a clock that was set back');
  });

  test('never for somebody else, another app or request, other facts or other policies', () => {
    const { again } = answered();
    assert.equal(again({ question: questionOf({ sessionId: 'other' }) }), undefined);
    assert.equal(again({ question: { ...questionOf(), asker: { kind: 'anonymous' } } }), undefined);
    assert.equal(again({ question: questionOf({ app: 'crm' }) }), undefined);
    assert.equal(again({ question: questionOf({ action: 'write' }) }), undefined);
    assert.equal(again({ question: { ...questionOf(), resource: { type: 'Service', id: 'wiki' } } }), undefined);
    const others = { method: 'HEAD', host: 'y', route: 'public', address: '10.0.0.2', tls: false, noun: 'user' };
    for (const [member, other] of Object.entries(others))
      assert.equal(again({ question: questionOf({ request: { [member]: other } }) }), undefined, member);
    assert.equal(again({ view: factsOf(first) }), undefined);
    assert.equal(again({ policies: publish(view, open) }), undefined);
    assert.equal(again({ policies: null }), undefined);
    const as = identify(view, { asker: { kind: 'session', sessionId: 'other' }, now: start });
    assert.equal(again({ as }), undefined);
    const last = new LastAnswer();
    const input = { view, policies: inForce, question: questionOf(), now: start };
    judge({ ...input, as }, last);
    assert.equal(last.to(input), undefined, 'of somebody who might be nothing is kept');
  });

  test('keeps nothing that could not be judged, and nothing of tokens', () => {
    const last = new LastAnswer();
    const input = { view, policies: inForce, question: questionOf({ request: { address: 'none' } }), now: start };
    assert.equal(judge(input, last).answer, 'indeterminate');
    assert.equal(last.to(input), undefined);
    const asker = { kind: 'token', tokenId: 't' } as const;
    const byToken = { ...input, question: { ...questionOf(), asker } };
    judge(byToken, last);
    assert.equal(last.to(byToken), undefined);
  });

  test('keeps nothing of the head that a request was cut out of', () => {
    const headBytes = 256 * 1024;
    const readsPath = publish(view, [...open, { effect: 'forbid', kind: 'when', condition: 'context.path == "/no"' }]);
    const input = (policies: JudgeInput['policies'], index: number): JudgeInput => {
      const head = Buffer.alloc(headBytes, `a-head-with-the-secrets-of-${index}-`).toString('latin1');
      const cut = { path: head.slice(1, 40), host: head.slice(50, 90) };
      return { view, policies, question: questionOf({ request: cut }), now: start };
    };
    for (const policies of [inForce, readsPath]) {
      const asked = Array.from({ length: 64 }, () => new LastAnswer());
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      for (const [index, last] of asked.entries()) judge(input(policies, index), last);
      collectGarbage();
      const grown = process.memoryUsage().heapUsed - before;
      assert.ok(grown < 8 * headBytes, `${grown} bytes for ${asked.length} answers`);
      for (const [index, last] of asked.entries()) assert.equal(last.to(input(policies, index))?.answer, 'allow');
    }
  });

  test('does not keep policies that are no longer in force', async () => {
    const last = new LastAnswer();
    const replaced = () => {
      const policies = publish(view, open);
      judge({ view, policies, question: questionOf(), now: start }, last);
      return new WeakRef(policies);
    };
    const policies = replaced();
    await setImmediate();
    collectGarbage();
    assert.equal(policies.deref(), undefined);
  });
});
