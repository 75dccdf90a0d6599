import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitPolicies } from './index.ts';

/** The same, slowly: one regular expression for the next thing in Cedar text. */
function referenceSplit(text: string): { text: string; line: number; column: number }[] {
  const pieces: { text: string; line: number; column: number }[] = [];
  let start = -1;
  const add = (end?: number) => {
    const before = text.slice(0, start).split('\n');
    pieces.push({ text: text.slice(start, end), line: before.length, column: (before.at(-1) ?? '').length + 1 });
    start = -1;
  };
  for (const { 0: token, index } of text.matchAll(/\s+|\/\/[^\n\r]*|"(?:[^"\\]|\\[\s\S])*"|[\s\S]/g)) {
    if (token.startsWith('//') || token.trim() === '') continue;
    if (start < 0) start = index;
    if (token === ';') add(index + 1);
  }
  if (start >= 0) add();
  return pieces;
}

test('splitPolicies() splits as the slow reference does, whatever the text', () => {
  const part = fc.constantFrom(
    'permit',
    ';',
    '"',
    '\\',
    '\\"',
    '//',
    '/',
    '\n',
    '\r',
    ' ',
    '\u00a0',
    '\ufeff',
    'é',
    '💡',
    ';"',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      const text = parts.join('');
      const found = [...splitPolicies(text)].map(({ text: piece, line, column }) => ({ text: piece, line, column }));
      assert.deepEqual(found, referenceSplit(text));
    }),
    { numRuns: 2_000 },
  );
});

test('splitPolicies() gives the offset of each piece', () => {
  const text = '// first\n permit(principal, action, resource); forbid';
  for (const { text: piece, start } of splitPolicies(text)) assert.ok(text.startsWith(piece, start));
});

test('splitPolicies() does not take the square of the time for a text of open strings', () => {
  const pieces = [...splitPolicies(`${'"\\'.repeat(200_000)};`)];
  assert.equal(pieces.length, 1);
});
