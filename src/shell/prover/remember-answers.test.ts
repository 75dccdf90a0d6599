import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberingSolver } from './remember-answers.ts';

/** Stands for the solver: what it says of each script, and what it was asked. */
function solverOf(answers: Readonly<Record<string, 'sat' | 'unsat' | 'unknown'>>) {
  const asked: string[] = [];
  const start = async () => ({
    check: async (script: string) => {
      asked.push(script);
      return answers[script] ?? 'unknown';
    },
    values: async (names: readonly string[]) => `values of ${asked.at(-1)}: ${names.join()}`,
    isLate: () => false,
  });
  return { start, asked };
}

const nothing = { sat: [], unsat: [] };

test('rememberingSolver() never remembers that there was no answer', async () => {
  const { start, asked } = solverOf({});
  const solver = rememberingSolver(start, nothing);
  assert.deepEqual([await solver.check('hard'), await solver.check('hard')], ['unknown', 'unknown']);
  assert.deepEqual([asked, solver.learned], [['hard', 'hard'], nothing]);
});

test('rememberingSolver() asks again for an example of what it knew, and nothing for the rest', async () => {
  const { start, asked } = solverOf({ a: 'sat', b: 'unsat' });
  const first = rememberingSolver(start, nothing);
  assert.deepEqual([await first.check('a'), await first.check('b')], ['sat', 'unsat']);
  const second = rememberingSolver(start, first.learned);
  asked.length = 0;
  assert.deepEqual([await second.check('b'), await second.check('a'), asked], ['unsat', 'sat', []]);
  assert.equal(await second.values(['x']), 'values of a: x');
  assert.deepEqual([asked, second.learned], [['a'], nothing]);
});

test('rememberingSolver() remembers where a question ended that went on, and no answer on the way', async () => {
  const { start, asked } = solverOf({ a: 'sat', 'a b': 'sat', 'a b c': 'unsat', d: 'sat' });
  const first = rememberingSolver(start, nothing);
  const answers = [await first.check('d'), await first.check('a')];
  answers.push(await first.check('a b', true), await first.check('a b c', true));
  assert.deepEqual(answers, ['sat', 'sat', 'sat', 'unsat']);
  assert.deepEqual([first.learned.sat.length, first.learned.unsat.length], [1, 1]);
  const second = rememberingSolver(start, first.learned);
  asked.length = 0;
  assert.deepEqual([await second.check('d'), await second.check('a b c', true), asked], ['sat', 'unsat', []]);
  assert.deepEqual([await second.check('a'), await second.check('hard', true)], ['sat', 'unknown']);
  assert.deepEqual(second.learned, nothing);
});

test('rememberingSolver() takes another question for another, and gives no example that the solver does not find again', async () => {
  const { start } = solverOf({ a: 'sat' });
  const first = rememberingSolver(start, nothing);
  await first.check('a');
  const late = rememberingSolver(solverOf({}).start, first.learned);
  assert.equal(await late.check('a '), 'unknown');
  assert.equal(await late.check('a'), 'sat');
  assert.equal(await late.values(['x']), 'unknown');
});
