import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffHunks, diffLines } from './diff-lines.ts';

const marks = { same: ' ', removed: '-', added: '+' };
const show = (before: string, after: string) =>
  diffLines(before, after).map((line) => `${marks[line.kind]}${line.text}`);

test('diffLines() shows what was removed and added', () => {
  assert.deepEqual(show('a\nb\nc', 'a\nx\nc'), [' a', '-b', '+x', ' c']);
  assert.deepEqual(show('', 'a'), ['+a']);
  assert.deepEqual(show('a', ''), ['-a']);
  assert.deepEqual(show('a\nb', 'b\na'), ['-a', ' b', '+a']);
});

test('diffLines() rebuilds both texts from its lines, whatever they are', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after);
      const join = (leftOut: string) =>
        lines
          .filter((line) => line.kind !== leftOut)
          .map((line) => line.text)
          .join('\n');
      assert.equal(join('added'), before);
      assert.equal(join('removed'), after);
    }),
  );
});

test('diffLines() does not freeze on texts that share nothing', () => {
  const before = Array.from({ length: 5000 }, (_, index) => `a${index}`).join('\n');
  const after = Array.from({ length: 5000 }, (_, index) => `b${index}`).join('\n');
  assert.equal(diffLines(before, after).length, 10_000);
});

test('diffHunks() keeps changes and what is around them', () => {
  const before = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
  const hunks = diffHunks(diffLines(before, before.replace('line 10\n', 'new\n').replace('line 25\n', '')), 1);
  assert.deepEqual(
    hunks.map((line) => (line === null ? '…' : `${marks[line.kind]}${line.text}`)),
    ['…', ' line 9', '-line 10', '+new', ' line 11', '…', ' line 24', '-line 25', ' line 26', '…'],
  );
});
