import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluationsMax, jsonDepthMax, parseRequest as parseBytes, parseStrictJson } from '#enforcement/adapters';

/** With the list as it was. */
function parseRequest(text: string) {
  const parsed = parseBytes(Buffer.from(text));
  if ('problem' in parsed) return parsed;
  const { value, order } = parsed;
  if (order === null) return { value };
  const request = value as { evaluations: unknown[] };
  return { value: { ...request, evaluations: order.map((place) => request.evaluations[place]) } };
}

const same = (text: string) => assert.deepEqual(parseRequest(text), parseStrictJson(Buffer.from(text)), text);

const space = fc.constantFrom('', '', ' ', '\n\t', '\r ', '\f');
const item = fc.constantFrom(
  '{}',
  '{ }',
  '{"a":{"b":"}"}}',
  '{"a":"\\\\","b":"\\"]"}',
  '{"a":"\\u0022"}',
  '{"a":[{"a":1},{"a":1}]}',
  '{"a":9007199254740993}',
  '{"__proto__":{"x":1},"toString":0}',
  '{"a":1,"a":1}',
  '{"a":[}]}',
  '{]',
  '{"a"}',
  '{"a":"',
  '[]',
  'null',
  '"{}"',
  '',
);
const list = fc
  .tuple(fc.array(item, { minLength: 1, maxLength: 3 }), fc.array(fc.tuple(fc.nat(), space, space), { maxLength: 12 }))
  .map(([items, places]) => places.map(([place, a, b]) => `${a}${items[place % items.length]}${b}`).join(','));
const name = fc.constantFrom('evaluations', 'evaluations', 'subject', 'evalu\\u0061tions', '__proto__', 'evaluation');
const member = fc.oneof(
  fc.tuple(name, space, list).map(([key, blank, items]) => `${blank}"${key}"${blank}:${blank}[${items}]`),
  fc
    .tuple(
      name,
      fc.constantFrom('{"evaluations":[{},{}]}', '"evaluations"', '12', 'true', '[{},{}]', '{"a":"\\\\"}', ''),
    )
    .map(([key, value]) => `"${key}":${value}`),
);
const request = fc.array(member, { minLength: 1, maxLength: 3 }).map((members) => `{${members.join(',')}}`);

test('parseRequest() reads what parseStrictJson() reads, and refuses what it refuses, whatever repeats', () => {
  fc.assert(fc.property(request, same), { numRuns: 3_000 });
});

test('parseRequest() reads like parseStrictJson() what was damaged anywhere', () => {
  const damage = fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom('', '"', '\\', '{', '}', '[', ']', ',', ':', ' ', '1'));
  fc.assert(
    fc.property(request, fc.array(damage, { minLength: 1, maxLength: 3 }), (text, places) => {
      let damaged = text;
      for (const [at, cut, put] of places) {
        const from = at % (damaged.length + 1);
        damaged = `${damaged.slice(0, from)}${put}${damaged.slice(from + cut)}`;
      }
      same(damaged);
    }),
    { numRuns: 3_000 },
  );
});

test('parseRequest() is not misled by what looks like repeated objects and is not', () => {
  const inString = '{"a":"\\"},{\\"a\\":\\"\\"},{\\"a\\":\\"\\"}]"}';
  for (const items of [inString, '1,{},1,{}', '"x",{},"x",{}', '[{},{}],[{},{}]', '{"a":[{},{}]}', '{}{},{}', '{},{},'])
    same(`{"evaluations":[${items}]}`);
  assert.ok('value' in parseRequest(`{"evaluations":[${inString}]}`));
  same('{"evaluations":"{},{}]"}');
  // "Aa" and "BB" have one hash, as in many languages.
  same('{"evaluations":[{"a":"Aa"},{"a":"BB"},{"a":"Aa"},{"a":"BB"},{"a":"BB"}]}');
});

test('parseRequest() makes one object of evaluations that are equal to the byte, and no other', () => {
  const parsed = parseRequest('{"evaluations":[{"a":1},{"a":2} , {"a":1},{"a": 1}],"subject":{"a":1}}');
  assert.ok('value' in parsed);
  const { evaluations } = parsed.value as { evaluations: unknown[] };
  assert.equal(evaluations.length, 4);
  assert.deepEqual(
    evaluations.map((each) => evaluations.indexOf(each)),
    [0, 1, 0, 3],
  );
});

test('parseRequest() refuses depth and names standing twice also in what repeats', () => {
  const deep = `{"a":${'['.repeat(jsonDepthMax)}${']'.repeat(jsonDepthMax)}}`;
  for (const each of [deep, '{"a":1,"a":1}', '{"a":"\\u0061","\\u0061":1}']) {
    const text = `{"evaluations":[${each},${each}]}`;
    assert.ok('problem' in parseRequest(text), each);
    same(text);
  }
  same('{"evaluations":[{},{}],"evaluations":[{},{}]}');
  same('{"evaluations":[{},{}],"evalu\\u0061tions":[{}]}');
});

test('parseRequest() shares nothing in a list that is longer than it may be', () => {
  const count = (length: number) => {
    const parsed = parseRequest(`{"evaluations":[${Array(length).fill('{}').join(',')}]}`);
    assert.ok('value' in parsed);
    const { evaluations } = parsed.value as { evaluations: unknown[] };
    assert.equal(evaluations.length, length);
    return new Set(evaluations).size;
  };
  assert.equal(count(evaluationsMax), 1);
  assert.equal(count(evaluationsMax + 1), evaluationsMax + 1);
});
