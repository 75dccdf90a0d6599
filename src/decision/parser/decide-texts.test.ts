import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EngineError, parseLosslessJson } from '#decision/engine';
import { type DecideTexts, decideTexts } from './index.ts';

const file = (name: string, text: string) => ({ file: name, text });
const schema = `entity Group; entity User in [Group] { level: Long, home: ipaddr }; entity Doc { owner: User };
action view appliesTo { principal: [User], resource: [Doc], context: { count: Long, boss: User } };`;
const entities = JSON.stringify([
  { uid: { type: 'User', id: 'ada' }, attrs: { level: 3, home: '10.0.0.1' }, parents: [{ type: 'Group', id: 'g' }] },
  { uid: { type: 'Group', id: 'g' }, attrs: {}, parents: [] },
  { uid: { type: 'Doc', id: 'd' }, attrs: { owner: { type: 'User', id: 'ada' } }, parents: [] },
]);
const request = (changes: object = {}, count = '1') =>
  JSON.stringify({
    principal: 'User::"ada"',
    action: { type: 'Action', id: 'view' },
    resource: { __entity: { type: 'Doc', id: 'd' } },
    context: { count: 0, boss: { type: 'User', id: 'ada' } },
    ...changes,
  }).replace('"count":0', `"count":${count}`);

function decide(policies: string | string[], changes: Partial<DecideTexts> = {}) {
  return decideTexts({
    policies: [policies].flat().map((text, index) => file(`${index}.cedar`, text)),
    schema: file('s.cedarschema', schema),
    entities: file('e.json', entities),
    request: file('r.json', request()),
    ...changes,
  });
}

describe('decideTexts()', () => {
  test('numbers policies across files and sorts ids as text', () => {
    const permit = 'permit(principal, action, resource);';
    const { decision } = decide([permit.repeat(2), `// nothing\n`, permit.repeat(9)]);
    assert.deepEqual(decision.reasons, [
      'policy0',
      'policy1',
      'policy10',
      'policy2',
      'policy3',
      'policy4',
      'policy5',
      'policy6',
      'policy7',
      'policy8',
      'policy9',
    ]);
  });

  test('splits policies only at semicolons that end one', () => {
    const { decision } = decide(
      'permit(principal, action, resource) // ; "\n when { ";\\";//" == ";\\";//" }; forbid(principal, action, resource) when { 1 == 2 };',
    );
    assert.deepEqual(decision, { decision: 'allow', reasons: ['policy0'], errors: [] });
  });

  test('skips a policy that errors, and names it', () => {
    const { decision } = decide(
      'permit(principal, action, resource); forbid(principal, action, resource) when { context.count + 9223372036854775807 > 0 };',
    );
    assert.equal(decision.decision, 'allow');
    assert.deepEqual(
      decision.errors.map(({ id }) => id),
      ['policy1'],
    );
  });

  test('does not round integers of 64 bits', () => {
    const policy = 'permit(principal, action, resource) when { context.count == 9223372036854775806 };';
    const answer = (count: string) => decide(policy, { request: file('r.json', request({}, count)) }).decision.decision;
    assert.equal(answer('9223372036854775806'), 'allow');
    assert.equal(answer('9223372036854775807'), 'deny');
    assert.equal(answer('9223372036854775000'), 'deny');
    assert.throws(() => answer('9223372036854775808'));
  });

  test('refuses a request or entities that do not fit the schema', () => {
    const policy = 'permit(principal, action, resource);';
    for (const changes of [
      { principal: 'Doc::"d"' },
      { action: 'Action::"fly"' },
      { context: {} },
      { extra: 1 },
      { resource: 7 },
      { principal: 'User::ada' },
    ]) {
      assert.throws(
        () => decide(policy, { request: file('r.json', request(changes)) }),
        { name: 'EngineError' },
        JSON.stringify(changes),
      );
    }
    for (const wrong of [
      entities.replace('"level":3', '"level":"3"'),
      entities.replace('"type":"Group"', '"type":"Doc"'),
      '{}',
      '[{}]',
    ]) {
      assert.throws(() => decide(policy, { entities: file('e.json', wrong) }), { name: 'EngineError' }, wrong);
    }
  });

  test('judges without a schema, and warns about policies that do not validate with one', () => {
    const policy = 'permit(principal, action, resource) when { principal.nothing };';
    assert.equal(decide(policy, { schema: null }).decision.errors.length, 1);
    const { warnings, decision } = decide(policy);
    assert.equal(decision.errors.length, 1);
    assert.match(warnings[0]?.message ?? '', /nothing/);
  });

  test("reads Cedar's own escapes in ids", () => {
    const id = 'a"\\\n\u{1f600}\'';
    const principal = 'User::"a\\"\\\\\\n\\u{1f600}\\\'"';
    const person = { uid: { type: 'User', id }, attrs: { level: 1, home: '::1' }, parents: [] };
    const { decision } = decide('permit(principal, action, resource) when { principal.level == 1 };', {
      entities: file('e.json', JSON.stringify([person])),
      request: file('r.json', request({ principal })),
    });
    assert.equal(decision.decision, 'allow');
  });

  test('says where a schema is wrong', () => {
    const wrong = file('s.cedarschema', schema.replace('home: ipaddr', '\nhome: ipadr'));
    assert.throws(
      () => decide('permit(principal, action, resource);', { schema: wrong }),
      (error: EngineError) => {
        assert.deepEqual([error.code, error.file, error.line, error.column], ['schema-syntax', 's.cedarschema', 2, 7]);
        return /ipadr/.test(error.message);
      },
    );
  });

  test('takes a JSON schema too', () => {
    const json = {
      '': {
        entityTypes: { User: {}, Doc: {} },
        actions: { view: { appliesTo: { principalTypes: ['User'], resourceTypes: ['Doc'] } } },
      },
    };
    const answer = decide('permit(principal, action, resource);', {
      schema: file('s.json', JSON.stringify(json)),
      entities: file('e.json', '[]'),
      request: file('r.json', request({ context: {} })),
    });
    assert.equal(answer.decision.decision, 'allow');
  });
});

describe('parseLosslessJson()', () => {
  test('refuses what could be read in two ways, and says where', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '[1,]',
      '{"a":1,}',
      '[1 2]',
      '1.5',
      '1e3',
      '01',
      '"\\x"',
      '"\n"',
      "'a'",
      '{a:1}',
      '[1]]',
      '',
      '[',
      '{"a"',
      'NaN',
      '// c\n1',
    ]) {
      assert.throws(() => parseLosslessJson(text), { code: 'invalid-json' }, text);
    }
    assert.throws(() => parseLosslessJson(`${'['.repeat(100)}${']'.repeat(100)}`), { code: 'invalid-json' });
    assert.throws(() => parseLosslessJson('{\n "a": 1,\n "a": 2}', 'f.json'), { file: 'f.json', line: 3 });
  });

  test('agrees with JSON.parse otherwise', () => {
    const text = ' {"a": [1, -2, true, false, null, "x\\u0041\\n"], "__proto__": {"b": {}}, "": []} ';
    assert.deepEqual(JSON.stringify(parseLosslessJson(text)), JSON.stringify(JSON.parse(text)));
    assert.equal(parseLosslessJson('12345678901234567890'), 12345678901234567890n);
  });
});

test('decideTexts() names the file whose content does not fit the schema, and what to do about a cycle', () => {
  const permit = 'permit (principal, action, resource);';
  const nested = schema.replace('entity Group;', 'entity Group in [Group];');
  const group = (id: string, above: string) => ({
    uid: { type: 'Group', id },
    attrs: {},
    parents: [{ type: 'Group', id: above }],
  });
  const entitiesOf = (...each: object[]) => file('e.json', JSON.stringify(each));
  for (const [changes, told] of [
    [
      { schema: file('s.cedarschema', nested), entities: entitiesOf(group('a', 'b'), group('b', 'a')) },
      { file: 'e.json', message: /cycle/, hint: /take one of the `parents` away/ },
    ],
    [{ entities: entitiesOf({ uid: { type: 'User', id: 'ada' }, attrs: {}, parents: [] }) }, { file: 'e.json' }],
    [{ entities: entitiesOf({ uid: { type: 'Usr', id: 'ada' }, attrs: {}, parents: [] }) }, { file: 'e.json' }],
    [{ request: file('r.json', request({ principal: 'Usr::"ada"' })) }, { file: 'r.json' }],
    [{ request: file('r.json', request({ context: {} })) }, { file: 'r.json' }],
  ] as const) {
    assert.throws(() => decide(permit, changes), told);
  }
});
