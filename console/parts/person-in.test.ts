import assert from 'node:assert/strict';
import { test } from 'node:test';
import { personIn } from './person-in.ts';

test('personIn() tells people from programs', () => {
  assert.deepEqual(personIn('a1b2'), { userId: 'a1b2', words: 'a1b2' });
  assert.deepEqual(personIn('User::"a\\"b"'), { userId: 'a"b', words: 'a"b' });
  assert.deepEqual(personIn('Workload::"local-operator"'), { userId: undefined, words: 'local operator' });
  assert.deepEqual(personIn('Workload::"ci"'), { userId: undefined, words: 'ci' });
});
