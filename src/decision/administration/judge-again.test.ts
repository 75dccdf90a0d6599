import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Question } from '#foundation/model';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { publishedPolicies } from '../../../tests/published-policies.ts';
import { judge, timeReviewMs } from './index.ts';

const schema = readFileSync(join(import.meta.dirname, '../../../policies/schema.cedarschema'), 'utf8');
const only = (...bodies: string[]) => {
  const text = bodies.map((body, index) => `@id("p${index}") ${body}`).join('\n');
  return publishedPolicies({ sequence: 1, schema, policies: [{ file: 'a.cedar', text }] });
};
const reading = 'permit(principal, action == Action::"read", resource)';
const start = 1_800_000_000_000;
const view = fakeFactView({
  group: { everyone: {} },
  user: { ben: { name: 'ben' } },
  session: { s: { user: 'ben', authTime: start, expiresAt: start + 100_000_000 } },
  resource: { wiki: {} },
});
const question: Question = {
  asker: { kind: 'session', sessionId: 's' },
  action: 'read',
  resource: { type: 'App', id: 'wiki' },
  request: { method: 'GET', host: 'x', path: '/', route: 'default', address: '10.0.0.1', tls: true, noun: '' },
};
const at = (policies: ReturnType<typeof only>, now: number) => judge({ view, policies, question, now });

describe('a verdict says when it must be judged again', () => {
  test('exactly when the proof has become too old for a policy', () => {
    const policies = only(`${reading} when { context.session.authAgeSeconds < 900 };`);
    const verdict = at(policies, start + 60_500);
    assert.deepEqual([verdict.answer, verdict.judgeAgainAt], ['allow', start + 900_000]);
    assert.equal(at(policies, start + 899_999).answer, 'allow');
    assert.equal(at(policies, start + 900_000).answer, 'deny');
  });

  test('exactly when a window of time opens or closes', () => {
    const [opens, closes] = [new Date(start + 10_000).toISOString(), new Date(start + 20_500).toISOString()];
    const policies = only(
      `${reading} when { context.now >= datetime("${opens}") && context.now <= datetime("${closes}") };`,
    );
    assert.deepEqual([at(policies, start).answer, at(policies, start).judgeAgainAt], ['deny', start + 10_000]);
    const open = at(policies, start + 10_000);
    assert.deepEqual([open.answer, open.judgeAgainAt], ['allow', start + 21_000]);
    assert.equal(at(policies, start + 21_000).answer, 'deny');
  });

  test('at the end of the session when no policy reads the time, or all comparisons are past', () => {
    const end = start + 100_000_000;
    assert.equal(at(only(`${reading};`), start).judgeAgainAt, end);
    const past = only(`${reading} when { context.now > datetime("2001-01-01") && context.session.bound == false };`);
    assert.equal(at(past, start).judgeAgainAt, end);
  });

  test('within a minute when a policy reads the time in any other way', () => {
    const ways = [
      'context.now.toTime() < duration("12h")',
      'context.session.authAgeSeconds * 2 < 900',
      'context.now.offset(duration("1h")) < datetime("2100-01-01")',
      '[context.session.authAgeSeconds].contains(5)',
      '{t: context.now}.t < datetime("2100-01-01")',
      '{Value: context.now}.Value < datetime("2100-01-01")',
      '{Value: 1, t: context.now}.t < datetime("2100-01-01")',
      '(if context.tls then context.session else context.session).authAgeSeconds < 900',
    ];
    for (const way of ways)
      assert.equal(at(only(`${reading} when { ${way} };`), start).judgeAgainAt, start + timeReviewMs, way);
    const ahead = fakeFactView({
      ...{},
      user: { ben: {} },
      session: { s: { user: 'ben', authTime: start + 5000 } },
      resource: { wiki: {} },
    });
    const policies = only(`${reading} when { context.session.authAgeSeconds > 900 };`);
    const verdict = judge({ view: ahead, policies, question, now: start });
    assert.ok((verdict.judgeAgainAt ?? 0) <= start + timeReviewMs, 'a proof from the future');
  });

  test('and until then the answer stays as it is, whatever is compared with what', () => {
    const operator = fc.constantFrom('<', '<=', '>', '>=', '==', '!=');
    const seconds = fc.integer({ min: 0, max: 40 });
    const age = fc.tuple(operator, seconds).map(([op, value]) => `context.session.authAgeSeconds ${op} ${value}`);
    const turned = fc.tuple(operator, seconds).map(([op, value]) => `${value} ${op} context.session.authAgeSeconds`);
    const clock = fc
      .tuple(operator, fc.integer({ min: 0, max: 40_000 }))
      .map(([op, ms]) => `context.now ${op} datetime("${new Date(start + ms).toISOString()}")`);
    const comparison = fc.oneof(age, turned, clock);
    const body = fc.tuple(comparison, fc.constantFrom('&&', '||'), comparison).map((parts) => `(${parts.join(' ')})`);
    fc.assert(
      fc.property(fc.array(body, { minLength: 1, maxLength: 3 }), seconds, fc.nat(999), (bodies, second, ms) => {
        const policies = only(...bodies.map((each) => `${reading} when { ${each} };`));
        const now = start + second * 1000 + ms;
        const verdict = at(policies, now);
        const until = Math.min(verdict.judgeAgainAt ?? now, start + 45_000);
        assert.ok(verdict.judgeAgainAt !== null && verdict.judgeAgainAt > now);
        for (let time = now; time < until; time += 250)
          assert.deepEqual(at(policies, time).reasons, verdict.reasons, `${(time - start) / 1000} s`);
        assert.deepEqual(at(policies, until - 1).reasons, verdict.reasons);
      }),
      { numRuns: 25 },
    );
  });
});
