import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EvaluationList, pdpActivity, writePdpBatch } from '#evidence/log';

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.constantFrom('read', 'write'));
const shared = [Object.freeze([]), Object.freeze(['owner']), Object.freeze(['owner'])];
const evaluated = fc.record({
  answer: fc.constantFrom('allow', 'deny', 'unknown'),
  action: fc.option(text),
  type: fc.option(text),
  resource: fc.option(fc.oneof(text, fc.constantFrom('"', '\\', '"},"evaluations":['))),
  policies: fc.oneof(fc.array(text, { maxLength: 3 }), fc.constantFrom(...shared)),
});
type Evaluated = typeof evaluated extends fc.Arbitrary<infer T> ? T : never;

test('writePdpBatch() writes what JSON makes of the event with its evaluations, whatever callers named', () => {
  fc.assert(
    fc.property(fc.array(evaluated, { maxLength: 12 }), fc.option(text, { nil: undefined }), (list, requestId) => {
      const common = {
        id: 'e',
        time: 1,
        policySequence: 2,
        factRevision: 3,
        by: { type: 'Workload' as const, uid: 'w' },
        token: 't',
        operation: 'evaluations',
        subject: { type: 'User', id: 'ada' },
        action: null,
        resource: null,
        address: '10.0.0.1',
        verdict: { answer: 'deny' as const, reasons: [], words: [] },
        requestId,
      };
      const cut = (value: string | null) => value?.slice(0, 200) ?? null;
      const isAlike = (a: Evaluated) => (b: Evaluated) =>
        a.answer === b.answer && a.action === b.action && a.type === b.type && a.policies === b.policies;
      const evaluations = list
        .filter((each, index) => list.findIndex(isAlike(each)) === index)
        .map((each) => ({
          answer: each.answer,
          action: cut(each.action),
          type: cut(each.type),
          policies: each.policies,
          resources: list.filter(isAlike(each)).map(({ resource }) => cut(resource)),
        }));
      const expected = pdpActivity({ ...common, unmapped: { count: list.length, evaluations } });
      const written = new EvaluationList();
      for (const each of list) written.add(each);
      assert.equal(written.count, list.length);
      const event = writePdpBatch(common, written);
      assert.deepEqual(event, { ...expected, payload: JSON.stringify(expected.payload) });
    }),
  );
});
