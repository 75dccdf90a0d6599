import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { EntityUid } from '#foundation/model';
import type { DecisionRequest, EntityJson } from '../decision-request.ts';
import { compilePolicySet, EngineError, EntityStore, type PolicyJson } from '../index.ts';

const schemaJson = {
  '': {
    entityTypes: {
      Group: { memberOfTypes: ['Group'] },
      User: {
        memberOfTypes: ['Group'],
        shape: { type: 'Record', attributes: { boss: { type: 'Entity', name: 'User', required: false } } },
        tags: { type: 'Long' },
      },
    },
    actions: { greet: { appliesTo: { principalTypes: ['User'], resourceTypes: ['User', 'Group'] } } },
  },
};
const user = (id: string): EntityUid => ({ type: 'User', id });
const group = (id: string): EntityUid => ({ type: 'Group', id });
const entity = (uid: EntityUid, parents: EntityUid[] = [], attrs: EntityJson['attrs'] = {}): EntityJson => ({
  uid,
  attrs,
  parents,
});
const bossOf = (id: string) => ({ __entity: { type: 'User', id } });
const all = { op: 'All' };
const permit = (over: Partial<PolicyJson>): PolicyJson => ({
  effect: 'permit',
  principal: all,
  action: all,
  resource: all,
  conditions: [],
  ...over,
});
const set = (json: PolicyJson) => ({
  policies: new Map([['p', { file: '', line: 1, text: 'p', json }]]),
  schema: '',
  schemaJson,
});
const ask = (principal: EntityUid, resource: EntityUid = group('g')): DecisionRequest => ({
  principal,
  action: { type: 'Action', id: 'greet' },
  resource,
  context: {},
  entities: [],
});
const invalid = (error: unknown) => error instanceof EngineError && error.code === 'invalid-request';
const staff = set(permit({ principal: { op: 'in', entity: group('staff') } }));

describe('EntityStore', () => {
  test('an edge far above takes effect with the next decision, and so does its end', () => {
    const store = new EntityStore(schemaJson);
    const { decide } = compilePolicySet(staff, { store });
    store.apply([
      { put: entity(user('ada'), [group('a')]) },
      { put: entity(group('a'), [group('b')]) },
      { put: entity(group('b')) },
    ]);
    assert.equal(decide(ask(user('ada'))).decision, 'deny');
    store.addParent(group('b'), group('staff'));
    assert.equal(decide(ask(user('ada'))).decision, 'allow');
    store.removeParent(group('b'), group('staff'));
    assert.equal(decide(ask(user('ada'))).decision, 'deny');
  });

  test('sets of policies over one store decide each by its own, in whatever turn they are made and asked', () => {
    const store = new EntityStore(schemaJson);
    store.put(entity(user('ada'), [group('staff')]));
    store.put(entity(user('bob'), [group('staff'), group('guests')]));
    const first = compilePolicySet(staff, { store });
    const answers = (...asked: { decide(request: DecisionRequest): { decision: string } }[]) =>
      ['ada', 'bob'].map((id) => asked.map(({ decide }) => decide(ask(user(id))).decision).join(' '));
    assert.deepEqual(answers(first), ['allow', 'allow']);
    const second = compilePolicySet(set(permit({ principal: { op: 'in', entity: group('guests') } })), { store });
    const third = compilePolicySet(set(permit({ resource: { op: '==', entity: group('g') } })), { store });
    assert.deepEqual(answers(first, second, third), ['allow deny allow', 'allow allow allow']);
    store.removeParent(user('bob'), group('staff'));
    assert.deepEqual(answers(third, second, first), ['allow deny allow', 'allow allow deny']);
  });

  test('what it remembers of an entity takes no more room however often that moves', () => {
    const store = new EntityStore(schemaJson);
    const ids = Array.from({ length: 20 }, (_, index) => `g${index}`);
    const located = (id: string) => {
      const json = permit({ principal: { op: 'in', entity: group(id) } });
      return [id, { file: '', line: 1, text: id, json }] as const;
    };
    const { decide } = compilePolicySet({ ...staff, policies: new Map(ids.map(located)) }, { store });
    const before = store.keys.lists.block.length;
    for (let move = 0; move < 3_000; move += 1) {
      const [one = '', other = ''] = [ids[move % 20], ids[(move + 1) % 20]];
      store.put(entity(user('ada'), [group(one), group(other)]));
      assert.deepEqual(decide(ask(user('ada'))).reasons, [one, other].sort());
    }
    assert.equal(store.keys.lists.block.length, before);
  });

  test('makes all changes of one call or none', () => {
    const store = new EntityStore(schemaJson);
    store.put(entity(user('ada'), [group('staff')]));
    const { version } = store;
    const wrong = { put: { ...entity(user('eve')), attrs: { boss: 1 } } };
    assert.throws(() => store.apply([{ remove: user('ada') }, { put: entity(user('bob')) }, wrong]), invalid);
    assert.deepEqual(store.get(user('ada')), entity(user('ada'), [group('staff')]));
    assert.deepEqual([store.get(user('bob')), store.get(user('eve')), store.size], [undefined, undefined, 1]);
    assert.ok(store.version > version, 'whoever compares versions looks again');
  });

  test('refuses circles, what the schema does not know and entities of the schema itself', () => {
    const store = new EntityStore(schemaJson);
    store.apply([{ put: entity(group('a'), [group('b')]) }, { put: entity(group('b'), [group('c')]) }]);
    assert.throws(() => store.put(entity(group('c'), [group('a')])), invalid);
    assert.throws(() => store.put(entity(group('d'), [group('d')])), invalid);
    assert.throws(() => store.put(entity(group('a'), [user('ada')])), invalid);
    assert.throws(() => store.put(entity({ type: 'Robot', id: 'r' })), invalid);
    assert.throws(() => store.put(entity({ type: 'Action', id: 'greet' })), invalid);
    assert.throws(() => store.put({ ...entity(group('t')), tags: { a: 1 } }), invalid);
    assert.throws(() => store.addParent(group('nobody'), group('a')), invalid);
    assert.equal(store.size, 2);
    assert.deepEqual(store.get(group('b')), entity(group('b'), [group('c')]));
  });

  test('keeps no name that nobody holds any more: visitors may come and go for ever', () => {
    const store = new EntityStore(schemaJson);
    const { decide } = compilePolicySet(staff, { store });
    const before = store.names.count;
    for (let visit = 0; visit < 1_000; visit += 1) {
      store.put(entity(user(`u${visit}`), [group(`g${visit}`)], { boss: bossOf(`b${visit}`) }));
      decide(ask(user(`stranger${visit}`)));
      store.remove(user(`u${visit}`));
    }
    assert.ok(store.names.count <= before + 3, `${store.names.count} names, and ${before} before`);
    assert.equal(store.size, 0);
  });

  test('a decision says what it read, and a change of anything else leaves it as it is', () => {
    const store = new EntityStore(schemaJson);
    const boss = { '.': { left: { Var: 'principal' }, attr: 'boss' } };
    const body = { in: { left: boss, right: { Value: { __entity: group('staff') } } } };
    const compiled = compilePolicySet(set(permit({ conditions: [{ kind: 'when', body }] })), { store });
    store.apply([
      { put: entity(user('ada'), [], { boss: bossOf('bob') }) },
      { put: entity(user('bob'), [group('b')]) },
      { put: entity(user('eve'), [group('staff')]) },
    ]);
    const { decision, reads } = compiled.decideWithReads(ask(user('ada')));
    assert.equal(decision.decision, 'deny');
    const names = reads.map(({ type, id }) => `${type} ${id}`).sort();
    assert.deepEqual(names, ['Group b', 'User ada', 'User bob']);
    // An entity that does not exist counts too: its coming changes the answer.
    store.put(entity(group('b'), [group('staff')]));
    assert.equal(compiled.decide(ask(user('ada'))).decision, 'allow');
  });

  test('entities of a request stand before those of the store, for that request alone', () => {
    const store = new EntityStore(schemaJson);
    const { decide } = compilePolicySet(staff, { store });
    store.apply([{ put: entity(user('ada')) }, { put: entity(group('a'), [group('staff')]) }]);
    const entities = Object.freeze([Object.freeze(entity(user('ada'), [group('a')]))]);
    assert.equal(decide({ ...ask(user('ada')), entities }).decision, 'allow');
    assert.equal(decide(ask(user('ada'))).decision, 'deny');
    // A frozen list is converted once, but not for a store that has changed since.
    store.put(entity(group('a')));
    assert.equal(decide({ ...ask(user('ada')), entities }).decision, 'deny');
  });

  test('a policy set of another schema is refused', () => {
    const store = new EntityStore({ '': { entityTypes: {}, actions: {} } });
    assert.throws(() => compilePolicySet(staff, { store }), EngineError);
  });

  test('after any sequence of changes it decides as one that was filled at once, and reads name all that matters', () => {
    const ids = ['0', '1', '2', '3'];
    const uid = fc.oneof(fc.constantFrom(...ids).map(group), fc.constantFrom(...ids).map(user));
    const change = fc.oneof(
      fc.record({ put: fc.tuple(uid, fc.subarray(ids), fc.option(fc.constantFrom(...ids))) }),
      fc.record({ remove: uid }),
      fc.record({ edge: fc.tuple(uid, fc.constantFrom(...ids)), isAdded: fc.boolean() }),
    );
    const below = { in: { left: { Var: 'resource' }, right: { Value: { __entity: group('0') } } } };
    const policies = set(
      permit({ principal: { op: 'in', entity: group('1') }, conditions: [{ kind: 'when', body: below }] }),
    );
    const questions = ids.flatMap((a) => ids.flatMap((b) => [ask(user(a), group(b)), ask(user(a), user(b))]));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
        const store = new EntityStore(schemaJson);
        const compiled = compilePolicySet(policies, { store });
        let earlier = questions.map((question) => compiled.decideWithReads(question));
        for (const each of changes) {
          const touched = 'put' in each ? each.put[0] : 'remove' in each ? each.remove : each.edge[0];
          try {
            if ('put' in each) {
              const [put, parents, boss] = each.put;
              const attrs = boss === null || put.type === 'Group' ? {} : { boss: bossOf(boss) };
              store.put(entity(put, parents.map(group), attrs));
            } else if ('remove' in each) store.remove(each.remove);
            else if (each.isAdded) store.addParent(touched, group(each.edge[1]));
            else store.removeParent(touched, group(each.edge[1]));
          } catch (error) {
            assert.ok(invalid(error));
          }
          const now = questions.map((question) => compiled.decideWithReads(question));
          for (const [index, { decision, reads }] of earlier.entries())
            if (!reads.some(({ type, id }) => type === touched.type && id === touched.id))
              assert.deepEqual(now[index]?.decision, decision, 'what was not read has no effect');
          earlier = now;
        }
        const rebuilt = new EntityStore(schemaJson);
        const everything = [...ids.map(group), ...ids.map(user)].map((one) => store.get(one));
        rebuilt.apply(everything.filter((one) => one !== undefined).map((put) => ({ put })));
        assert.equal(rebuilt.size, store.size);
        const fresh = compilePolicySet(policies, { store: rebuilt });
        for (const question of questions) assert.deepEqual(compiled.decide(question), fresh.decide(question));
      }),
      { numRuns: 150 },
    );
  });
});
