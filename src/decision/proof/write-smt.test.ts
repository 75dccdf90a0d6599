import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Meaning } from './meaning.ts';
import { boolSort, Terms, textSort } from './term.ts';
import { writeSmt } from './write-smt.ts';

function like(text: string, literal: string) {
  const terms = new Terms<Meaning>();
  const symbol = terms.symbol('s', () => ({ parameters: [], sort: textSort, meaning: { kind: 'principal' } }));
  const subject = terms.apply(symbol);
  return [terms.like(subject, [{ Literal: literal }]), terms.eq(subject, terms.text(text))];
}

test('writeSmt() lets no text of an author into a script, only what is so of it', () => {
  const { text, never } = writeSmt(like('a") (assert false) ;\\u{61}\n"', '"" \\" (exit)|é\u0000'));
  assert.doesNotMatch(text, /["\\;|]|exit|assert false/);
  assert.match(text, /\(assert \(not \(p0 S0l0\)\)\)/);
  const fact = { pattern: [{ Literal: '"" \\" (exit)|é\u0000' }], isLike: true };
  assert.equal(never([fact]), '(assert (not (and (p0 f0))))');
});

test('writeSmt() writes texts that are only compared as values without letters', () => {
  const terms = new Terms<Meaning>();
  const symbol = terms.symbol('s', () => ({ parameters: [], sort: textSort, meaning: { kind: 'principal' } }));
  const isEither = terms.or(
    terms.eq(terms.apply(symbol), terms.text('one')),
    terms.eq(terms.apply(symbol), terms.text('two')),
  );
  const { text } = writeSmt([isEither]);
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
