import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type CompiledPolicies, type DecisionRequest, EngineError } from '#decision/engine';
import { referenceDecide } from '#decision/engine/reference';
import type { Decision } from '#foundation/model';
import { decisionRequest, fuzzSchema, policyText, spoil } from './decide.fuzz.ts';
import { compilePolicies } from './index.ts';
import { parsePolicies } from './parse-policies.ts';
import { resolveSchema } from './validate-policies.ts';

/** Random comparisons in an ordinary run; `NULLIUS_FUZZ_RUNS` asks for more. */
const numRuns = Number(process.env['NULLIUS_FUZZ_RUNS'] ?? 60);

type Decides = Pick<CompiledPolicies, 'decide'>;

function evaluators(texts: readonly string[]): { compiled: Decides; reference: Decides; wasm: Decides } {
  const input = {
    policies: [{ file: 'a.cedar', text: texts.join('\n') }],
    schema: fuzzSchema,
    naming: 'position' as const,
  };
  const policies = new Map(parsePolicies(input.policies).map((policy, index) => [`policy${index}`, policy]));
  const schemaJson = resolveSchema(fuzzSchema);
  return {
    compiled: compilePolicies(input),
    reference: { decide: (request) => referenceDecide({ policies, schemaJson }, request) },
    wasm: compilePolicies({ ...input, evaluator: 'wasm' }),
  };
}

function answer(compiled: Decides, request: DecisionRequest): object {
  try {
    const { decision, reasons, errors }: Decision = compiled.decide(request);
    return { decision, reasons, errors: errors.map(({ id }) => id) };
  } catch (error) {
    if (error instanceof EngineError) return { refused: true };
    throw error;
  }
}

describe('compiled policies and the evaluator of Cedar’s authors', () => {
  test('agree on random policies, entities and requests', () => {
    fc.assert(
      fc.property(
        fc.array(policyText, { minLength: 1, maxLength: 8 }),
        fc.array(decisionRequest, { minLength: 4, maxLength: 4 }),
        (texts, requests) => {
          const { compiled, reference, wasm } = evaluators(texts);
          for (const request of requests) {
            const expected = answer(wasm, request);
            assert.deepEqual(answer(compiled, request), expected, 'compiled');
            assert.deepEqual(answer(reference, request), expected, 'reference');
          }
        },
      ),
      { numRuns },
    );
  });

  test('refuse the same requests and entities', () => {
    const { compiled, reference, wasm } = evaluators(['permit(principal, action, resource);']);
    fc.assert(
      fc.property(decisionRequest, spoil, (request, spoilt) => {
        assert.deepEqual(answer(wasm, spoilt(request)), { refused: true });
        assert.deepEqual(answer(compiled, spoilt(request)), { refused: true });
        assert.deepEqual(answer(reference, spoilt(request)), { refused: true });
      }),
      { numRuns },
    );
  });
});

const times = [
  '1970-01-01',
  '1970-02-30',
  '2000-02-29',
  '1900-02-29',
  '0000-01-01',
  '9999-12-31',
  '10000-01-01',
  '1970-1-1',
  '1969-12-31T23:59:59.999Z',
  '1970-01-01T00:00:00Z',
  '1970-01-01T00:00:00.5Z',
  '1970-01-01T00:00:00.500Z',
  '1970-01-01T00:00:00',
  '1970-01-01T24:00:00Z',
  '1970-01-01T23:59:60Z',
  '1970-01-01T00:00:00+0100',
  '1970-01-01T00:00:00-0100',
  '1970-01-01T00:00:00+2359',
  '1970-01-01T00:00:00+2400',
  '1970-01-01T00:00:00-0060',
  '1970-01-01T00:00:00.001+0530',
  '1970-01-01T00:00:00+01:00',
  '0000-01-01T00:00:00+2359',
  '1970-01-01t00:00:00z',
  ' 1970-01-01',
  '',
];
const spans = [
  '0ms',
  '1ms',
  '-1ms',
  '1s',
  '1m',
  '1h',
  '1d',
  '1m1ms',
  '1s1m',
  '1d1d',
  '',
  '-',
  '1',
  '1 s',
  '+1s',
  '1.5s',
  '-1d2h3m4s5ms',
  '01s',
  '9223372036854775807ms',
  '-9223372036854775808ms',
  '9223372036854775808ms',
  '106751991167d',
  '106751991168d',
  '99999999999999999999s',
  '59s',
  '1D',
];
const decimals = [
  '0.0',
  '-0.0',
  '1.0',
  '1.0000',
  '1.00000',
  '1',
  '1.',
  '.1',
  '+1.0',
  '01.10',
  '-1.1',
  '1.1',
  '1.09',
  '1.0009',
  '922337203685477.5807',
  '922337203685477.5808',
  '-922337203685477.5808',
  '-922337203685477.5809',
  '1e1',
];
const ips = [
  '1.2.3.4',
  '01.2.3.4',
  '1.2.3',
  '1.2.3.256',
  '1.2.3.4/32',
  '1.2.3.4/33',
  '1.2.3.4/0',
  '1.2.3.4/032',
  '1.2.3.4/',
  '1.2.3.0/24',
  '1.2.3.4/24',
  '127.0.0.1',
  '127.0.0.1/7',
  '127.0.0.1/8',
  '224.0.0.1',
  '224.0.0.0/3',
  '239.1.1.1/4',
  '::',
  '::1',
  '::1/127',
  '::/0',
  '0:0:0:0:0:0:0:1',
  '1:2:3:4:5:6:7::',
  '1:2:3:4:5:6:7:8::',
  '1::2::3',
  ':::',
  '::ffff:1.2.3.4',
  'ff00::/8',
  'ff00::/7',
  'FE80::1',
  '12345::',
  '::1%1',
  '1:2:3:4:5:6:7',
  '',
  ' ::1',
  '0.0.0.0/0',
  '::1/128',
  '::1/129',
];
const longs = [
  '0',
  '1',
  '(-1)',
  '2',
  '3037000500',
  '94906267',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '4611686018427387904',
  '9223372036854775807',
  '(-9223372036854775808)',
  '(-9007199254740993)',
];
const patterns = [
  '',
  '*',
  'a',
  'a*',
  '*a',
  '*a*',
  'a*a',
  '*a*a*',
  '*ab*',
  'a*b*a',
  '\\*',
  '*\\**',
  '**',
  'é*',
  '*\\u{1f600}',
  'ab*ab',
];
const texts = ['', 'a', 'aa', 'ab', 'aba', 'abab', 'a*b', '*', 'é', 'éa', '\u{1f600}', 'aab', 'abba'];

const pairs = (items: readonly string[], combine: (a: string, b: string) => readonly string[]) =>
  items.flatMap((a) => items.flatMap((b) => combine(a, b)));
const call = (name: string) => (text: string) => `${name}("${text}")`;
const expressions: Record<string, readonly string[]> = {
  datetimes: [
    ...pairs(times.map(call('datetime')), (a, b) => [`${a} < ${b}`]),
    ...times
      .map(call('datetime'))
      .flatMap((a) => [
        `${a}.toTime() < duration("12h")`,
        `${a} == ${a}.toDate()`,
        `${a}.offset(duration("9223372036854775807ms")) > ${a}`,
        `${a}.offset(duration("-9223372036854775808ms")).toDate() < ${a}`,
      ]),
  ],
  durations: [
    ...pairs(spans.map(call('duration')), (a, b) => [`${a} <= ${b}`]),
    ...spans
      .map(call('duration'))
      .flatMap((a) =>
        ['Milliseconds', 'Seconds', 'Minutes', 'Hours', 'Days'].flatMap((unit) => [
          `${a}.to${unit}() < 0`,
          `${a}.to${unit}() == 0`,
          `${a}.to${unit}() > 59`,
        ]),
      ),
  ],
  decimals: pairs(decimals.map(call('decimal')), (a, b) => [
    `${a} == ${b}`,
    `${a}.lessThan(${b})`,
    `${a}.greaterThanOrEqual(${b})`,
  ]),
  addresses: [
    ...pairs(ips.map(call('ip')), (a, b) => [`${a}.isInRange(${b})`]),
    ...pairs(ips.slice(9, 20).map(call('ip')), (a, b) => [`${a} == ${b}`]),
    ...ips.map(call('ip')).flatMap((a) => ['Ipv4', 'Ipv6', 'Loopback', 'Multicast'].map((name) => `${a}.is${name}()`)),
  ],
  integers: pairs(longs, (a, b) => [
    `${a} + ${b} < ${a}`,
    `${a} - ${b} == ${a}`,
    `${a} * ${b} == ${b}`,
    `${a} * ${b} > 9007199254740992`,
    `${a} * ${b} - 1 == ${a} * ${b} + (-1)`,
    `-${a} == ${b}`,
    `${a} <= ${b}`,
    `[${a}].contains(${b})`,
  ]),
  patterns: patterns.flatMap((pattern) => texts.map((text) => `"${text}" like "${pattern}"`)),
  'sets and records': pairs(
    [
      '[]',
      '[1]',
      '[1, 1]',
      '[2, 1]',
      '[[1]]',
      '{}',
      '{a: 1}',
      '{a: 1, b: []}',
      '{b: [], a: 1}',
      '[{a: 1}]',
      '"1"',
      '1',
      'U::"a"',
      '[U::"a"]',
      '[ip("::1"), decimal("1.0")]',
    ],
    (a, b) => [
      `${a} == ${b}`,
      `${a}.contains(${b})`,
      `${a}.containsAll(${b})`,
      `${a}.containsAny(${b})`,
      `${a} in ${b}`,
      `${a} && ${b}`,
      `(${a} has a) == (${b} has a)`,
    ],
  ),
};

const person = { type: 'U', id: 'a' };
const ask = (changes: Partial<DecisionRequest> = {}): DecisionRequest => ({
  principal: person,
  action: { type: 'Action', id: 'go' },
  resource: { type: 'R', id: 'a' },
  context: {
    n: 1,
    t: { __extn: { fn: 'datetime', arg: '2024-01-01' } },
    us: [],
    e: { __entity: { type: 'E', id: 'x' } },
  },
  entities: [],
  ...changes,
});

describe('compiled and WebAssembly agree on every one of many', () => {
  for (const [name, list] of Object.entries(expressions)) {
    test(`expressions about ${name}`, () => {
      const { compiled, reference, wasm } = evaluators(
        list.map((body) => `permit(principal, action, resource) when { ${body} };`),
      );
      const expected = wasm.decide(ask());
      const named = (ids: readonly string[]) => ids.map((id) => list[Number(id.slice('policy'.length))]);
      for (const given of [compiled.decide(ask()), reference.decide(ask())]) {
        assert.deepEqual(named(given.reasons), named(expected.reasons));
        assert.deepEqual(named(given.errors.map(({ id }) => id)), named(expected.errors.map(({ id }) => id)));
      }
      assert.ok(expected.reasons.length > 10, 'some hold');
    });
  }
});

describe('decide()', () => {
  test('refuses entities whose hierarchy runs in a circle, whether or not a policy asks about it', () => {
    const circle = [
      { uid: { type: 'G', id: 'a' }, attrs: {}, parents: [{ type: 'G', id: 'b' }] },
      { uid: { type: 'G', id: 'b' }, attrs: {}, parents: [{ type: 'G', id: 'a' }] },
    ];
    const { compiled } = evaluators(['permit(principal, action, resource) when { G::"a" in G::"c" };']);
    const { compiled: idle, wasm } = evaluators(['permit(principal, action, resource);']);
    for (const each of [compiled, idle, wasm])
      assert.deepEqual(answer(each, ask({ entities: circle })), { refused: true });
  });

  test('refuses text that is not Unicode, in which two ids could look alike', () => {
    const { compiled } = evaluators(['permit(principal, action, resource);']);
    assert.deepEqual(answer(compiled, ask({ principal: { type: 'U', id: 'a\ud800' } })), { refused: true });
    assert.deepEqual(answer(compiled, ask({ context: { ...ask().context, s: '\udc00' } })), { refused: true });
  });

  test('names from JavaScript’s own objects are only names', () => {
    const { compiled, reference, wasm } = evaluators([
      'permit(principal == U::"__proto__", action, resource);',
      'permit(principal, action, resource) when { principal has constructor || context has toString };',
      'forbid(principal, action, resource) when { {"__proto__": 1} has "__proto__" && {"__proto__": 1}["__proto__"] == 2 };',
    ]);
    for (const id of ['__proto__', 'constructor', 'a']) {
      const request = ask({ principal: { type: 'U', id } });
      assert.deepEqual(answer(compiled, request), answer(wasm, request), id);
      assert.deepEqual(answer(reference, request), answer(wasm, request), id);
    }
    const polluted = ask({ context: JSON.parse('{"__proto__": {"n": 1}, "n": 1}') });
    assert.deepEqual(answer(compiled, polluted), { refused: true });
  });

  test('answers stay the same when names of entities have been forgotten', () => {
    const { compiled } = evaluators(['permit(principal == U::"a", action, resource);']);
    for (let i = 0; i < 210_000; i += 1) compiled.decide(ask({ principal: { type: 'U', id: `stranger-${i}` } }));
    assert.deepEqual(answer(compiled, ask()), { decision: 'allow', reasons: ['policy0'], errors: [] });
  });
});
