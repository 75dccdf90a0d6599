import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldMessage, ProblemError, readProblem } from './problem.ts';

test('readProblem() keeps what RFC 9457 and our extensions say', () => {
  const problem = readProblem(403, {
    title: 'Refused',
    detail: 'no',
    correlationId: 'abc',
    words: ['only at work'],
    remedies: [{ kind: 'sign-in', words: 'Sign in' }],
  });
  assert.equal(problem.title, 'Refused');
  assert.equal(problem.correlationId, 'abc');
  assert.deepEqual(problem.words, ['only at work']);
  assert.deepEqual(problem.remedies, [{ kind: 'sign-in', words: 'Sign in' }]);
});

test('readProblem() gives a title for any body, however odd', () => {
  for (const body of [null, undefined, 'text', [], { title: 7, errors: 'x', words: [1], remedies: [null] }]) {
    const problem = readProblem(500, body);
    assert.equal(problem.title, 'The server could not do this');
    assert.deepEqual([problem.words, problem.errors, problem.remedies], [[], [], []]);
  }
});

test('fieldMessage() finds a field under each way of writing its path', () => {
  for (const path of ['upstream', '/upstream', '$.upstream']) {
    const error = new ProblemError(readProblem(400, { errors: [{ path, message: 'not a URL' }] }));
    assert.equal(fieldMessage(error, 'upstream'), 'not a URL');
    assert.equal(fieldMessage(error, 'name'), undefined);
  }
  assert.equal(fieldMessage(new Error('x'), 'upstream'), undefined);
});
