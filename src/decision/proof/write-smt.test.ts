import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Meaning } from './meaning.ts';
import { boolSort, Terms, textSort } from './term.ts';
import { UnwritableText, writeSmt } from './write-smt.ts';

function like(text: string, literal: string) {
  const terms = new Terms<Meaning>();
  const symbol = terms.symbol('s', () => ({ parameters: [], sort: textSort, meaning: { kind: 'principal' } }));
  const subject = terms.apply(symbol);
  return [terms.like(subject, [{ Literal: literal }]), terms.eq(subject, terms.text(text))];
}

test('writeSmt() lets no text of an author out of its quotes', () => {
  const { text } = writeSmt(like('a") (assert false) ;\\u{61}\n"', '"" \\" (exit)|é\u0000'));
  // Every quote in the script begins or ends one of the two strings.
  const strings = text.match(/"[^"]*"/g) ?? [];
  assert.equal(strings.length, 2);
  for (const string of strings) assert.match(string, /^"(?:[ !#-[\]-~]|\\u\{[0-9a-f]{1,5}\})*"$/);
  assert.doesNotMatch(text.replaceAll(/"[^"]*"/g, ''), /exit|assert false/);
});

test('writeSmt() refuses characters that the solver’s strings do not have', () => {
  assert.throws(() => writeSmt(like('a', '\u{F0000}')), UnwritableText);
});

test('writeSmt() writes texts that are only compared as values without letters', () => {
  const terms = new Terms<Meaning>();
  const symbol = terms.symbol('s', () => ({ parameters: [], sort: textSort, meaning: { kind: 'principal' } }));
  const isEither = terms.or(
    terms.eq(terms.apply(symbol), terms.text('one')),
    terms.eq(terms.apply(symbol), terms.text('two')),
  );
  const { text, hasStrings } = writeSmt([isEither]);
  assert.equal(hasStrings, false);
  assert.doesNotMatch(text, /one|two|String/);
  assert.match(text, /\(assert \(distinct S0l0 S0l1\)\)/);
});

test('a name of a symbol never reaches the script', () => {
  const terms = new Terms<Meaning>();
  const symbol = terms.symbol('|) (exit) |', () => ({
    parameters: [],
    sort: boolSort,
    meaning: { kind: 'principal' },
  }));
  assert.equal(writeSmt([terms.apply(symbol)]).text, '(declare-fun f0 () Bool)\n(assert f0)');
});
