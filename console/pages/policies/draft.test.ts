import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  carryOver,
  changesBetween,
  type Draft,
  fileNameProblem,
  fullName,
  kindOf,
  schemaName,
  withoutFile,
  withText,
} from './draft.ts';

const base: Draft = {
  schema: 'S',
  policies: [
    { file: 'a.cedar', text: 'A' },
    { file: 'b.cedar', text: 'B' },
  ],
  tests: [],
  invariants: [{ file: 'odd-name', text: 'I' }],
};

test('changesBetween() names added, changed and removed files and the schema', () => {
  const after = withText(
    withoutFile(withText(withText(base, { file: 'a.cedar', text: 'A2' }), { file: 'c.cedar', text: 'C' }), 'b.cedar'),
    {
      file: schemaName,
      text: 'S2',
    },
  );
  assert.deepEqual(changesBetween(base, after), [
    { file: 'a.cedar', before: 'A', after: 'A2' },
    { file: 'b.cedar', before: 'B', after: null },
    { file: 'c.cedar', before: null, after: 'C' },
    { file: schemaName, before: 'S', after: 'S2' },
  ]);
  assert.deepEqual(changesBetween(base, base), []);
});

test('carryOver() keeps their changes and mine, and names what both changed', () => {
  const mine = withText(withText(base, { file: 'a.cedar', text: 'mine' }), { file: 'c.cedar', text: 'C' });
  const theirs = withText(withText(base, { file: 'a.cedar', text: 'theirs' }), { file: 'b.cedar', text: 'B2' });
  const { draft, both } = carryOver(base, mine, theirs);
  assert.deepEqual(draft.policies, [
    { file: 'a.cedar', text: 'mine' },
    { file: 'b.cedar', text: 'B2' },
    { file: 'c.cedar', text: 'C' },
  ]);
  assert.deepEqual(both, ['a.cedar']);
});

test('carryOver() finds no conflict where both made the same change', () => {
  const same = withText(base, { file: 'a.cedar', text: 'same' });
  assert.deepEqual(carryOver(base, same, same), { draft: same, both: [] });
});

test('fileNameProblem() refuses paths that climb, other endings and names taken', () => {
  for (const name of ['', 'x', '../x.cedar', '/x.cedar', 'X.cedar', 'a//b.cedar', 'a.cedar']) {
    assert.ok(fileNameProblem(base, name) !== undefined, name);
  }
  assert.equal(fileNameProblem(base, 'apps/wiki.cedar'), undefined);
});

test('withText() puts a new file where its name says, and changes one where it stands', () => {
  const draft = withText(withText(base, { file: 'a.test.yaml', text: 'T' }), { file: 'odd-name', text: 'I2' });
  assert.deepEqual(draft.tests, [{ file: 'a.test.yaml', text: 'T' }]);
  assert.deepEqual(draft.invariants, [{ file: 'odd-name', text: 'I2' }]);
  assert.deepEqual(draft.policies, base.policies);
  const more = withText(draft, { file: 'more.invariants', text: 'M' });
  assert.deepEqual(
    [kindOf(more, 'more.invariants'), withoutFile(more, 'odd-name').invariants.length],
    ['invariants', 1],
  );
  assert.deepEqual(
    changesBetween(base, draft).map(({ file }) => file),
    ['a.test.yaml', 'odd-name'],
  );
});

test('fullName() takes a name without an ending for a policy', () => {
  const names = ['a', ' b.cedar ', 'c.test.yaml', 'd.invariants', ''];
  assert.deepEqual(names.map(fullName), ['a.cedar', 'b.cedar', 'c.test.yaml', 'd.invariants', '']);
});
