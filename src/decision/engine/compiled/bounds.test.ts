import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LosslessJson } from '../index.ts';
import { compilePolicySet, EngineError, type PolicyJson } from '../index.ts';

const context = {
  type: 'Record',
  attributes: {
    text: { type: 'String', required: false },
    list: { type: 'Set', element: { type: 'Record', attributes: { n: { type: 'Long' } } }, required: false },
    who: { type: 'Set', element: { type: 'Entity', name: 'User' }, required: false },
  },
};
const schemaJson = {
  '': {
    entityTypes: { User: { memberOfTypes: ['User'] } },
    actions: { go: { appliesTo: { principalTypes: ['User'], resourceTypes: ['User'], context } } },
  },
};
const all = { op: 'All' };

function decide(body: unknown, given: { readonly [name: string]: LosslessJson } = {}, parents: string[][] = []) {
  const json: PolicyJson = {
    effect: 'permit',
    principal: all,
    action: all,
    resource: all,
    conditions: [{ kind: 'when', body }],
  };
  const policies = new Map([['p', { file: '', line: 1, text: '', json }]]);
  const user = (id: string) => ({ type: 'User', id });
  return compilePolicySet({ policies, schema: '', schemaJson }).decide({
    principal: user('0'),
    action: { type: 'Action', id: 'go' },
    resource: user('r'),
    context: given,
    entities: parents.map((list, index) => ({ uid: user(`${index}`), attrs: {}, parents: list.map(user) })),
  });
}
const tooLarge = (error: unknown) => error instanceof EngineError && error.code === 'policy-too-large';
const variable = (attr: string) => ({ '.': { left: { Var: 'context' }, attr } });

test('a policy nested without end is an error of its author, not of the stack', () => {
  let body: unknown = { Value: true };
  for (let depth = 0; depth < 100_000; depth += 1) body = { '!': { arg: body } };
  assert.throws(() => decide(body), tooLarge);
  let value: unknown = [];
  for (let depth = 0; depth < 100_000; depth += 1) value = [value];
  assert.throws(() => decide({ '==': { left: { Value: value }, right: { Value: value } } }), tooLarge);
});

test('a hostile `like` pattern on a long text of an attacker’s choice comes to an end', () => {
  const pattern = Array.from({ length: 4_000 }, (_, index) => (index % 2 === 0 ? 'Wildcard' : { Literal: 'a' }));
  const body = { like: { left: variable('text'), pattern: [...pattern, { Literal: 'b' }] } };
  assert.equal(decide(body, { text: 'a'.repeat(200_000) }).decision, 'deny');
  assert.equal(decide(body, { text: `${'a'.repeat(200_000)}b` }).decision, 'allow');
});

test('sets of many records are compared without looking at each with each', () => {
  const list = Array.from({ length: 20_000 }, (_, n) => ({ n }));
  const same = { '==': { left: variable('list'), right: variable('list') } };
  const holds = { contains: { left: variable('list'), right: { Record: { n: { Value: 19_999 } } } } };
  assert.equal(decide({ '&&': { left: same, right: holds } }, { list }).decision, 'allow');
  const who = Array.from({ length: 20_000 }, (_, n) => ({ __entity: { type: 'User', id: `stranger ${n}` } }));
  assert.equal(decide({ contains: { left: variable('who'), right: { Var: 'principal' } } }, { who }).decision, 'deny');
});

test('a hierarchy as deep as a list can make it is walked without recursion, and a circle of that size refused', () => {
  const deep = Array.from({ length: 20_000 }, (_, index) => (index < 19_999 ? [`${index + 1}`] : []));
  const top = { Value: { __entity: { type: 'User', id: '19999' } } };
  const body = { in: { left: { Var: 'principal' }, right: top } };
  assert.equal(decide(body, {}, deep).decision, 'allow');
  assert.throws(
    () => decide(body, {}, deep.with(19_999, ['0'])),
    (error) => error instanceof EngineError && error.code === 'invalid-request',
  );
});
