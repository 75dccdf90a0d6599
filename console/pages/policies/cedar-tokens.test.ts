import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cedarTokens } from './cedar-tokens.ts';

const kinds = (line: string) =>
  cedarTokens(line)
    .filter((token) => token.text.trim() !== '')
    .map((token) => `${token.kind} ${token.text}`);

test('cedarTokens() loses nothing of any line', () => {
  const line = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\n'));
  fc.assert(
    fc.property(line, (text) => {
      assert.equal(
        cedarTokens(text)
          .map((token) => token.text)
          .join(''),
        text,
      );
    }),
  );
});

test('cedarTokens() tells the parts of a policy apart', () => {
  assert.deepEqual(kinds('@id("a // b") // note'), [
    'annotation @id',
    'plain (',
    'string "a // b"',
    'plain )',
    'comment // note',
  ]);
  assert.deepEqual(kinds('permit (principal in Group::"x");'), [
    'effect permit',
    'plain (',
    'variable principal',
    'keyword in',
    'type Group',
    'operator ::',
    'string "x"',
    'plain )',
    'plain ;',
  ]);
  assert.deepEqual(kinds('context.action.contains(1)'), [
    'variable context',
    'plain .',
    'plain action',
    'plain .',
    'call contains',
    'plain (',
    'number 1',
    'plain )',
  ]);
});
