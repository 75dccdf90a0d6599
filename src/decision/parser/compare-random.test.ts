import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Case, compareRandom, differences, shrink } from './compare-random.fuzz.ts';

/** A slice for every run; `NULLIUS_COMPARISONS` asks for more, `NULLIUS_SEED` for others. */
const count = Number(process.env['NULLIUS_COMPARISONS'] ?? 1_000);
const seed = Number(process.env['NULLIUS_SEED'] ?? 1);

describe('random schemas, policies, entities and requests', () => {
  test(`are decided as Cedar's own evaluator does, from seed ${seed} on (${count})`, async () => {
    const found = await compareRandom({ seed, count });
    const first = found.disagreements[0];
    const small = first === undefined ? undefined : shrink(first.case);
    assert.equal(small, undefined, small === undefined ? '' : differences(small).join(' | '));
    assert.ok(found.count >= count);
    assert.ok(found.allowed > found.count / 20, 'some are allowed');
    assert.ok(found.errored > found.count / 20, 'in some a policy errors');
  });
});

const uid = (type: string, id: string) => ({ type, id });
const schema: Case['schema'] = {
  '': {
    entityTypes: {
      A: { shape: { type: 'Record', attributes: { n: { type: 'Long' } } } },
      B: { tags: { type: 'Long' } },
    },
    actions: {
      go: { appliesTo: { principalTypes: ['A'], resourceTypes: ['B'], context: { type: 'Record', attributes: {} } } },
    },
  },
};
const all = { op: 'All' };
const forbid = (body: unknown): Case['policies'][number] => ({
  effect: 'forbid',
  principal: all,
  action: all,
  resource: all,
  conditions: [{ kind: 'when', body }],
});
const request = {
  principal: uid('A', 'a'),
  action: uid('Action', 'go'),
  resource: uid('B', 'b'),
  context: {},
  entities: [],
};

describe('what differed once', () => {
  const cases: Record<string, unknown> = {
    'a tag whose name is no text, of an entity that is not known': {
      hasTag: { left: { Var: 'resource' }, right: { Value: 1 } },
    },
    'an empty set asked of what is no set': {
      containsAll: { left: { Value: 1 }, right: { Set: [] } },
    },
  };
  for (const [name, body] of Object.entries(cases)) {
    test(`is decided alike: ${name}`, () => {
      assert.deepEqual(differences({ schema, policies: [forbid(body)], request }), []);
    });
  }
});
