import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionRequest } from '../decision-request.ts';
import { EngineError } from '../engine-error.ts';
import type { PolicyJson } from '../policy-set.ts';
import type { ExpressionTrace } from './evaluate.ts';
import { traceDecision } from './index.ts';

const schemaJson = {
  '': {
    entityTypes: {
      User: { shape: { type: 'Record', attributes: { age: { type: 'Long' } } } },
      Doc: {},
    },
    actions: {
      read: { appliesTo: { principalTypes: ['User'], resourceTypes: ['Doc'], context: { type: 'Record' } } },
    },
  },
};
const anything = { op: 'All' };
const age = { '.': { left: { Var: 'principal' }, attr: 'age' } };
const policy = (body: unknown, over: Partial<PolicyJson> = {}): PolicyJson => ({
  effect: 'permit',
  principal: anything,
  action: anything,
  resource: anything,
  conditions: [{ kind: 'when', body }],
  ...over,
});
const request: DecisionRequest = {
  principal: { type: 'User', id: 'ada' },
  action: { type: 'Action', id: 'read' },
  resource: { type: 'Doc', id: 'd' },
  context: {},
  entities: [{ uid: { type: 'User', id: 'ada' }, attrs: { age: 17 }, parents: [] }],
};
const trace = (policies: Record<string, PolicyJson>, asked = request) =>
  traceDecision({ policies: new Map(Object.entries(policies).map(([id, json]) => [id, { json }])), schemaJson }, asked);

test('traceDecision() shows each part with its value and leaves out what a short circuit kept from being reached', () => {
  const adult = { '>=': { left: age, right: { Value: 18 } } };
  const { decision, policies } = trace({ p: policy({ '&&': { left: adult, right: { Value: true } } }) });
  assert.deepEqual(decision, { decision: 'deny', reasons: [], errors: [] });
  const [found] = policies;
  assert.equal(found?.outcome, 'unsatisfied');
  const root = found?.conditions[0]?.trace as ExpressionTrace;
  assert.deepEqual([root.operator, root.result, root.parts.length], ['&&', { value: false }, 1]);
  const [comparison] = root.parts;
  assert.deepEqual(comparison?.path, ['conditions', 0, 'body', '&&', 'left']);
  assert.deepEqual(
    comparison?.parts.map(({ operator, result }) => [operator, result]),
    [
      ['.', { value: 17 }],
      ['Value', { value: 18 }],
    ],
  );
});

test('traceDecision() shows where an error arose, and that the policy was skipped', () => {
  const { decision, policies } = trace({
    wrong: policy({ '==': { left: { '.': { left: { Var: 'resource' }, attr: 'x' } }, right: { Value: 1 } } }),
    right: policy({ '<': { left: age, right: { Value: 18 } } }),
  });
  assert.equal(decision.decision, 'allow');
  assert.deepEqual(decision.reasons, ['right']);
  assert.deepEqual(
    decision.errors.map(({ id }) => id),
    ['wrong'],
  );
  const attribute = policies[0]?.conditions[0]?.trace.parts[0];
  assert.deepEqual(attribute?.result, { error: 'entity of type `Doc` does not exist' });
  assert.equal(attribute?.operator, '.');
});

test('traceDecision() says of the scope what fits and what does not, and does not look at conditions behind it', () => {
  const { policies } = trace({
    p: policy({ Value: true }, { principal: { op: '==', entity: { type: 'User', id: 'bob' } } }),
  });
  assert.deepEqual(policies[0]?.scope, { principal: false, action: true, resource: true });
  assert.deepEqual(policies[0]?.conditions, []);
});

test('traceDecision() refuses what does not fit the schema, and templates without a link', () => {
  const refused = (run: () => unknown, code: string) =>
    assert.throws(run, (error) => error instanceof EngineError && error.code === code);
  const all = { p: policy({ Value: true }) };
  refused(() => trace(all, { ...request, context: { more: 1 } }), 'invalid-request');
  refused(() => trace(all, { ...request, action: { type: 'Action', id: 'fly' } }), 'invalid-request');
  const user = { uid: { type: 'User', id: 'ada' }, attrs: { age: 17 }, parents: [{ type: 'Doc', id: 'd' }] };
  refused(() => trace(all, { ...request, entities: [user] }), 'invalid-request');
  const slot = { principal: { op: '==', slot: '?principal' } };
  refused(() => trace({ p: policy({ Value: true }, slot) }), 'unlinked-template');
});
