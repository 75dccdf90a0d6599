import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pdpActivity, writePdpBatch } from '#evidence/log';

const text = fc.string({ unit: 'binary', maxLength: 300 });
const evaluated = fc.record({
  answer: fc.constantFrom('allow', 'deny', 'unknown'),
  action: fc.option(text),
  type: fc.option(text),
  resource: fc.option(fc.oneof(text, fc.constantFrom('"', '\\', '"},"evaluations":['))),
  policies: fc.array(text, { maxLength: 3 }).map((list) => Object.freeze(list)),
});

test('writePdpBatch() writes what JSON makes of the event with its evaluations, whatever callers named', () => {
  fc.assert(
    fc.property(fc.array(evaluated, { maxLength: 5 }), fc.option(text, { nil: undefined }), (list, requestId) => {
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
      const evaluations = list.map(({ action, type, resource, ...rest }) => ({
        answer: rest.answer,
        action: cut(action),
        type: cut(type),
        resource: cut(resource),
        policies: rest.policies,
      }));
      const expected = pdpActivity({ ...common, unmapped: { evaluations } });
      for (const event of [writePdpBatch(common, list), writePdpBatch(common, list)]) {
        assert.deepEqual(event, { ...expected, payload: JSON.stringify(expected.payload) });
      }
    }),
  );
});
