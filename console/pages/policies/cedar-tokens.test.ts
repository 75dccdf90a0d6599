import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cedarTokens, yamlTokenAt } from './cedar-tokens.ts';

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

test('yamlTokenAt() loses nothing of any line, and tells names, texts and notes apart', () => {
  const tokens = (line: string) => {
    const found = [];
    for (let from = 0; from < line.length; from += found.at(-1)?.text.length ?? 1) found.push(yamlTokenAt(line, from));
    return found;
  };
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('\n')),
      (line) => {
        assert.equal(
          tokens(line)
            .map(({ text }) => text)
            .join(''),
          line,
        );
      },
    ),
  );
  const told = tokens("  - name: 'a # b' # note")
    .filter(({ text }) => text.trim() !== '')
    .map(({ kind, text }) => `${kind} ${text}`);
  assert.deepEqual(told, ['operator -', 'annotation name', 'operator :', "string 'a # b'", 'comment # note']);
});

test('the first words of invariants stand out as those of policies do', () => {
  assert.deepEqual(kinds('never (')[0], 'effect never');
  assert.deepEqual(kinds('always')[0], 'effect always');
  assert.deepEqual(kinds('context.never == 1')[2], 'plain never');
});
