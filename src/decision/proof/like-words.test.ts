import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePattern } from '#decision/engine';
import { contradiction, exactly, findWord, type LikeFact } from './like-words.ts';
import type { PatternPart } from './term.ts';

/** `*` is a wildcard, and all else a character. */
const pattern = (text: string): readonly PatternPart[] =>
  [...text].map((each) => (each === '*' ? 'Wildcard' : { Literal: each }));
const facts = (...texts: string[]): LikeFact[] =>
  texts.map((text) => ({ pattern: pattern(text.slice(1)), isLike: text.startsWith('+') }));
const matches = (text: string, each: string) =>
  new RegExp(`^${each.replaceAll(/[^*]/g, '[$&]').replaceAll('*', '.*')}$`, 's').test(text);

test('findWord() finds a text that is like some patterns and not like others', () => {
  const wordOf = (...texts: string[]) => findWord(facts(...texts));
  assert.deepEqual(wordOf('+/*', '+*secret*'), { word: '/secret' });
  assert.deepEqual(wordOf('+/public/*', '+*..*', '-*//*', '+*x'), { word: '/public/..x' });
  assert.deepEqual(wordOf('+/api/v1/*', '+*/users/*', '+*json', '-*x*', '-*y*'), { word: '/api/v1/users/json' });
  assert.deepEqual(wordOf('+*😀*', '-😀*'), { word: 'x😀' });
  assert.deepEqual(wordOf('-*a*', '-x'), { word: '' });
  assert.equal(wordOf('+/api/*', '-/api*'), 'none');
  assert.equal(wordOf('+*aa*', '-*a*'), 'none');
  assert.equal(wordOf('+/a*', '+*a', '-/a*a', '-/a'), 'none', 'there is but one, and that is ruled out');
  assert.equal(wordOf('-*'), 'none');
  assert.deepEqual(findWord([...facts('+/*'), { pattern: exactly('/'), isLike: false }]), { word: '/x' });
});

test('findWord() gives up where there is too much to look at', () => {
  const many = 'abcdefghijklmnopqr'.split('').map((each) => `+*${each}*${each}*`);
  assert.equal(findWord(facts(...many)), 'unknown');
  const work = { left: 10 };
  assert.deepEqual([findWord(facts('+*abc*'), work), work.left < 0], ['unknown', true]);
});

test('contradiction() keeps what is needed', () => {
  const all = facts('+*x*', '+/api/*', '-*.json', '-/api*', '+*z');
  assert.deepEqual(contradiction(all), facts('+/api/*', '-/api*'));
});

test('findWord() and the engine say of every short text what a regular expression says', () => {
  let state = 7;
  const random = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
  const texts = [''];
  for (let at = 0; (texts[at]?.length ?? 9) < 6; at += 1) for (const each of 'abx') texts.push(`${texts[at]}${each}`);
  let [found, none] = [0, 0];
  for (let round = 0; round < 400; round += 1) {
    const some = Array.from({ length: 1 + random(4) }, () =>
      Array.from({ length: 1 + random(4) }, () => 'ab*'[random(3)]).join(''),
    );
    const signs = some.map(() => random(2) === 0);
    const holds = (text: string) => some.every((each, index) => matches(text, each) === signs[index]);
    for (const text of texts.slice(0, 100))
      for (const each of some)
        assert.equal(compilePattern(pattern(each))(text), matches(text, each), `${text} ${each}`);
    const answer = findWord(some.map((each, index) => ({ pattern: pattern(each), isLike: signs[index] === true })));
    const example = texts.find(holds);
    assert.notEqual(answer, 'unknown');
    if (typeof answer === 'string') {
      none += 1;
      assert.equal(example, undefined, `${some} ${signs}`);
    } else {
      found += 1;
      assert.ok(holds(answer.word), `${some} ${signs} ${answer.word}`);
      if (example !== undefined) assert.equal(answer.word.length, example.length, 'a shortest one');
    }
  }
  assert.ok(found > 100 && none > 20, `${found} ${none}`);
});
