import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiProblem } from './problem.ts';
import { readJson } from './read-json.ts';

const refused = (words: RegExp) => (error: unknown) =>
  error instanceof ApiProblem && error.details.status === 400 && words.test(error.details.detail);
/** As anybody may write it: each character escaped or not. */
const escaped = (text: string) =>
  text.replace(/[\u007f-\uffff]/g, (half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`);

test('readJson() reads what JSON.parse() reads, where all texts are Unicode, however they are written', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.boolean(), (value, isEscaped) => {
      const text = JSON.stringify(value);
      assert.deepEqual(readJson(Buffer.from(isEscaped ? escaped(text) : text)), JSON.parse(text));
    }),
  );
});

test('readJson() refuses half a surrogate pair in any text or name, and nothing that only looks like one', () => {
  for (const half of [
    '\\ud800',
    '\\uDFFF',
    '\\udc00\\ud800',
    '\\ud800\\u0041',
    '\\ud83d\\ud83d\\ude00',
    'a\\\\\\ud800',
  ])
    for (const text of [`"${half}"`, `{"${half}":1}`, `[[{"a":"x${half}y"}]]`])
      assert.throws(() => readJson(Buffer.from(text)), refused(/half a surrogate pair/), text);
  for (const whole of ['\\ud83d\\ude00', '\\\\ud800', '\\u0041d800', '\\"\\\\'])
    assert.equal(readJson(Buffer.from(`"${whole}"`)), JSON.parse(`"${whole}"`));
});

test('readJson() refuses millions of values and deep nesting before it parses them, and what is no JSON', () => {
  const items = (count: number) => Buffer.from(`[${'1,'.repeat(count - 1)}1]`);
  assert.equal((readJson(items(200_000)) as unknown[]).length, 200_000);
  assert.throws(() => readJson(items(8_000_000)), refused(/more than 200000 values/));
  assert.throws(() => readJson(Buffer.from('{'.repeat(1_000_000))), refused(/deeper than 100/));
  assert.deepEqual(readJson(Buffer.from(`"${',[{'.repeat(300_000)}"`)), ',[{'.repeat(300_000));
  for (const bytes of [
    Buffer.from('{'),
    Buffer.from('"a'),
    Buffer.from('"a\\'),
    Buffer.from([0x22, 0xff, 0x22]),
    Buffer.of(),
  ])
    assert.throws(() => readJson(bytes), refused(/not JSON in UTF-8/));
});
