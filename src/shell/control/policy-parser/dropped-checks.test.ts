import assert from 'node:assert/strict';
import { test } from 'node:test';
import { droppedChecks } from './dropped-checks.ts';

const schema =
  'entity User; entity App; action read appliesTo { principal: User, resource: App, context: { n: Long } };';
const never = (id: string, most: number) =>
  `@id("${id}") never (principal, action, resource) when { context.n > ${most} };`;
const assume = (id: string, least: number) =>
  `@id("${id}") assume (principal, action, resource) when { context.n >= ${least} };`;
const checks = (invariants: Record<string, string>, tests: Record<string, string> = {}) => {
  const files = (texts: Record<string, string>) => Object.entries(texts).map(([file, text]) => ({ file, text }));
  return { schema, invariants: files(invariants), tests: files(tests) };
};
const dropped = (before: Record<string, string>, after: Record<string, string>) =>
  droppedChecks(checks(before), checks(after)).map((words) => /`([^`]*)`/.exec(words)?.[1]);

test('droppedChecks() takes no offence at other names, places, words and more invariants', () => {
  const before = { 'a.invariants': `${never('a', 5)}\n${never('b', 6)}` };
  assert.deepEqual(dropped(before, before), []);
  const after = {
    'x.invariants': `// words\n@description("d")\n${never('c', 6)}`,
    'y.invariants': never('a', 5) + never('d', 1),
  };
  assert.deepEqual(dropped(before, after), []);
});

test('droppedChecks() names what is gone, says less, or stands under an assumption that it did not have', () => {
  const before = { 'a.invariants': never('a', 5), 'b.invariants': never('b', 6) + assume('x', 0) };
  assert.deepEqual(dropped(before, { 'b.invariants': never('b', 6) + assume('x', 0) }), ['a']);
  assert.deepEqual(dropped(before, { ...before, 'a.invariants': never('a', 7) }), ['a']);
  assert.deepEqual(dropped(before, { ...before, 'a.invariants': never('a', 5) + assume('z', 0) }), ['a']);
  assert.deepEqual(dropped(before, { ...before, 'b.invariants': never('b', 6) + assume('x', 3) }), ['b']);
  // Fewer assumptions say more.
  assert.deepEqual(dropped(before, { ...before, 'b.invariants': never('b', 6) }), []);
  const turned = never('a', 5).replace('never', 'always');
  assert.deepEqual(dropped(before, { ...before, 'a.invariants': turned }), ['a']);
});

test('droppedChecks() says once that invariants cannot be read, and does not call each of them gone', () => {
  const before = { 'a.invariants': `${never('a', 5)}\n${never('b', 6)}` };
  const typo = '@id("mine") nver (principal, action, resource);';
  for (const after of [{ ...before, 'mine.invariants': typo }, { 'a.invariants': 'what is this' }]) {
    assert.deepEqual(droppedChecks(checks(before), checks(after)), [
      'the invariants cannot be read, so none of those in force stands any more',
    ]);
  }
  assert.deepEqual(
    droppedChecks(checks({ 'a.invariants': typo }), checks(before)),
    [],
    'unreadable before, it guarded nothing',
  );
});

test('droppedChecks() names tests whose question is not asked any more, or that expect a permission where they expected a refusal', () => {
  interface Parts {
    name?: string;
    decision?: string;
    principal?: string;
    n?: number;
    entities?: readonly object[];
  }
  const entity = (id: string, parents: string[] = []) => ({
    uid: `User::"${id}"`,
    parents: parents.map((each) => `User::"${each}"`),
  });
  const file = ({ name = 'x', decision = 'deny', principal = 'u', n = 1, entities = [entity('u', ['g'])] }: Parts) =>
    JSON.stringify({
      entities,
      tests: [
        {
          name,
          principal: `User::"${principal}"`,
          action: 'Action::"read"',
          resource: 'App::"a"',
          context: { n },
          decision,
        },
      ],
    });
  const words = (before: Parts, ...after: Parts[]) =>
    droppedChecks(
      checks({}, { 'a.test.yaml': file(before) }),
      checks({}, Object.fromEntries(after.map((each, index) => [`${index}.test.yaml`, file(each)]))),
    );
  assert.deepEqual(words({}, { name: 'another name' }), []);
  assert.deepEqual(words({}), ['test `x` (a.test.yaml) is gone, or asks something else']);
  for (const hollow of [
    { principal: 'v' },
    { n: 2 },
    { entities: [] },
    { entities: [entity('u')] },
    { entities: [entity('u', ['g']), entity('g', ['h'])] },
  ] satisfies Parts[])
    assert.deepEqual(
      words({}, hollow),
      ['test `x` (a.test.yaml) is gone, or asks something else'],
      JSON.stringify(hollow),
    );
  assert.deepEqual(words({}, { entities: [entity('stray', ['g']), entity('u', ['g'])] }), []);
  assert.deepEqual(words({}, { decision: 'allow' }), [
    'test `x` (a.test.yaml) expected `deny`, and expects `allow` now',
  ]);
  assert.equal(words({ decision: 'indeterminate' }, { decision: 'allow' }).length, 1);
  assert.deepEqual(words({}, { decision: 'indeterminate' }), []);
  assert.deepEqual(words({ decision: 'allow' }, { decision: 'deny' }), []);
  assert.deepEqual(words({}, { decision: 'allow' }, { name: 'y' }), [], 'the refusal is expected still');
});

test('droppedChecks() names actions that an invariant does not reach any more because the schema has them elsewhere, or not at all', () => {
  const shaped = (
    actions: string,
    invariants = '@id("i") never (principal, action in Action::"access", resource);',
  ) => ({
    schema: `entity User; entity App; ${actions}`,
    invariants: [{ file: 'a.invariants', text: invariants }],
    tests: [],
  });
  const asked = 'appliesTo { principal: User, resource: App }';
  const moved = (...sides: [string, string]) => {
    const [before, after] = sides.map((actions) => shaped(actions));
    return droppedChecks(before ?? shaped(''), after ?? shaped('')).map((words) => /`(.*?)`/.exec(words)?.[1]);
  };
  const usual = `action access; action other; action read in [access] ${asked}; action write in [read] ${asked};`;
  assert.deepEqual(moved(usual, usual.replace('in [read]', 'in [access]')), ['Action::"write"']);
  assert.deepEqual(moved(usual, usual.replace('read in [access]', 'read')), ['Action::"read"', 'Action::"write"']);
  assert.deepEqual(moved(usual, usual.replace('read in [access]', 'read in [access, other]')).length, 2);
  assert.deepEqual(moved(usual, usual.replace(/action write.*$/, '')), ['Action::"write"']);
  const more = usual.replace('read in [access]', 'read in [access, fresh]');
  assert.deepEqual(moved(usual, `${more} action fresh; action list in [access] ${asked}; entity Door;`), []);
  assert.deepEqual(droppedChecks({ ...shaped(usual), invariants: [] }, shaped('action read;')), []);
});
