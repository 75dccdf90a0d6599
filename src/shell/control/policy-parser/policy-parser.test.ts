import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createPolicyParser, PolicyParserError } from './policy-parser.ts';

function dataFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'nullius-parser-'));
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

const schema = 'entity User; action read appliesTo { principal: [User], resource: [User], context: {} };';
const policies = [{ file: 'a.cedar', text: '@id("p") permit(principal, action, resource);' }];

test('createPolicyParser() gives problems with places, or the parsed form, and starts again after it went idle', async (t) => {
  const parser = createPolicyParser({ dataDirectory: dataFolder(t), idleMs: 1 });
  t.after(() => parser.close());
  const good = await parser.prepare({ policies, schema });
  assert.deepEqual(good.problems, []);
  assert.ok(good.parsedForm);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const wrong = await parser.prepare({ policies: [{ file: 'a.cedar', text: 'permit(' }], schema });
  assert.deepEqual(
    [wrong.problems[0]?.code, wrong.problems[0]?.line, wrong.parsedForm],
    ['policy-syntax', 1, undefined],
  );
  const alone = await parser.prepare({ policies, schema: null });
  assert.deepEqual(alone, { problems: [], parsedForm: undefined, named: [] });
});

test('prepare() runs the tests it is given, and says where one cannot be read', async (t) => {
  const parser = createPolicyParser({ dataDirectory: dataFolder(t) });
  t.after(() => parser.close());
  const text = `tests:\n  - { name: a, principal: 'User::"u"', action: 'Action::"read"', resource: 'User::"u"', decision: deny }\n`;
  const failing = await parser.prepare({ policies, schema, tests: [{ file: 'a.test.yaml', text }] });
  assert.ok(failing.tested !== undefined && 'results' in failing.tested);
  assert.deepEqual([failing.tested.passed, failing.tested.failed], [0, 1]);
  const broken = await parser.prepare({ policies, schema, tests: [{ file: 'a.test.yaml', text: 'tests: 1\n' }] });
  assert.ok(broken.tested !== undefined && 'problems' in broken.tested);
  assert.equal(broken.tested.problems[0]?.line, 1);
  assert.equal((await parser.prepare({ policies, schema })).tested, undefined);
});

test('prepare() refuses when too many wait, and answers those that do', async (t) => {
  const parser = createPolicyParser({ dataDirectory: dataFolder(t) });
  t.after(() => parser.close());
  const asked = await Promise.allSettled(Array.from({ length: 40 }, () => parser.prepare({ policies, schema })));
  const refused = asked.filter((each) => each.status === 'rejected');
  assert.ok(refused.length > 0 && refused.length < 40, String(refused.length));
  for (const { reason } of refused) assert.ok(reason instanceof PolicyParserError);
  assert.ok((await parser.prepare({ policies, schema })).parsedForm);
});

test('prepare() tells of a process that is lost, and the next one works', async (t) => {
  const parser = createPolicyParser({ dataDirectory: dataFolder(t) });
  t.after(() => parser.close());
  // What cannot be read ends the process, as a trap or a lack of memory would.
  const broken = { policies: null as unknown as typeof policies, schema };
  await assert.rejects(parser.prepare(broken), PolicyParserError);
  assert.ok((await parser.prepare({ policies, schema })).parsedForm);
});

test('prepare() reads an invariant whose annotation stands before a long row of slashes', async (t) => {
  const parser = createPolicyParser({ dataDirectory: dataFolder(t) });
  t.after(() => parser.close());
  const text = `@id("x") @description ${'/'.repeat(1_000)}\nnever (principal, action, resource);`;
  const read = await parser.prepare({ policies, schema, invariants: [{ file: 'a.invariants', text }] });
  assert.deepEqual(read.problems, []);
});

test('prepare() takes an annotation without a value for an empty one', async (t) => {
  const parser = createPolicyParser({ dataDirectory: dataFolder(t) });
  t.after(() => parser.close());
  const nameless = [{ file: 'a.cedar', text: '@id permit(principal, action, resource);' }];
  const [problem] = (await parser.prepare({ policies: nameless, schema })).problems;
  assert.deepEqual([problem?.code, problem?.line], ['missing-id', 1]);
  const text = `tests:\n  - { name: a, principal: 'User::"u"', action: 'Action::"read"', resource: 'User::"u"', context: {}, decision: allow }\n`;
  const plain = [{ file: 'a.cedar', text: '@id("p") @description permit(principal, action, resource);' }];
  const read = await parser.prepare({ policies: plain, schema, tests: [{ file: 'a.test.yaml', text }] });
  assert.ok(read.tested !== undefined && 'passed' in read.tested, JSON.stringify(read));
});

test('prepare() finds the places of many names behind many lines as fast as behind one long line', async (t) => {
  const parser = createPolicyParser({ dataDirectory: dataFolder(t) });
  t.after(() => parser.close());
  const names = Array.from({ length: 1_900 }, (_, at) => `User::"${at}"`).join(',');
  const msBehind = async (blank: string) => {
    const text = ['a', 'b', 'c', 'd']
      .map(
        (id) => `@id("${id}")permit(principal,action,resource) when {${blank.repeat(40_000)}principal in [${names}]};`,
      )
      .join('');
    const start = performance.now();
    const { named } = await parser.prepare({ policies: [{ file: 'a.cedar', text }], schema });
    const [line, column] = blank === '\n' ? [40_001, 15] : [1, 40_063];
    assert.deepEqual([named.length, named[0]?.line, named[0]?.column], [4 * 1_900, line, column]);
    return performance.now() - start;
  };
  await msBehind(' ');
  const one = await msBehind(' ');
  const many = await msBehind('\n');
  assert.ok(many < 5 * one, `${many} ms behind many lines, ${one} ms behind one`);
});
