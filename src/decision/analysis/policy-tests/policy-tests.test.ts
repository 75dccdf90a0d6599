import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readParsedForm } from '#decision/engine';
import { preparePolicies } from '#decision/parser';
import { type Gap, readPolicyTests, runPolicyTests, TestFileError, type TestReport } from '../index.ts';

const schema = `
entity Group; entity User in [Group] { level: Long, active: Bool }; entity App in [Group];
action read, write appliesTo { principal: [User], resource: [App], context: { a: Bool, b: Bool, n: Long, tags: Set<String>, opt?: Long } };`;

const shared = `
entities:
  - { uid: 'User::"ada"', attrs: { level: 3, active: true }, parents: ['Group::"staff"'] }
  - { uid: 'Group::"staff"' }
  - { uid: 'App::"wiki"' }
context: { a: false, b: false, n: 1, tags: [] }
`;

const caseOf = (name: string, more: string) =>
  `  - { name: ${name}, principal: 'User::"ada"', action: 'Action::"read"', resource: 'App::"wiki"', ${more} }\n`;

function run(policies: string, cases: readonly string[]): TestReport {
  const sources = [{ file: 'p.cedar', text: policies }];
  const { parsedForm, problems } = preparePolicies({ policies: sources, schema });
  assert.ok(parsedForm, JSON.stringify(problems));
  const text = `${shared}tests:\n${cases.join('')}`;
  return runPolicyTests(
    readParsedForm(parsedForm, { sources, schema }),
    readPolicyTests([{ file: 'a.test.yaml', text }]),
  );
}

const gapsOf = (report: TestReport, index = 0): Gap[] => [...(report.coverage.policies[index]?.gaps ?? [])];
const gapWords = (report: TestReport, index = 0) =>
  gapsOf(report, index).map(({ kind, text, never }) => `${kind} ${text} ${never.join()}`);

describe('runPolicyTests()', () => {
  const policies = '@id("p") permit(principal in Group::"staff", action, resource) when { context.a };';

  test('passes what is answered as expected, and says what differs', () => {
    const report = run(policies, [
      caseOf('right', 'context: { a: true }, decision: allow, policies: [p], errors: []'),
      caseOf('wrong', 'decision: allow'),
      caseOf('misnamed', 'context: { a: true }, decision: allow, policies: [q]'),
      caseOf('other', 'decision: deny, policies: [p]'),
    ]);
    assert.deepEqual([report.passed, report.failed], [1, 3]);
    assert.deepEqual(
      report.results.map(({ words }) => words),
      [
        [],
        ['expected allow, the answer is deny (no policy permits it)'],
        ['no policy has the id `q`'],
        ['expected deciding policies `p`, found none'],
      ],
    );
    assert.equal(report.results[1]?.line, 9);
  });

  test('fails a request that does not fit the schema, with the reason', () => {
    const report = run(policies, [caseOf('wrong', 'context: { a: 1 }, decision: deny')]);
    assert.equal(report.results[0]?.answer, null);
    assert.match(report.results[0]?.words[0] ?? '', /does not fit the schema/);
    const short = `entities: [{ uid: 'User::"ada"', attrs: { level: 3 } }], decision: deny`;
    assert.match(run(policies, [caseOf('short', short)]).results[0]?.words[0] ?? '', /attribute `active` is missing/);
  });

  test('judges as a door does: an allow during which a forbid errored is indeterminate, and not what `deny` means', () => {
    const erring = `@id("p") permit(principal, action, resource);
      @id("f") forbid(principal, action, resource) when { 9223372036854775807 + context.n > 0 };`;
    const report = run(erring, [
      caseOf('told', 'decision: indeterminate, policies: [p], errors: [f]'),
      caseOf('denied', 'decision: deny'),
      caseOf('allowed', 'decision: allow'),
      caseOf('within bounds', 'context: { n: -1 }, decision: deny, policies: [f]'),
    ]);
    assert.deepEqual(
      report.results.map((each) => each.passed),
      [true, false, false, true],
    );
    assert.match(report.results[2]?.words.join('\n') ?? '', /`f` errored: integer overflow/);
  });
});

describe('coverage', () => {
  const policies =
    '@id("p") permit(principal, action == Action::"read", resource) when { context.a && (context.b || context.n > 5) } unless { principal.level < 2 };';

  test('is full when every policy was satisfied, and every condition was true once and false once', () => {
    const report = run(policies, [
      caseOf('a', 'decision: deny'),
      caseOf('b', 'context: { a: true, b: true }, decision: allow'),
      caseOf('c', 'context: { a: true, n: 6 }, decision: allow'),
      caseOf('d', 'context: { a: true }, decision: deny'),
      caseOf(
        'e',
        `context: { a: true, b: true }, entities: [{ uid: 'User::"ada"', attrs: { level: 1, active: true } }], decision: deny`,
      ),
    ]);
    assert.equal(report.failed, 0);
    assert.deepEqual([report.coverage.percent, gapWords(report)], [100, []]);
  });

  test('counts only what was evaluated: the right side of `&&` is not reached when the left is false', () => {
    const report = run(policies, [caseOf('a', 'decision: deny')]);
    assert.deepEqual(gapWords(report), [
      'policy  satisfied',
      'clause context.a && (context.b || context.n > 5) true',
      'condition context.a true',
      'condition context.b || context.n > 5 true,false',
      'condition context.b true,false',
      'condition context.n > 5 true,false',
      'clause principal.level < 2 true,false',
    ]);
    assert.equal(report.coverage.percent, Math.floor((2 * 100) / 13));
  });

  test('does not count conditions of a policy whose scope does not match, nor errors as outcomes', () => {
    const report = run(
      `@id("w") permit(principal, action == Action::"write", resource) when { context.a };
       @id("o") permit(principal, action, resource) when { 9223372036854775807 + context.n > 0 };`,
      [caseOf('a', 'decision: deny')],
    );
    assert.deepEqual(gapWords(report, 0), ['policy  satisfied', 'clause context.a true,false']);
    assert.deepEqual(gapWords(report, 1), [
      'policy  satisfied',
      'clause 9223372036854775807 + context.n > 0 true,false',
    ]);
  });

  test('looks into conditions inside values, and knows that an error before them keeps them from being reached', () => {
    const inner =
      '@id("v") permit(principal, action, resource) when { (9223372036854775806 + context.n) * 1 > (if context.a then 1 else 2) };';
    const reached = run(inner, [caseOf('a', 'decision: allow')]);
    assert.deepEqual(gapWords(reached), [
      'clause (9223372036854775806 + context.n) * 1 > if context.a then 1 else 2 false'.replace(
        '> if context.a then 1 else 2',
        '> (if context.a then 1 else 2)',
      ),
      'condition context.a true',
    ]);
    const stopped = run(inner, [caseOf('a', 'context: { n: 2 }, decision: deny')]);
    assert.ok(gapWords(stopped).includes('condition context.a true,false'));
  });

  test('counts a negation as what it negates, and no constant', () => {
    const report = run(
      '@id("n") permit(principal, action, resource) when { true && !context.a } unless { !context.b };',
      [caseOf('a', 'context: { b: true }, decision: allow')],
    );
    assert.deepEqual(gapWords(report), [
      'clause true && !context.a false',
      'condition context.a true',
      'clause !context.b true',
    ]);
  });
});

describe('readPolicyTests()', () => {
  const good = (more: string) => `tests:\n${caseOf('a', more)}`;
  const wrong: Record<string, [text: string, place: string]> = {
    'a key that is none': [
      `${good('decision: allow')}colour: red\n`,
      '3:1: unknown key `colour`; known here are `entities`, `context`, `tests`',
    ],
    'a key of a test that is none': [good('decision: allow, expect: 1'), 'unknown key `expect`; known here are `name`'],
    'another decision': [good('decision: maybe'), '`tests[0].decision` must be `allow` or `deny` or `indeterminate`'],
    'no decision': [good('policies: []'), '2:5: `tests[0].decision` is missing'],
    'no action, for a typo in the key': [
      `tests:\n  - name: a\n    principal: 'User::"ada"'\n    acton: 'Action::"read"'\n    resource: 'App::"wiki"'\n    decision: deny\n`,
      '2:5: `tests[0].action` is missing',
    ],
    'something that is no entity': [
      `tests:\n  - name: a\n    principal: ada\n    action: 'Action::"read"'\n    resource: 'App::"wiki"'\n    decision: deny\n`,
      '3:5: `tests[0].principal` is no entity; write `User::"ada"` in single quotes',
    ],
    'a number that is not whole': [
      good('decision: deny, context: { n: 1.5 }'),
      '`tests[0].context.n` is no whole number',
    ],
    'nothing where a value belongs': [good('decision: deny, context: { n: }'), 'has no value; Cedar has no null'],
    'a key twice': [good('decision: deny, decision: allow'), 'the same key stands twice'],
    'two tests of one name': [
      `${good('decision: deny')}${caseOf('a', 'decision: deny')}`,
      '3:7: two tests are named `a`; rename one',
    ],
    'no tests': ['entities: []\n', '`tests` is missing'],
    'an empty file': ['', '`tests` is missing'],
    'what is not YAML': ['tests: [', '1:9: is not YAML here'],
    'a bomb of aliases': [
      `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ntests: [*d,*d]\n`,
      'more than 1000 aliases',
    ],
    'values that nest too deep': [
      good(`decision: deny, context: { n: ${'['.repeat(70)}${']'.repeat(70)} }`),
      'nests deeper than 64 levels',
    ],
  };
  for (const [name, [text, place]] of Object.entries(wrong)) {
    test(`refuses ${name}, with its place and what to do`, () => {
      assert.throws(
        () => readPolicyTests([{ file: 'a.test.yaml', text }]),
        (error) => {
          assert.ok(error instanceof TestFileError);
          assert.ok(error.message.startsWith('a.test.yaml:') && error.message.includes(place), error.message);
          return true;
        },
      );
    });
  }

  test('lays the context of a test over that of the file, record by record, and reads integers exactly', () => {
    const text = `context: { s: { x: 1, y: { __extn: { fn: ip, arg: "::1" } } }, n: 9223372036854775807 }
tests:
  - { name: a, principal: { type: User, id: ada }, action: 'Action::"read"', resource: 'App::"wiki"', decision: deny, context: { s: { x: 2, y: { __entity: { type: A, id: b } } } } }`;
    const [test] = readPolicyTests([{ file: 'a.test.yaml', text }]);
    assert.deepEqual(test?.request.context, {
      s: { x: 2, y: { __entity: { type: 'A', id: 'b' } } },
      n: 9223372036854775807n,
    });
  });

  test('keeps a key named __proto__ a key', () => {
    const text = `tests:\n${caseOf('a', 'decision: deny, context: { __proto__: { polluted: true } }')}`;
    const [test] = readPolicyTests([{ file: 'a.test.yaml', text }]);
    assert.deepEqual(Object.keys(test?.request.context ?? {}), ['__proto__']);
    assert.equal(Object.getPrototypeOf(test?.request.context), Object.prototype);
  });
});
