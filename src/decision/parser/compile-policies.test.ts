import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { EngineError } from '#decision/engine';
import { checkPolicies, compilePolicies } from './index.ts';

const shipped = join(import.meta.dirname, '../../../policies');
const schema = readFileSync(join(shipped, 'schema.cedarschema'), 'utf8');
const policies = globSync(join(shipped, '*.cedar'))
  .sort()
  .map((file) => ({ file: basename(file), text: readFileSync(file, 'utf8') }));
const one = (text: string) => [{ file: 'a.cedar', text }];

test('the shipped policies compile without a problem, and each says in words what it does', () => {
  assert.deepEqual(checkPolicies({ policies, schema }), []);
  const compiled = compilePolicies({ policies, schema });
  assert.ok(compiled.policies.size >= 12);
  for (const policy of compiled.policies.values()) assert.notEqual(policy.description, '', policy.id);
});

test('compilePolicies() names file, line, column and a hint when a policy does not parse', () => {
  const text = '// ünïcode first\n@id("x")\npermit(principal, acton, resource);';
  assert.throws(
    () => compilePolicies({ policies: one(text), schema }),
    (error) =>
      error instanceof EngineError &&
      error.code === 'policy-syntax' &&
      error.file === 'a.cedar' &&
      error.line === 3 &&
      error.column === 19 &&
      /principal/.test(error.hint ?? ''),
  );
});

test('compilePolicies() says what was expected where a policy ends too early, or goes on wrongly', () => {
  const hintOf = (text: string) => {
    const [problem] = checkPolicies({ policies: one(text), schema });
    return `${problem?.line}:${problem?.column} ${problem?.hint}`;
  };
  assert.match(hintOf('@id("x") permit(principal, action, resource)'), /^1:45 expected `;`/);
  assert.match(
    hintOf('@id("x")\npermit(principal, action, resource) when { context.path lke "x" };'),
    /^2:57 .*`like`/,
  );
});

test('compilePolicies() refuses a policy that does not fit the schema', () => {
  const text = '@id("x") permit(principal is User, action, resource) when { principal.nam == "ada" };';
  assert.throws(() => compilePolicies({ policies: one(text), schema }), { code: 'policy-type', line: 1 });
});

test('compilePolicies() refuses policies without an id of their own', () => {
  const text = 'permit(principal, action, resource);';
  assert.throws(() => compilePolicies({ policies: one(text), schema }), { code: 'missing-id' });
  assert.throws(() => compilePolicies({ policies: one(`@id("a") ${text}\n@id("a") ${text}`), schema }), {
    code: 'duplicate-id',
    line: 2,
  });
});

test('checkPolicies() names every policy without an id of its own, beside what else is wrong', () => {
  const text = 'permit(principal, action, resource);';
  const wrong = '@id("b") permit(principal is User, action, resource) when { principal.nam == "ada" };';
  const texts = [`${text}\n@id("a") ${text}`, `@id("a") ${text}\n${text}\n@id(" ") ${text}\n${wrong}`];
  const files = texts.map((each, index) => ({ file: `${index}.cedar`, text: each }));
  assert.deepEqual(
    checkPolicies({ policies: files, schema }).map(({ code, file, line }) => `${file}:${line} ${code}`),
    [
      '0.cedar:1 missing-id',
      '1.cedar:1 duplicate-id',
      '1.cedar:2 missing-id',
      '1.cedar:3 missing-id',
      '1.cedar:4 policy-type',
    ],
  );
});

test('compilePolicies() refuses a template, which would never match', () => {
  const text = '@id("t") permit(principal == ?principal, action, resource);';
  assert.throws(() => compilePolicies({ policies: one(text), schema }), { code: 'unlinked-template' });
});

test('checkPolicies() leaves out what follows from an error of the same policy, and warns of others', () => {
  const wrong = '@id("x") permit(principal, action == Action::"raed", resource);';
  const impossible = '@id("y") permit(principal, action == Action::"read", resource) when { false };';
  const told = (text: string) =>
    checkPolicies({ policies: one(text), schema }).map(({ level, line, message }) => [
      level,
      line,
      message.slice(0, 34),
    ]);
  const error = ['error', 1, 'for policy `x`, unrecognized actio'];
  assert.deepEqual(told(wrong), [error]);
  assert.deepEqual(told(`${wrong}\n${impossible}`), [error, ['warning', 2, 'for policy `y`, policy is impossib']]);
});

test('checkPolicies() reports a misspelt annotation', () => {
  const text = '@id("x") @descripton("typo") permit(principal, action, resource);';
  assert.deepEqual(
    checkPolicies({ policies: one(text), schema }).map((problem) => problem.code),
    ['unknown-annotation'],
  );
});

test('the hash stays when files are renamed or comments change, and changes with any policy', () => {
  const text = '@id("a") permit(principal, action, resource);';
  const hash = (file: string, source: string) => compilePolicies({ policies: [{ file, text: source }], schema }).hash;
  assert.equal(hash('a.cedar', text), hash('b.cedar', `// comment\n${text}`));
  assert.notEqual(hash('a.cedar', text), hash('a.cedar', text.replace('permit', 'forbid')));
});

const nestings: Record<string, (depth: number) => string> = {
  parentheses: (n) => `${'('.repeat(n)}true${')'.repeat(n)}`,
  sets: (n) => `${'['.repeat(n)}${']'.repeat(n)} == []`,
  records: (n) => `${'{a:'.repeat(n)}1${'}'.repeat(n)} == 1`,
  calls: (n) => `${'[].contains('.repeat(n)}1${')'.repeat(n)}`,
  attributes: (n) => `context${'.a'.repeat(n)}`,
  sums: (n) => `1${' + 1'.repeat(n)} == 1`,
  conjunctions: (n) => `true${' && context.tls'.repeat(n)}`,
  conditionals: (n) => `${'if true then '.repeat(n)}true${' else true'.repeat(n)}`,
  'hidden behind closing brackets': (n) => `${')'.repeat(n)}${'('.repeat(n)}`,
};
for (const [shape, expression] of Object.entries(nestings)) {
  test(`nesting without end is refused before it can exhaust the parser: ${shape}`, () => {
    const policy = (depth: number) =>
      one(`@id("deep") permit(principal, action, resource) when { ${expression(depth)} };`);
    assert.throws(() => compilePolicies({ policies: policy(3_000), schema }), { code: 'policy-too-large' });
    // What is let through must not trap: it gives an answer, and the next set still compiles.
    for (const depth of [50, 66, 99, 199]) checkPolicies({ policies: policy(depth), schema });
    assert.deepEqual(checkPolicies({ policies, schema }), []);
  });
}
